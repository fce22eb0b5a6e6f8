package fetch_test

import (
	"bufio"
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/gostitch/gostitch/gocore/tasks/fetch"
)

// Example downloads one file and shows what is known about it afterwards.
func Example() {
	server := httptestFile("hello, world\n")
	defer server.Close()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	results, err := fetch.Fetch(context.Background(), fetch.Options{
		Items:   []fetch.Item{{URL: server.URL + "/hello.txt", Path: filepath.Join(dir, "hello.txt")}},
		Retries: 3,
	}, nil)
	if err != nil {
		panic(err)
	}
	fmt.Println(results[0].OK, results[0].Status, results[0].Bytes, results[0].Digest[:18])
	// Output: true 200 13 sha256:853ff93762a
}

// The files of Go's own packages, served by Python's http.server, arrive as
// they are on the disk; what is not there fails alone.
func TestAgainstPythonServer(t *testing.T) {
	t.Parallel()
	root := filepath.Join(goSource(), "net")
	base := pythonServer(t, root)
	dir := t.TempDir()
	var items []fetch.Item
	var want [][]byte
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || len(items) == 150 {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		body, err := os.ReadFile(path)
		items = append(items, fetch.Item{
			URL: base + "/" + filepath.ToSlash(rel), Path: filepath.Join(dir, "new", rel), Digest: sha(body),
		})
		want = append(want, body)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	items = append(items, fetch.Item{URL: base + "/no/such/file", Path: filepath.Join(dir, "missing")})
	results := run(t, fetch.Options{Items: items, Retries: 3})
	for i, body := range want {
		if !results[i].OK {
			t.Fatalf("%+v", results[i])
		}
		wantFile(t, items[i].Path, body)
	}
	if last := results[len(want)]; last.OK || last.Status != 404 || last.Attempts != 1 {
		t.Errorf("%+v", last)
	}
	wantOnly(t, dir, "new")
}

// pythonServer is an HTTP server that nobody here has written.
func pythonServer(t *testing.T, root string) string {
	t.Helper()
	const code = `
import functools, http.server, sys
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[1])
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
print(server.server_address[1], flush=True)
server.serve_forever()`
	cmd := exec.Command("python3", "-c", code, root)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	port, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return "http://127.0.0.1:" + strings.TrimSpace(port)
}

// Whatever a server does, the file is absent (or the old one) or exactly the
// body that the digest names, the result agrees, and nothing else is left.
func TestAnyFaultsLeaveAllOrNothing(t *testing.T) {
	t.Parallel()
	body, other := realFile(t, "net/http/transport.go"), realFile(t, "net/http/server.go")
	faults := func(r *rand.Rand) http.HandlerFunc {
		n := 1 + r.IntN(len(body)-1)
		return []http.HandlerFunc{
			whole(body, `"v1"`), whole(body, ""), dated(body, long), whole(other, `"v2"`), whole(other, `"v1"`),
			cut(n, whole(body, `"v1"`)), cut(n, whole(body, "")), cut(n, dated(body, long)), cut(n, whole(other, `"v2"`)),
			cut(n, whole(other, `"v1"`)), cut(0, whole(body, `"v1"`)), status(503), status(404), status(416), status(206),
			func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) },
			func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Etag", `"v1"`); _, _ = w.Write(body[:n]) },
		}[r.IntN(17)]
	}
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		s, dir := newSite(t), t.TempDir()
		script := []http.HandlerFunc{faults(r), faults(r), faults(r), faults(r), faults(r)}
		item := fetch.Item{URL: s.on("/f", script...), Path: filepath.Join(dir, "f"), Digest: sha(body)}
		before := []byte("old")
		writeFile(t, item.Path, before)
		resume := seed%2 == 1
		for range 2 {
			result := run(t, fetch.Options{Items: []fetch.Item{item}, Retries: r.IntN(4), Resume: resume})[0]
			if result.OK {
				before = body
			}
			got, err := os.ReadFile(item.Path)
			if err != nil || string(got) != string(before) || result.OK != (result.Error == "") {
				t.Fatalf("seed %d: %v, %d bytes, %+v", seed, err, len(got), result)
			}
			if result.OK || !resume {
				wantOnly(t, dir, "f")
			}
		}
		s.Close()
	}
}

// No more requests are under way than the limits allow, and a slow host does
// not hold up another one.
func TestLimits(t *testing.T) {
	t.Parallel()
	var now, most atomic.Int64
	release := make(chan struct{})
	slow, fast := newSite(t), newSite(t)
	slowURL := slow.on("/f", func(w http.ResponseWriter, _ *http.Request) {
		most.Store(max(most.Load(), now.Add(1)))
		<-release
		now.Add(-1)
		_, _ = w.Write([]byte("slow"))
	})
	var served atomic.Int64
	fastURL := fast.on("/f", func(w http.ResponseWriter, _ *http.Request) {
		if served.Add(1) == 40 {
			close(release)
		}
		_, _ = w.Write([]byte("fast"))
	})
	dir := t.TempDir()
	var items []fetch.Item
	for i := range 80 {
		items = append(items, fetch.Item{URL: []string{slowURL, fastURL}[i/40], Path: filepath.Join(dir, fmt.Sprint(i))})
	}
	for _, r := range run(t, fetch.Options{Items: items, Concurrency: 5, PerHost: 3}) {
		if !r.OK {
			t.Fatalf("%+v", r)
		}
	}
	if most.Load() > 3 {
		t.Errorf("%d requests at once to one host", most.Load())
	}
}

