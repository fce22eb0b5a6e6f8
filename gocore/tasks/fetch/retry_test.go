package fetch_test

import (
	"bytes"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gostitch/gostitch/gocore/tasks/fetch"
)

// Every status that may pass is retried, and the error page is not saved.
func TestRetriesPassingStatuses(t *testing.T) {
	t.Parallel()
	body := realFile(t, "fmt/print.go")
	for _, code := range []int{408, 425, 429, 500, 502, 503, 504} {
		s, dir := newSite(t), t.TempDir()
		url := s.on("/f", status(code), status(code), whole(body, `"v1"`))
		r := one(t, fetch.Item{URL: url, Path: filepath.Join(dir, "f"), Digest: sha(body)})
		if !r.OK || r.Attempts != 3 || r.Status != 200 {
			t.Fatalf("after %d: %+v", code, r)
		}
		wantFile(t, filepath.Join(dir, "f"), body)
		wantOnly(t, dir, "f")
	}
}

// Other client errors are final, and an existing target stays as it was.
func TestDoesNotRetryFinalStatuses(t *testing.T) {
	t.Parallel()
	for _, code := range []int{400, 401, 403, 404, 410, 416, 206, 204, 304, 300} {
		s, dir := newSite(t), t.TempDir()
		path := filepath.Join(dir, "f")
		writeFile(t, path, []byte("old"))
		r := one(t, fetch.Item{URL: s.on("/f", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }), Path: path})
		if r.OK || r.Attempts != 1 || r.Status != code || !strings.Contains(r.Error, strconv.Itoa(code)) {
			t.Fatalf("after %d: %+v", code, r)
		}
		wantFile(t, path, []byte("old"))
		wantOnly(t, dir, "f")
	}
}

// The number of attempts is bounded by retries, and the last error is told.
func TestGivesUpAfterRetries(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	url := s.on("/f", status(503))
	for _, retries := range []int{0, 1, 4} {
		r := run(t, fetch.Options{Items: []fetch.Item{{URL: url, Path: filepath.Join(t.TempDir(), "f")}}, Retries: retries})[0]
		if r.OK || r.Attempts != retries+1 || r.Status != 503 || !strings.Contains(r.Error, "503 Service Unavailable") {
			t.Fatalf("retries=%d: %+v", retries, r)
		}
	}
}

// A server that refuses or drops connections is tried again.
func TestRetriesConnectionErrors(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + l.Addr().String() + "/f"
	_ = l.Close()
	r := one(t, fetch.Item{URL: url, Path: filepath.Join(t.TempDir(), "f")})
	if r.OK || r.Attempts != 4 || r.Status != 0 || !strings.Contains(r.Error, "connection refused") {
		t.Fatalf("%+v", r)
	}

	s := newSite(t)
	url = s.on("/f", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, whole([]byte("ok"), ""))
	if r := one(t, fetch.Item{URL: url, Path: filepath.Join(t.TempDir(), "f")}); !r.OK || r.Attempts > 2 {
		t.Fatalf("%+v", r)
	}
}

// Retry-After is honoured in both forms, never undercut, and bounded.
func TestHonoursRetryAfter(t *testing.T) {
	t.Parallel()
	const bound = 30 * time.Millisecond // of the quickened pace
	for _, after := range []string{"7200", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)} {
		s := newSite(t)
		url := s.on("/f", status(503, "Retry-After", after), whole([]byte("ok"), ""))
		start := time.Now()
		r := one(t, fetch.Item{URL: url, Path: filepath.Join(t.TempDir(), "f")})
		if took := time.Since(start); !r.OK || took < bound || took > 10*time.Second {
			t.Fatalf("Retry-After %s: %v, %+v", after, took, r)
		}
	}
}

// The wait doubles with jitter up to a limit, and is not below what was asked.
func TestDelay(t *testing.T) {
	t.Parallel()
	for attempts, whole := range map[int]time.Duration{
		1: 200 * time.Millisecond, 2: 400 * time.Millisecond, 3: 800 * time.Millisecond,
		9: 10 * time.Second, 60: 10 * time.Second, 1000: 10 * time.Second,
	} {
		for range 50 {
			if d := fetch.Delay(attempts, 0); d < whole/2 || d > whole {
				t.Fatalf("attempt %d waits %v, want %v to %v", attempts, d, whole/2, whole)
			}
		}
	}
	if d := fetch.Delay(1, 5*time.Second); d != 5*time.Second {
		t.Errorf("asked for 5 s, waits %v", d)
	}
	if d := fetch.Delay(1, 5*time.Hour); d != time.Minute {
		t.Errorf("asked for 5 h, waits %v", d)
	}
}

// A stalled transfer is given up after the attempt timeout and continued.
func TestStallIsRetried(t *testing.T) {
	t.Parallel()
	body := realFile(t, "net/http/server.go")
	s, path := newSite(t), filepath.Join(t.TempDir(), "f")
	url := s.on("/f", stall(50_000, body, `"v1"`, nil), whole(body, `"v1"`))
	r := run(t, fetch.Options{
		Items: []fetch.Item{{URL: url, Path: path, Digest: sha(body)}}, Retries: 1, AttemptTimeoutS: 0.2,
	})[0]
	if !r.OK || r.Attempts != 2 || r.Status != 206 {
		t.Fatalf("%+v", r)
	}
	wantFile(t, path, body)
}

// A server that never answers is a stall as well, and is named as one.
func TestNoAnswerIsAStall(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	url := s.on("/f", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	r := run(t, fetch.Options{Items: []fetch.Item{{URL: url, Path: filepath.Join(t.TempDir(), "f")}}, AttemptTimeoutS: 0.1})[0]
	if r.OK || r.Attempts != 1 || !strings.Contains(r.Error, "no data for 100ms") {
		t.Fatalf("%+v", r)
	}
}

// A slow transfer that keeps going is not cut by the attempt timeout.
func TestSlowIsNotAStall(t *testing.T) {
	t.Parallel()
	s, path := newSite(t), filepath.Join(t.TempDir(), "f")
	url := s.on("/f", func(w http.ResponseWriter, _ *http.Request) {
		for range 12 {
			_, _ = w.Write([]byte("drop"))
			_ = http.NewResponseController(w).Flush()
			time.Sleep(100 * time.Millisecond)
		}
	})
	r := run(t, fetch.Options{Items: []fetch.Item{{URL: url, Path: path}}, AttemptTimeoutS: 1})[0]
	if !r.OK || r.Attempts != 1 {
		t.Fatalf("%+v", r)
	}
	wantFile(t, path, bytes.Repeat([]byte("drop"), 12))
}

// A body shorter than its Content-Length is a failure, not a file.
func TestShortBodyFails(t *testing.T) {
	t.Parallel()
	body := realFile(t, "fmt/scan.go")
	s, dir := newSite(t), t.TempDir()
	url := s.on("/f", cut(10_000, whole(body, "")))
	r := one(t, fetch.Item{URL: url, Path: filepath.Join(dir, "f")})
	if r.OK || r.Attempts != 4 || r.Bytes != 0 || r.Digest != "" ||
		!strings.Contains(r.Error, "ended after 10000 of "+strconv.Itoa(len(body))) {
		t.Fatalf("%+v", r)
	}
	wantOnly(t, dir)
	url = s.on("/chunked", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(body[:100])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	r = one(t, fetch.Item{URL: url, Path: filepath.Join(dir, "f")})
	if r.OK || r.Attempts != 4 || !strings.Contains(r.Error, "unannounced") {
		t.Fatalf("%+v", r)
	}
	wantOnly(t, dir)
}
