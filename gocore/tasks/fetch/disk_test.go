package fetch_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gostitch/gostitch/gocore/tasks/fetch"
)

// fullDir names, in the child process, the directory of the full disk.
const fullDir = "FETCH_TEST_FULL_DIR"

// A disk that fills up fails the item at once, by name, and keeps nothing, not
// even with resume: the space is needed. A file size limit stands in for the
// disk, in a process of its own.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	if dir := os.Getenv(fullDir); dir != "" {
		fillDisk(t, dir)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestFullDisk$", "-test.timeout=20s")
	cmd.Env = append(os.Environ(), fullDir+"="+t.TempDir())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func fillDisk(t *testing.T, dir string) {
	signal.Ignore(syscall.SIGXFSZ) // so that write answers EFBIG
	limit := syscall.Rlimit{Cur: 40_000, Max: 40_000}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	body := realFile(t, "net/http/server.go")
	s, path := newSite(t), filepath.Join(dir, "f")
	writeFile(t, path, []byte("old"))
	url := s.on("/f", whole(body, `"v1"`))
	for _, resume := range []bool{false, true} {
		r := run(t, fetch.Options{Items: []fetch.Item{{URL: url, Path: path}}, Retries: 3, Resume: resume})[0]
		if r.OK || r.Attempts != 1 || r.Bytes != 0 || !strings.Contains(r.Error, "cannot write "+path) ||
			!strings.Contains(r.Error, "file too large") {
			t.Errorf("resume %v: %+v", resume, r)
		}
		wantFile(t, path, []byte("old"))
		wantOnly(t, dir, "f")
	}
}

// A large unfinished file gets its sidecar while it grows, so that even a
// killed process can be continued.
func TestCheckpoint(t *testing.T) {
	t.Parallel()
	const checkpoint = 64 << 20
	text := realFile(t, "net/http/server.go")
	body := bytes.Repeat(text, (checkpoint+1<<20)/len(text))
	body = append(body, text...)
	s, dir := newSite(t), t.TempDir()
	item := fetch.Item{URL: s.on("/f", stall(len(body)-1, body, `"v1"`, nil)), Path: filepath.Join(dir, "f")}
	killed := t.TempDir()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	_, err := fetch.Fetch(ctx, fetch.Options{Items: []fetch.Item{item}, Resume: true}, func(p fetch.Progress) {
		if p.Bytes != int64(len(body)-1) || ctx.Err() != nil {
			return
		}
		// What a killed process would leave is what is there now.
		for _, name := range []string{"f.part", "f.part.json"} {
			b, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Error(err)
			}
			writeFile(t, filepath.Join(killed, name), b)
		}
		cancel()
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	item.Path = filepath.Join(killed, "f")
	s.on("/f", whole(body, `"v1"`))
	r := run(t, fetch.Options{Items: []fetch.Item{item}, Resume: true})[0]
	if !r.OK || r.Status != 206 || r.Digest != sha(body) {
		t.Fatalf("%+v", r)
	}
	if sent := s.sentBytes("/f"); sent > int64(len(body)-checkpoint) {
		t.Errorf("%d bytes served after a checkpoint at %d of %d", sent, checkpoint, len(body))
	}
}
