package fetch_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gostitch/gostitch/gocore/tasks/fetch"
)

// Cancelled in mid-body, a call returns at once, with what was complete, and
// leaves no partial file.
func TestCancelInMidBody(t *testing.T) {
	t.Parallel()
	body := realFile(t, "net/http/server.go")
	s, dir := newSite(t), t.TempDir()
	reached := make(chan struct{}, 8)
	items := []fetch.Item{{URL: s.on("/ok", whole(body, "")), Path: filepath.Join(dir, "ok")}}
	for i := range 8 {
		url := s.on(fmt.Sprintf("/%d", i), stall(60_000, body, `"v1"`, reached))
		items = append(items, fetch.Item{URL: url, Path: filepath.Join(dir, fmt.Sprint(i))})
	}
	writeFile(t, items[1].Path, []byte("old"))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var cancelled time.Time
	results, err := fetch.Fetch(ctx, fetch.Options{Items: items}, func(p fetch.Progress) {
		if cancelled.IsZero() && len(reached) == cap(reached) && p.Done == 1 {
			cancelled = time.Now()
			cancel()
		}
	})
	took := time.Since(cancelled)
	t.Logf("returned %v after the cancellation", took)
	if took > time.Second { // usually a few milliseconds; a loaded machine needs more
		t.Error("that is too late")
	}
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "1 of 9") {
		t.Errorf("got %v", err)
	}
	if len(results) != 9 || !results[0].OK || results[1].OK || results[1].Error == "" {
		t.Errorf("got %+v", results)
	}
	wantOnly(t, dir, "0", "ok")
	wantFile(t, items[1].Path, []byte("old"))
}

// A deadline ends items that wait for a retry or for a free place, too; an
// error that the caller gave as the cause is not lost.
func TestDeadlineAndCause(t *testing.T) {
	t.Parallel()
	s, dir := newSite(t), t.TempDir()
	url := s.on("/f", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	var items []fetch.Item
	for i := range 50 {
		items = append(items, fetch.Item{URL: url, Path: filepath.Join(dir, fmt.Sprint(i))})
	}
	mine := errors.New("my cause")
	ctx, cancel := context.WithTimeoutCause(context.Background(), 100*time.Millisecond, mine)
	defer cancel()
	_, err := fetch.Fetch(ctx, fetch.Options{Items: items, PerHost: 2, Retries: 9}, nil)
	if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, mine) {
		t.Errorf("got %v", err)
	}
	wantOnly(t, dir)
}

// A call whose context is over already sends nothing, but still checks its
// arguments first.
func TestCancelledBeforeTheStart(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	items := []fetch.Item{{URL: s.on("/f", status(200)), Path: filepath.Join(t.TempDir(), "f")}}
	if _, err := fetch.Fetch(ctx, fetch.Options{Items: items}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	_, err := fetch.Fetch(ctx, fetch.Options{Items: items, Retries: -1}, nil)
	wantArgument(t, err, "retries")
	if n := len(s.requests("/f")); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

// A panic in a transport wrapper or in the progress function reaches the
// caller's own goroutine, and leaves nothing running and nothing partial.
func TestPanicsReachTheCaller(t *testing.T) {
	t.Parallel()
	s, dir := newSite(t), t.TempDir()
	boom := errors.New("boom")
	items := []fetch.Item{{
		URL: s.on("/f", stall(10, make([]byte, 100), `"v"`, nil)), Path: filepath.Join(dir, "f"),
	}}
	caught := func(ctx context.Context, progress func(fetch.Progress)) (v any) {
		defer func() { v = recover() }()
		_, _ = fetch.Fetch(ctx, fetch.Options{Items: items}, progress)
		return nil
	}
	ctx := fetch.WithTransportWrapper(context.Background(), func(http.RoundTripper) http.RoundTripper {
		return tripper(func(*http.Request) (*http.Response, error) { panic(boom) })
	})
	p, ok := caught(ctx, nil).(*fetch.WorkerPanic)
	if !ok || !errors.Is(p, boom) || !strings.Contains(string(p.Stack), "TestPanicsReachTheCaller") {
		t.Errorf("got %v", p)
	}
	if v := caught(context.Background(), func(fetch.Progress) { panic(boom) }); v != boom {
		t.Errorf("got %v", v)
	}
	wantOnly(t, dir)
}

// After the return no goroutine and no descriptor of the call is left, however
// it ended.
func TestLeavesNothingBehind(t *testing.T) {
	// Not parallel: it counts what the whole process has.
	body := realFile(t, "net/http/server.go")
	s := newSite(t)
	good, bad := s.on("/good", whole(body, `"v"`)), s.on("/bad", cut(50_000, whole(body, `"v"`)))
	slow := s.on("/slow", stall(10, body, `"v"`, nil))
	calls := func(resume bool) {
		dir := t.TempDir()
		var items []fetch.Item
		for i := range 60 {
			items = append(items, fetch.Item{URL: []string{good, bad, slow}[i%3], Path: filepath.Join(dir, fmt.Sprint(i))})
		}
		ctx, cancel := context.WithTimeout(context.Background(), 150*time.Millisecond)
		defer cancel()
		_, err := fetch.Fetch(ctx, fetch.Options{Items: items, Retries: 1, Resume: resume}, func(fetch.Progress) {})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v", err)
		}
	}
	calls(false) // whatever the first use starts for good
	s.CloseClientConnections()
	goroutines, files := settled(t, 0, 0)
	for i := range 5 {
		calls(i%2 == 1)
	}
	s.CloseClientConnections()
	settled(t, goroutines, files)
}

// settled waits until no more goroutines and descriptors are there than
// before; without numbers to reach, it waits until they stop falling.
func settled(t *testing.T, goroutines, files int) (int, int) {
	t.Helper()
	lastG, lastF := runtime.NumGoroutine(), openFiles(t)
	for range 100 {
		time.Sleep(20 * time.Millisecond)
		g, f := runtime.NumGoroutine(), openFiles(t)
		if goroutines > 0 && g <= goroutines && f <= files || goroutines == 0 && g == lastG && f == lastF {
			return g, f
		}
		lastG, lastF = g, f
	}
	stacks := make([]byte, 1<<16)
	t.Fatalf("%d goroutines (before: %d), %d descriptors (before: %d)\n%s",
		lastG, goroutines, lastF, files, stacks[:runtime.Stack(stacks, true)])
	return 0, 0
}

func openFiles(t *testing.T) int {
	entries, err := os.ReadDir("/dev/fd")
	if err != nil {
		t.Fatalf("cannot count descriptors: %v", err)
	}
	return len(entries)
}
