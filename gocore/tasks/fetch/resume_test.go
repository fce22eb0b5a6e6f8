package fetch_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gostitch/gostitch/gocore/tasks/fetch"
)

func writeFile(t testing.TB, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// A retry asks only for the rest when the version is known to be the same.
func TestContinuesBetweenAttempts(t *testing.T) {
	t.Parallel()
	body := realFile(t, "net/http/transport.go")
	for name, good := range map[string]http.HandlerFunc{
		"etag": whole(body, `"v1"`), "date": dated(body, long),
	} {
		s, dir := newSite(t), t.TempDir()
		url := s.on("/f", cut(30_000, good), cut(20_000, good), good)
		r := one(t, fetch.Item{URL: url, Path: filepath.Join(dir, "f")})
		if !r.OK || r.Attempts != 3 || r.Status != 206 || r.Digest != sha(body) || r.Bytes != int64(len(body)) {
			t.Fatalf("%s: %+v", name, r)
		}
		wantFile(t, filepath.Join(dir, "f"), body)
		wantOnly(t, dir, "f")
		if sent := s.sentBytes("/f"); sent > int64(len(body))+40_000 {
			// The handler may have been asked for a few bytes beyond its cut.
			t.Errorf("%s: %d bytes served for %d", name, sent, len(body))
		}
		if got := s.requests("/f")[2].Header.Get("Range"); got != "bytes=50000-" {
			t.Errorf("%s: the third request has Range %q", name, got)
		}
	}
}

// Whatever a server does wrong with ranges, the file is one version and whole.
func TestNeverGluesVersions(t *testing.T) {
	t.Parallel()
	old, now := realFile(t, "net/http/transport.go"), realFile(t, "net/http/server.go")
	first := cut(30_000, whole(old, `"v1"`))
	lie := func(contentRange, etag string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Range") == "" {
				whole(now, `"v2"`)(w, r)
				return
			}
			w.Header().Set("Content-Range", contentRange)
			w.Header().Set("Etag", etag)
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write(now[min(30_000, len(now)):])
		}
	}
	for name, second := range map[string]http.HandlerFunc{
		"changed, honest":      whole(now, `"v2"`),
		"ignores ranges":       func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(now) },
		"ignores If-Range":     lie(fmt.Sprintf("bytes 30000-%d/%d", len(now)-1, len(now)), `"v2"`),
		"same size, other tag": lie(fmt.Sprintf("bytes 30000-%d/%d", len(old)-1, len(old)), `"v2"`),
		"no tag":               lie(fmt.Sprintf("bytes 30000-%d/%d", len(old)-1, len(old)), ""),
		"other start":          lie(fmt.Sprintf("bytes 0-%d/%d", len(old)-1, len(old)), `"v1"`),
		"no Content-Range":     lie("", `"v1"`),
		"nonsense":             lie("bytes x-y/z", `"v1"`),
		"unsatisfiable": func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Range") != "" {
				w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
				return
			}
			whole(now, `"v2"`)(w, r)
		},
	} {
		s, dir := newSite(t), t.TempDir()
		r := one(t, fetch.Item{URL: s.on("/f", first, second), Path: filepath.Join(dir, "f")})
		if !r.OK || r.Attempts != 2 || r.Digest != sha(now) {
			t.Fatalf("%s: %+v", name, r)
		}
		wantFile(t, filepath.Join(dir, "f"), now)
		wantOnly(t, dir, "f")
	}
}

// Two versions under one tag are found out by the digest, and fetched anew.
func TestDigestCatchesALyingTag(t *testing.T) {
	t.Parallel()
	now := realFile(t, "net/http/server.go")
	old := append([]byte("something else altogether"), now[25:]...)
	s, path := newSite(t), filepath.Join(t.TempDir(), "f")
	url := s.on("/f", cut(30_000, whole(old, `"v"`)), whole(now, `"v"`))
	r := one(t, fetch.Item{URL: url, Path: path, Digest: sha(now)})
	if !r.OK || r.Attempts != 2 || len(s.requests("/f")) != 3 {
		t.Fatalf("%+v", r)
	}
	wantFile(t, path, now)
}

