package fetch_test

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gostitch/gostitch/gocore/tasks/fetch"
)

func redirect(to string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) }
}

// A redirect to another server is followed without the call's headers, the
// user and the address it came from; one within the server keeps the headers.
func TestRedirectKeepsSecretsHome(t *testing.T) {
	t.Parallel()
	home, abroad := newSite(t), newSite(t)
	target := abroad.on("/f", whole([]byte("ok"), ""))
	home.on("/b", redirect(target))
	url := strings.Replace(home.on("/a", redirect("/b")), "://", "://joe:hunter2@", 1) + "?token=tiger"
	r := run(t, fetch.Options{
		Items:   []fetch.Item{{URL: url, Path: filepath.Join(t.TempDir(), "f")}},
		Headers: map[string]string{"private-token": "hunter2", "Accept": "x/y"},
	})[0]
	if !r.OK || r.URL != url {
		t.Fatalf("%+v", r)
	}
	if got := home.requests("/b")[0].Header.Get("Private-Token"); got != "hunter2" {
		t.Errorf("the own server got %q", got)
	}
	h := abroad.requests("/f")[0].Header
	for _, name := range []string{"Private-Token", "Authorization", "Referer"} {
		if h.Get(name) != "" {
			t.Errorf("the other server got %s: %s", name, h.Get(name))
		}
	}
	if h.Get("Accept") != "x/y" || h.Get("Accept-Encoding") != "identity" {
		t.Errorf("the other server got %v", h)
	}
}

// Endless redirects, those to other schemes and malformed ones are final.
func TestRefusesRedirects(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for to, want := range map[string]string{
		"/f":                        "too many redirects",
		"ftp://host/x":              "from http to ftp refused",
		"file:///etc/passwd":        "from http to file refused",
		"http://joe:hunter2/x@host": "malformed address",
	} {
		url := s.on("/f", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusFound)
		})
		r := one(t, fetch.Item{URL: url, Path: filepath.Join(t.TempDir(), "f")})
		if r.OK || r.Attempts != 1 || !strings.Contains(r.Error, want) || strings.Contains(r.Error, "hunter2") {
			t.Errorf("to %s: %+v", to, r)
		}
	}
}

// trusting lets the calls under ctx accept the certificate of a test server.
func trusting(server *httptest.Server) context.Context {
	return fetch.WithTransportWrapper(context.Background(), func(next http.RoundTripper) http.RoundTripper {
		pool := server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
		next.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
		return next
	})
}

// A redirect from https to http is refused; https itself works, with HTTP/2;
// a certificate that does not hold is final.
func TestHTTPS(t *testing.T) {
	t.Parallel()
	plain := newSite(t)
	body := realFile(t, "net/http/server.go")
	var major atomic.Int64
	secure := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/down" {
			redirect(plain.URL)(w, r)
			return
		}
		major.Store(int64(r.ProtoMajor))
		whole(body, `"v1"`)(w, r)
	}))
	secure.EnableHTTP2 = true
	secure.StartTLS()
	defer secure.Close()
	item := func(path string) fetch.Options {
		return fetch.Options{
			Items: []fetch.Item{{URL: secure.URL + path, Path: filepath.Join(t.TempDir(), "f")}}, Retries: 3,
		}
	}
	results, err := fetch.Fetch(trusting(secure), item("/f"), nil)
	if err != nil || !results[0].OK || results[0].Digest != sha(body) || major.Load() != 2 {
		t.Errorf("HTTP/%d, %v %+v", major.Load(), err, results)
	}
	results, err = fetch.Fetch(trusting(secure), item("/down"), nil)
	if err != nil || results[0].OK || results[0].Attempts != 1 || !strings.Contains(results[0].Error, "from https to http refused") {
		t.Errorf("%v %+v", err, results)
	}
	if r := run(t, item("/f"))[0]; r.OK || r.Attempts != 1 || !strings.Contains(r.Error, "certificate") {
		t.Errorf("%+v", r)
	}
}

// No error shows the user, the password or a query value of a URL.
func TestErrorsHideSecrets(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.on("/500", status(500))
	s.on("/short", cut(5, whole(make([]byte, 50), "")))
	s.on("/wrong", whole([]byte("x"), ""))
	base := strings.Replace(s.URL, "://", "://joe:hunter2@", 1)
	for _, where := range []string{base + "/500", base + "/short", base + "/wrong", "http://joe:hunter2@127.0.0.1:1/x"} {
		r := run(t, fetch.Options{Items: []fetch.Item{{
			URL: where + "?token=tiger&lion", Path: filepath.Join(t.TempDir(), "f"), Digest: sha(nil),
		}}})[0]
		if r.OK || !strings.Contains(r.Error, "***@") || !strings.Contains(r.Error, "?token=***&***") {
			t.Errorf("%+v", r)
		}
		for _, secret := range []string{"joe", "hunter2", "tiger", "lion"} {
			if strings.Contains(r.Error, secret) {
				t.Errorf("%s is in %s", secret, r.Error)
			}
		}
	}
}

// Redact keeps what helps to find a fault and nothing that opens a door.
func TestRedact(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"http://h/p%20q":           "http://h/p%20q",
		"https://u@h:8/p?a=1&b=&c": "https://***@h:8/p?a=***&b=***&***",
	} {
		u, err := url.Parse(raw)
		if err != nil || fetch.Redact(u) != want {
			t.Errorf("%s became %s, %v", raw, fetch.Redact(u), err)
		}
	}
}

// Every request, redirects included, goes through the wrapper of the context,
// with the values of the caller's context.
func TestTransportWrapper(t *testing.T) {
	t.Parallel()
	type key struct{}
	s := newSite(t)
	s.on("/b", whole([]byte("ok"), ""))
	ctx := context.WithValue(context.Background(), key{}, "00-trace")
	ctx = fetch.WithTransportWrapper(ctx, func(next http.RoundTripper) http.RoundTripper {
		return tripper(func(r *http.Request) (*http.Response, error) {
			r = r.Clone(r.Context())
			r.Header.Set("Traceparent", r.Context().Value(key{}).(string))
			return next.RoundTrip(r)
		})
	})
	items := []fetch.Item{{URL: s.on("/a", redirect("/b")), Path: filepath.Join(t.TempDir(), "f")}}
	results, err := fetch.Fetch(ctx, fetch.Options{Items: items}, nil)
	if err != nil || !results[0].OK {
		t.Fatalf("%v %+v", err, results)
	}
	for _, path := range []string{"/a", "/b"} {
		if got := s.requests(path)[0].Header.Get("Traceparent"); got != "00-trace" {
			t.Errorf("%s got %q", path, got)
		}
	}
}

type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