// An item that waits for its retry keeps no place from the others.
func TestWaitingItemsTakeNoPlace(t *testing.T) {
	t.Parallel()
	s, dir := newSite(t), t.TempDir()
	var order []string // one request at a time
	note := func(name string, answer http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			order = append(order, name)
			answer(w, r)
		}
	}
	a := s.on("/a", note("a", status(503, "Retry-After", "1")), note("a", whole([]byte("a"), "")))
	b := s.on("/b", note("b", whole([]byte("b"), "")))
	items := []fetch.Item{{URL: a, Path: filepath.Join(dir, "a")}, {URL: b, Path: filepath.Join(dir, "b")}}
	results := run(t, fetch.Options{Items: items, Concurrency: 1, Retries: 1})
	if !results[0].OK || !results[1].OK || strings.Join(order, "") != "aba" {
		t.Errorf("%v %+v", order, results)
	}
}

// Progress never goes beyond its totals and ends with exact counts.
func TestProgress(t *testing.T) {
	t.Parallel()
	body := realFile(t, "net/http/server.go")
	s, dir := newSite(t), t.TempDir()
	hold := make(chan struct{})
	items := []fetch.Item{
		{URL: s.on("/a", whole(body, `"v"`)), Path: filepath.Join(dir, "a")},
		{URL: s.on("/b", status(404)), Path: filepath.Join(dir, "b")},
		{URL: s.on("/c", cut(9_000, whole(body, `"v"`))), Path: filepath.Join(dir, "c")},
		{URL: s.on("/d", func(w http.ResponseWriter, _ *http.Request) { <-hold; _, _ = w.Write(body[:99]) }), Path: filepath.Join(dir, "d")},
	}
	var last fetch.Progress
	reports := 0
	_, err := fetch.Fetch(context.Background(), fetch.Options{Items: items}, func(p fetch.Progress) {
		if reports++; reports == 1 {
			close(hold)
		}
		if p.Total != 4 || p.Done < last.Done || p.Done > 4 || p.BytesTotal >= 0 && p.Bytes > p.BytesTotal {
			t.Errorf("%+v after %+v", p, last)
		}
		last = p
	})
	want := int64(len(body) + 99)
	if err != nil || last != (fetch.Progress{Done: 4, Total: 4, Failed: 2, Bytes: want, BytesTotal: want}) || reports < 2 {
		t.Errorf("%d reports, the last %+v, %v", reports, last, err)
	}
}

// Errors of the own machine are final, and told per item.
func TestLocalErrors(t *testing.T) {
	t.Parallel()
	s, dir := newSite(t), t.TempDir()
	writeFile(t, filepath.Join(dir, "file"), nil)
	items := []fetch.Item{
		{URL: s.on("/f", whole([]byte("x"), "")), Path: filepath.Join(dir, "file", "under")},
		{URL: s.on("/g", whole([]byte("x"), "")), Path: filepath.Join(dir, "new", "g")},
	}
	results := run(t, fetch.Options{Items: items, Retries: 3})
	if r := results[0]; r.OK || r.Attempts != 1 || !strings.Contains(r.Error, "not a directory") || !strings.Contains(r.Error, items[0].Path) {
		t.Errorf("%+v", r)
	}
	if !results[1].OK {
		t.Errorf("%+v", results[1])
	}
}

// A new file has the mode 0644 less the umask, and a link is replaced without
// touching what it names.
func TestModeAndLinks(t *testing.T) {
	t.Parallel()
	s, dir := newSite(t), t.TempDir()
	path, other := filepath.Join(dir, "f"), filepath.Join(dir, "other")
	writeFile(t, other, []byte("other"))
	if err := os.Symlink(other, path); err != nil {
		t.Fatal(err)
	}
	if r := one(t, fetch.Item{URL: s.on("/f", whole([]byte("x"), "")), Path: path}); !r.OK {
		t.Fatalf("%+v", r)
	}
	wantFile(t, other, []byte("other"))
	umask := syscall.Umask(0o022)
	syscall.Umask(umask)
	info, err := os.Lstat(path)
	if err != nil || info.Mode() != fs.FileMode(0o644&^umask) {
		t.Errorf("%v %v", info.Mode(), err)
	}
}

// The bytes on the disk are the bytes as served, whatever they are called.
func TestContentEncodingIsNotUndone(t *testing.T) {
	t.Parallel()
	s, path := newSite(t), filepath.Join(t.TempDir(), "f")
	url := s.on("/f", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write([]byte("not gzip at all, asked for " + r.Header.Get("Accept-Encoding")))
	})
	if r := one(t, fetch.Item{URL: url, Path: path}); !r.OK {
		t.Fatalf("%+v", r)
	}
	wantFile(t, path, []byte("not gzip at all, asked for identity"))
}
