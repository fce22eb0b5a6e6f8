package fetch_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gostitch/gostitch/gocore/tasks/fetch"
	"github.com/gostitch/gostitch/gocore/tasks/internal/failure"
)

func TestMain(m *testing.M) {
	fetch.QuickenPace()
	os.Exit(m.Run())
}

// goSource is the folder of Go's own packages.
var goSource = sync.OnceValue(func() string {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		panic(err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "src")
})

// realFile is a file of the Go distribution: real bytes, there on any machine
// that can run this test.
func realFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(goSource(), filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func sha(b []byte) string {
	h := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(h[:])
}

// site is a server whose answers follow a script: request n of a path gets
// answer n, and any further request the last one.
type site struct {
	*httptest.Server
	mu     sync.Mutex
	script map[string][]http.HandlerFunc
	seen   map[string][]*http.Request
	sent   map[string]int64 // body bytes written, per path
}

func newSite(t testing.TB) *site {
	s := &site{
		script: make(map[string][]http.HandlerFunc),
		seen:   make(map[string][]*http.Request),
		sent:   make(map[string]int64),
	}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

// on sets the script of a path and gives its URL.
func (s *site) on(path string, answers ...http.HandlerFunc) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script[path] = answers
	s.seen[path] = nil
	s.sent[path] = 0
	return s.URL + path
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	answers, n := s.script[r.URL.Path], len(s.seen[r.URL.Path])
	s.seen[r.URL.Path] = append(s.seen[r.URL.Path], r)
	s.mu.Unlock()
	if len(answers) == 0 {
		http.NotFound(w, r)
		return
	}
	answers[min(n, len(answers)-1)](&counter{ResponseWriter: w, site: s, path: r.URL.Path}, r)
}

func (s *site) requests(path string) []*http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen[path]
}

func (s *site) sentBytes(path string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent[path]
}

type counter struct {
	http.ResponseWriter
	site *site
	path string
}

func (c *counter) Write(b []byte) (int, error) {
	c.site.mu.Lock()
	c.site.sent[c.path] += int64(len(b))
	c.site.mu.Unlock()
	return c.ResponseWriter.Write(b)
}

func (c *counter) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// long is a modification time long enough ago to count as a validator.
var long = time.Date(2020, 2, 2, 2, 2, 2, 0, time.UTC)

// whole serves ranges and conditions as a good server does.
func whole(body []byte, etag string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if etag != "" {
			w.Header().Set("Etag", etag)
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	}
}

func dated(body []byte, modified time.Time) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", modified, bytes.NewReader(body))
	}
}

func status(code int, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(code)
		_, _ = w.Write([]byte("an error page that must not end up in a file"))
	}
}

// cut lets a good answer through up to n bytes and then drops the connection.
func cut(n int, answer http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		answer(&cutter{ResponseWriter: w, left: n}, r)
	}
}

type cutter struct {
	http.ResponseWriter
	left int
}

func (c *cutter) Write(b []byte) (int, error) {
	n := min(len(b), c.left)
	_, _ = c.ResponseWriter.Write(b[:n])
	c.left -= n
	if c.left == 0 {
		_ = http.NewResponseController(c.ResponseWriter).Flush()
		panic(http.ErrAbortHandler)
	}
	return n, nil
}

// stall sends n bytes, says so on reached, and then nothing until the client
// has gone.
func stall(n int, body []byte, etag string, reached chan<- struct{}) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.Header().Set("Etag", etag)
		_, _ = w.Write(body[:n])
		_ = http.NewResponseController(w).Flush()
		if reached != nil {
			reached <- struct{}{}
		}
		<-r.Context().Done()
	}
}

// run fetches under a deadline far beyond what any test needs.
func run(t testing.TB, o fetch.Options) []fetch.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	results, err := fetch.Fetch(ctx, o, nil)
	if err != nil {
		t.Fatalf("the call failed: %v", err)
	}
	return results
}

// one fetches a single item with three retries.
func one(t testing.TB, item fetch.Item) fetch.Result {
	t.Helper()
	return run(t, fetch.Options{Items: []fetch.Item{item}, Retries: 3})[0]
}

func wantFile(t testing.TB, path string, want []byte) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("%s has %d bytes that are not the %d served", path, len(got), len(want))
	}
}

// wantOnly checks that a directory holds these names and nothing else, hidden
// files included.
func wantOnly(t testing.TB, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if strings.Join(got, " ") != strings.Join(names, " ") {
		t.Fatalf("%s holds %v, want %v", dir, got, names)
	}
}

// wantArgument checks that err refuses the named argument.
func wantArgument(t testing.TB, err error, name string) {
	t.Helper()
	var f *failure.Error
	if !errors.As(err, &f) || f.Code() != failure.CodeInvalidArgument || f.Details()["argument"] != name {
		t.Fatalf("want a refusal of %s, got %v", name, err)
	}
}

// httptestFile serves one text under every name.
func httptestFile(text string) *httptest.Server {
	return httptest.NewServer(whole([]byte(text), ""))
}