// Without a strong validator a retry starts from the first byte.
func TestWeakValidatorsStartOver(t *testing.T) {
	t.Parallel()
	body := realFile(t, "net/http/server.go")
	for name, good := range map[string]http.HandlerFunc{
		"none": whole(body, ""), "weak tag": whole(body, `W/"v1"`), "just modified": dated(body, time.Now()),
	} {
		s := newSite(t)
		url := s.on("/f", cut(30_000, good), good)
		r := one(t, fetch.Item{URL: url, Path: filepath.Join(t.TempDir(), "f"), Digest: sha(body)})
		if !r.OK || r.Status != 200 || s.requests("/f")[1].Header.Get("Range") != "" {
			t.Fatalf("%s: %+v", name, r)
		}
	}
}

// interrupt cancels a resumable download when half of it has been written.
func interrupt(t *testing.T, s *site, body []byte, item fetch.Item) {
	t.Helper()
	s.on("/f", stall(len(body)/2, body, `"v1"`, nil))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stop := func(p fetch.Progress) {
		if p.Bytes >= int64(len(body)/4) {
			cancel()
		}
	}
	o := fetch.Options{Items: []fetch.Item{item}, Resume: true}
	if _, err := fetch.Fetch(ctx, o, stop); !errors.Is(err, context.Canceled) {
		t.Fatalf("want a cancellation, got %v", err)
	}
}

// With resume, the next call continues the kept file and then leaves nothing.
func TestResumesBetweenCalls(t *testing.T) {
	t.Parallel()
	body := append(realFile(t, "net/http/h2_bundle.go"), realFile(t, "net/http/server.go")...)
	s, dir := newSite(t), t.TempDir()
	item := fetch.Item{URL: s.URL + "/f", Path: filepath.Join(dir, "f")}
	interrupt(t, s, body, item)
	wantOnly(t, dir, "f.part", "f.part.json")
	info, err := os.Stat(item.Path + ".part")
	if err != nil {
		t.Fatal(err)
	}
	s.on("/f", whole(body, `"v1"`))
	r := run(t, fetch.Options{Items: []fetch.Item{item}, Resume: true})[0]
	if !r.OK || r.Status != 206 || r.Digest != sha(body) || r.Bytes != int64(len(body)) {
		t.Fatalf("%+v", r)
	}
	if sent := s.sentBytes("/f"); sent != int64(len(body))-info.Size() {
		t.Errorf("%d bytes served for a rest of %d", sent, int64(len(body))-info.Size())
	}
	wantFile(t, item.Path, body)
	wantOnly(t, dir, "f")
}

// A kept file that is damaged, of another URL or of another version is not
// continued: the whole file is fetched in its stead.
func TestRefusesAForeignPart(t *testing.T) {
	t.Parallel()
	body := realFile(t, "net/http/h2_bundle.go")
	next := realFile(t, "net/http/server.go")
	for name, spoil := range map[string]func(t *testing.T, s *site, item *fetch.Item){
		"damaged":    func(t *testing.T, _ *site, i *fetch.Item) { flip(t, i.Path+".part") },
		"truncated":  func(t *testing.T, _ *site, i *fetch.Item) { shorten(t, i.Path+".part") },
		"no part":    func(t *testing.T, _ *site, i *fetch.Item) { remove(t, i.Path+".part") },
		"no sidecar": func(t *testing.T, _ *site, i *fetch.Item) { remove(t, i.Path+".part.json") },
		"torn": func(t *testing.T, _ *site, i *fetch.Item) {
			writeFile(t, i.Path+".part.json", []byte(`{"version":1,`))
		},
		"other url":     func(_ *testing.T, s *site, i *fetch.Item) { i.URL = s.on("/f", whole(next, `"v1"`)) + "?2" },
		"other digest":  func(_ *testing.T, s *site, i *fetch.Item) { s.on("/f", whole(next, `"v1"`)); i.Digest = sha(next) },
		"other version": func(_ *testing.T, s *site, _ *fetch.Item) { s.on("/f", whole(next, `"v2"`)) },
		"gone short":    func(_ *testing.T, s *site, _ *fetch.Item) { s.on("/f", whole(next[:100], `"v1"`)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, dir := newSite(t), t.TempDir()
			item := fetch.Item{URL: s.URL + "/f", Path: filepath.Join(dir, "f")}
			interrupt(t, s, body, item)
			s.on("/f", whole(body, `"v1"`))
			spoil(t, s, &item)
			r := run(t, fetch.Options{Items: []fetch.Item{item}, Resume: true})[0]
			if !r.OK || r.Status != 200 || r.Attempts != 1 {
				t.Fatalf("%+v", r)
			}
			want := map[string]string{sha(body): "", sha(next): "", sha(next[:100]): ""}
			if _, known := want[r.Digest]; !known {
				t.Fatalf("the file is no version ever served: %+v", r)
			}
			wantOnly(t, dir, "f")
		})
	}
}

