package tasks

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gostitch/gostitch/gocore"
	"github.com/gostitch/gostitch/gocore/tasks/fetch"
)

// traced tells of requests, and sends them with the trace context of what makes them. Baggage stays
// at home: a server that files are fetched from may be anybody's.
type traced struct{ next http.RoundTripper }

func withTrace(next http.RoundTripper) http.RoundTripper { return traced{next} }

// RoundTrip implements http.RoundTripper.
func (t traced) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, end := gocore.StartRequest(r.Context(), outgoing(r))
	resp, err := t.next.RoundTrip(withHeaders(r.WithContext(ctx))) // a round tripper may not change its request
	if err != nil {
		end(gocore.Answer{Err: err})
		return resp, err
	}
	answer := gocore.Answer{Status: resp.StatusCode, Protocol: protocol(resp)}
	resp.Body = &body{ReadCloser: resp.Body, end: func(err error) {
		answer.Err = err
		end(answer)
	}}
	return resp, nil
}

// withHeaders gives a request the headers of its trace context. Headers that the caller has given
// stay, and so does without what belongs to them.
func withHeaders(r *http.Request) *http.Request {
	url := r.URL.String()
	propagated := slices.DeleteFunc(gocore.HeadersOf(r.Context()), func(p gocore.Propagated) bool {
		return p.IsBaggage || !p.Goes(url) || slices.ContainsFunc(p.Headers, func(h gocore.Header) bool { return r.Header.Get(h.Name) != "" })
	})
	if len(propagated) == 0 {
		return r
	}
	r.Header = r.Header.Clone()
	if r.Header == nil {
		r.Header = http.Header{}
	}
	for _, p := range propagated {
		for _, h := range p.Headers {
			if h.Value != "" {
				r.Header.Set(h.Name, h.Value)
			}
		}
	}
	return r
}

func outgoing(r *http.Request) gocore.Outgoing {
	resend := fetch.AttemptOf(r.Context()) - 1
	for redirect := r.Response; redirect != nil && redirect.Request != nil; redirect = redirect.Request.Response {
		resend++
	}
	return gocore.Outgoing{
		Method: r.Method, Scheme: r.URL.Scheme, Host: r.URL.Hostname(), Port: port(r.URL), URL: redacted(r.URL), Resend: max(resend, 0),
	}
}

func port(u *url.URL) int {
	if n, err := strconv.Atoi(u.Port()); err == nil {
		return n
	}
	if u.Scheme == "https" {
		return 443
	}
	return 80
}

// hidden stands for what a URL must not show, in the word of OpenTelemetry's conventions.
const hidden = "REDACTED"

// redacted gives a URL without user, password and the values of its query: no list of names of
// secrets could be complete.
func redacted(u *url.URL) string {
	shown := *u
	shown.User, shown.Fragment, shown.RawFragment = nil, "", ""
	if u.RawQuery != "" {
		parts := strings.Split(u.RawQuery, "&")
		for i, part := range parts {
			if name, _, valued := strings.Cut(part, "="); valued {
				parts[i] = name + "=" + hidden
			} else {
				parts[i] = hidden
			}
		}
		shown.RawQuery = strings.Join(parts, "&")
	}
	text := shown.String()
	if u.User != nil {
		text = strings.Replace(text, "://", fmt.Sprintf("://%s:%s@", hidden, hidden), 1)
	}
	return text
}

func protocol(resp *http.Response) string {
	if resp.ProtoMajor >= 2 {
		return strconv.Itoa(resp.ProtoMajor)
	}
	return fmt.Sprintf("%d.%d", resp.ProtoMajor, resp.ProtoMinor)
}

// body tells when a response was read, or why not.
type body struct {
	io.ReadCloser
	end func(error) // nil once it was told
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	switch err {
	case nil:
	case io.EOF:
		b.tell(nil)
	default:
		b.tell(err)
	}
	return n, err
}

// Close implements io.Closer.
func (b *body) Close() error {
	err := b.ReadCloser.Close()
	b.tell(nil)
	return err
}

func (b *body) tell(err error) {
	if end := b.end; end != nil {
		b.end = nil
		end(err)
	}
}
