package fetch

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

const (
	maxRedirects = 10
	pingAfter    = 15 * time.Second // of silence on an HTTP/2 connection
)

type wrapperKey struct{}

// WithTransportWrapper returns a context under which Fetch sends its requests
// through wrap(transport). That is the place to add trace headers, count
// requests or sign them. The wrapper is called once per call of Fetch; the
// round tripper it returns must be safe for concurrent use, and sees one
// request per redirect, each with the context of the call. A later wrapper
// replaces an earlier one.
func WithTransportWrapper(ctx context.Context, wrap func(http.RoundTripper) http.RoundTripper) context.Context {
	return context.WithValue(ctx, wrapperKey{}, wrap)
}

// WrapTransport wraps the transport of calls whose context has no wrapper of its
// own. A program sets it before its first call of Fetch, if at all.
var WrapTransport = func(next http.RoundTripper) http.RoundTripper { return next }

// MayReach returns an error for an address, "host:port", that must not be dialled, nor be asked for of
// a proxy: of an item it is the call's, of a redirect the item's. A program sets it before its first
// call of Fetch, if at all.
var MayReach = func(address string) error { return nil }

// OnRetry is told why an attempt has failed that is made again after a while, with the context of the
// call. A program sets it before its first call of Fetch, if at all; it must be safe for concurrent use.
var OnRetry = func(ctx context.Context, reason error, attempt int, delay time.Duration) {}

// web is the HTTP client of one call, with every connection it has open. A
// client per call costs one connection set-up per host and worker, and in
// return leaves nothing behind: no goroutine, no descriptor, and nothing for a
// forked child to inherit.
type web struct {
	client    *http.Client
	transport *http.Transport
	ctx       context.Context
	dialer    net.Dialer

	mu     sync.Mutex
	open   map[*conn]struct{}
	closed bool
}

func newWeb(ctx context.Context, p *plan) *web {
	w := &web{ctx: ctx, open: make(map[*conn]struct{})}
	w.dialer = net.Dialer{Timeout: p.timeout, KeepAlive: 30 * time.Second}
	w.transport = &http.Transport{
		Proxy:               proxy,
		DialContext:         w.dial,
		TLSHandshakeTimeout: p.timeout,
		MaxIdleConnsPerHost: p.perHost,
		DisableCompression:  true,
		ForceAttemptHTTP2:   true,
		// A dead HTTP/2 connection would otherwise be chosen again by every retry.
		HTTP2: &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingAfter},
	}
	wrap, _ := ctx.Value(wrapperKey{}).(func(http.RoundTripper) http.RoundTripper)
	if wrap == nil {
		wrap = WrapTransport
	}
	w.client = &http.Client{Transport: permitted{wrap(w.transport)}, CheckRedirect: func(next *http.Request, via []*http.Request) error {
		return checkRedirect(next, via, p.header)
	}}
	return w
}

// permitted asks for the host of each request, redirects included: behind a proxy dial sees only the
// proxy's address.
type permitted struct{ next http.RoundTripper }

func (p permitted) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := mayReach(r.URL); err != nil {
		return nil, permanent(err)
	}
	return p.next.RoundTrip(r)
}

func mayReach(u *url.URL) error { return MayReach(u.Hostname() + ":" + u.Port()) }

// proxy hides the text of a malformed proxy setting: it may hold a password.
func proxy(r *http.Request) (*url.URL, error) {
	u, err := http.ProxyFromEnvironment(r)
	if err != nil {
		return nil, permanent(errors.New("the proxy address in the environment is malformed"))
	}
	return u, nil
}

// dial also stops when the call does: net/http goes on dialling for a request
// that was cancelled, for the benefit of the next one.
func (w *web) dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(w.ctx, cancel)()
	if err := MayReach(address); err != nil {
		return nil, permanent(err)
	}
	raw, err := w.dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: raw, web: w}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		_ = raw.Close()
		return nil, net.ErrClosed
	}
	w.open[c] = struct{}{}
	return c, nil
}

// close leaves no connection: CloseIdleConnections alone would leave those
// that net/http is still busy giving back.
func (w *web) close() {
	w.transport.CloseIdleConnections()
	w.mu.Lock()
	w.closed = true
	left := make([]*conn, 0, len(w.open))
	for c := range w.open {
		left = append(left, c)
	}
	w.mu.Unlock()
	for _, c := range left {
		_ = c.Close() // nothing is in flight any more
	}
}

// conn is a connection that web knows to be open.
type conn struct {
	net.Conn
	web *web
}

// Close is called from several places in net/http; the second does nothing.
func (c *conn) Close() error {
	c.web.mu.Lock()
	_, open := c.web.open[c]
	delete(c.web.open, c)
	c.web.mu.Unlock()
	if !open {
		return nil
	}
	return c.Conn.Close()
}

// harmless are headers of the call that say nothing secret and so may follow
// a redirect anywhere; the last three are ours.
var harmless = map[string]bool{
	"Accept": true, "Accept-Language": true, "User-Agent": true,
	"Accept-Encoding": true, "Range": true, "If-Range": true,
}

// checkRedirect refuses endless and downgrading redirects, and keeps the
// call's headers from a server they were not meant for: net/http by itself
// protects only Authorization and cookies, not a PRIVATE-TOKEN.
func checkRedirect(next *http.Request, via []*http.Request, given http.Header) error {
	if len(via) >= maxRedirects {
		return permanent(errors.New("too many redirects"))
	}
	last := via[len(via)-1]
	if next.URL.Scheme != "https" && (next.URL.Scheme != "http" || last.URL.Scheme == "https") {
		return permanent(errors.New("redirect from " + last.URL.Scheme + " to " + next.URL.Scheme + " refused"))
	}
	next.Header.Del("Referer") // net/http puts the query of the last URL in it
	home := origin(via[0].URL)
	foreign := origin(next.URL) != home
	for _, r := range via {
		foreign = foreign || origin(r.URL) != home
	}
	if foreign {
		for name := range given {
			if !harmless[name] {
				next.Header.Del(name)
			}
		}
	}
	return nil
}