func flip(t *testing.T, path string) {
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[100] ^= 1
	writeFile(t, path, b)
}

func shorten(t *testing.T, path string) {
	if err := os.Truncate(path, 1000); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// A kept file outlives a call in which the server is away, and with a digest
// given it may be continued from another URL, as signed URLs are.
func TestPartOutlivesAnOutage(t *testing.T) {
	t.Parallel()
	body := realFile(t, "net/http/h2_bundle.go")
	s, dir := newSite(t), t.TempDir()
	item := fetch.Item{URL: s.URL + "/f?signature=1", Path: filepath.Join(dir, "f"), Digest: sha(body)}
	interrupt(t, s, body, item)
	for _, outage := range []int{503, 404} {
		s.on("/f", status(outage))
		if r := run(t, fetch.Options{Items: []fetch.Item{item}, Resume: true})[0]; r.OK {
			t.Fatalf("%+v", r)
		}
		wantOnly(t, dir, "f.part", "f.part.json")
	}
	s.on("/f", whole(body, `"v1"`))
	item.URL = s.URL + "/f?signature=2"
	if r := run(t, fetch.Options{Items: []fetch.Item{item}, Resume: true})[0]; !r.OK || r.Status != 206 {
		t.Fatalf("%+v", r)
	}
	wantFile(t, item.Path, body)
}

// The sidecar holds no part of a URL, since that may hold credentials.
func TestSidecarHoldsNoSecret(t *testing.T) {
	t.Parallel()
	body := realFile(t, "net/http/server.go")
	s, dir := newSite(t), t.TempDir()
	item := fetch.Item{
		URL:  strings.Replace(s.URL, "://", "://joe:hunter2@", 1) + "/f?token=tiger",
		Path: filepath.Join(dir, "f"),
	}
	interrupt(t, s, body, item)
	text, err := os.ReadFile(item.Path + ".part.json")
	if err != nil || !json.Valid(text) {
		t.Fatalf("%v: %s", err, text)
	}
	for _, secret := range []string{"joe", "hunter2", "tiger", "127.0.0.1"} {
		if strings.Contains(string(text), secret) {
			t.Errorf("%s is in %s", secret, text)
		}
	}
}

// Two calls do not write one kept file: the second one's item fails.
func TestPartIsLocked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	held, err := os.Create(path + ".part")
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	if err := syscall.Flock(int(held.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	s := newSite(t)
	item := fetch.Item{URL: s.on("/f", whole([]byte("x"), `"v1"`)), Path: path}
	r := run(t, fetch.Options{Items: []fetch.Item{item}, Resume: true, Retries: 3})[0]
	if r.OK || !strings.Contains(r.Error, "in use by another download") {
		t.Fatalf("%+v", r)
	}
	wantOnly(t, dir, "f.part")
}

// A file with the wrong digest is not kept, even with resume.
func TestWrongDigestIsNotKept(t *testing.T) {
	t.Parallel()
	s, dir := newSite(t), t.TempDir()
	item := fetch.Item{
		URL: s.on("/f", whole([]byte("other"), `"v1"`)), Path: filepath.Join(dir, "f"), Digest: sha([]byte("this")),
	}
	for _, resume := range []bool{false, true} {
		r := run(t, fetch.Options{Items: []fetch.Item{item}, Resume: resume, Retries: 3})[0]
		if r.OK || r.Attempts != 1 || !strings.Contains(r.Error, sha([]byte("other"))) {
			t.Fatalf("%+v", r)
		}
		wantOnly(t, dir)
	}
}
