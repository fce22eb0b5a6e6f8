package archive_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gostitch/gostitch/gocore/tasks/archive"
	"github.com/gostitch/gostitch/gocore/tasks/internal/failure"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func pack(t testing.TB, o archive.PackOptions) archive.PackResult {
	t.Helper()
	r, err := archive.Pack(context.Background(), o)
	must(t, err)
	return r
}

func unpack(t testing.TB, o archive.UnpackOptions) archive.UnpackResult {
	t.Helper()
	r, err := archive.Unpack(context.Background(), o)
	must(t, err)
	return r
}

// writeSample makes a tree with every kind of entry and names, sizes, modes
// and times at the edges of what tar can say.
func writeSample(t testing.TB, root string) {
	t.Helper()
	long := strings.Repeat("long/", 60)
	files := map[string]int{
		"a/x": 1, "a.b": 7, "empty": 0, "block": 512, "more": 513, "batch": 1 << 20, "big": 1<<20 + 1, "bigger": 3<<20 + 5,
		"é": 3, "\xff\xfe": 4, long + "file": 5, strings.Repeat("n", 255): 6, "twin": 9, "trailing space ": 2, "new\nline": 2, `back\slash`: 2,
	}
	for name, size := range files {
		path := filepath.Join(root, name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		content := make([]byte, size)
		for i := range content {
			content[i] = byte(i*i>>8 + i)
		}
		must(t, os.WriteFile(path, content, 0o644))
	}
	must(t, os.Mkdir(filepath.Join(root, "a", "nothing"), 0o755))
	must(t, os.Symlink("a/x", filepath.Join(root, "link")))
	must(t, os.Symlink("../"+strings.Repeat("n", 255), filepath.Join(root, "a", "long link")))
	must(t, os.Symlink("not there", filepath.Join(root, "dangling")))
	must(t, os.Link(filepath.Join(root, "twin"), filepath.Join(root, "a", "hard")))
	must(t, os.Link(filepath.Join(root, "twin"), filepath.Join(root, "zz hard")))
	setAttributes(t, root)
}

// setAttributes gives every entry a mode and a time of its own, the deepest
// first, since they change the time of the directory they are in.
func setAttributes(t testing.TB, root string) {
	t.Helper()
	modes := map[string]os.FileMode{"block": 0o755, "more": 0o600, "batch": 0o444, "a/nothing": 0o700, "big": 0o640}
	var paths []string
	must(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		paths = append(paths, path)
		return err
	}))
	for i, path := range slices.Backward(paths) {
		info, err := os.Lstat(path)
		must(t, err)
		rel, _ := filepath.Rel(root, path)
		mode, ok := modes[rel]
		if !ok {
			mode = map[bool]os.FileMode{false: 0o644, true: 0o755}[info.IsDir()]
		}
		if info.Mode()&os.ModeSymlink == 0 {
			must(t, os.Chmod(path, mode))
			when := time.Unix(1_700_000_000+int64(i), int64(i%3)*123_456_789)
			switch rel {
			case "empty":
				when = time.Unix(-5, 0) // before 1970
			case "a.b":
				when = time.Unix(-2, 500_000_000)
			case "more":
				when = time.Unix(9_000_000_000, 0) // past what eleven octal digits hold
			case "batch":
				when = time.Unix(9_000_000_000, 1)
			}
			must(t, os.Chtimes(path, when, when))
		}
	}
}

// snapshot describes all that Pack promises to keep of a tree. Names of one
// file share a number.
func snapshot(t testing.TB, root string) map[string]string {
	t.Helper()
	out, inodes := map[string]string{}, map[uint64]int{}
	must(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		info, err := os.Lstat(path)
		must(t, err)
		rel, _ := filepath.Rel(root, path)
		st := info.Sys().(*syscall.Stat_t)
		text := fmt.Sprintf("%v", info.Mode())
		switch {
		case info.Mode()&os.ModeSymlink != 0:
			target, err := os.Readlink(path)
			must(t, err)
			text += " -> " + target
		case info.Mode().IsRegular():
			content, err := os.ReadFile(path)
			must(t, err)
			if st.Nlink > 1 {
				if inodes[st.Ino] == 0 {
					inodes[st.Ino] = len(inodes) + 1
				}
				text += fmt.Sprintf(" twin %d", inodes[st.Ino])
			}
			text += fmt.Sprintf(" %x", content)
		}
		out[rel] = text + fmt.Sprintf(" %d", info.ModTime().UnixNano())
		return nil
	}))
	return out
}

func wantSame(t testing.TB, got, want map[string]string) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if got[name] != want[name] {
			t.Errorf("%q: got %.120q, want %.120q", name, got[name], want[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[name]; !ok {
			t.Errorf("%q is too many", name)
		}
	}
}

// wantFailure checks the code of an error, and one of its details.
func wantFailure(t testing.TB, err error, code, key, value string) {
	t.Helper()
	var known *failure.Error
	if !errors.As(err, &known) || known.Code() != code || known.Details()[key] != value {
		t.Fatalf("got %v (%+v), want code %q with %s = %q", err, known, code, key, value)
	}
}

// wantOnly checks what lies in a directory, hidden names included.
func wantOnly(t testing.TB, dir string, want ...string) {
	t.Helper()
	listed, err := os.ReadDir(dir)
	must(t, err)
	var got []string
	for _, l := range listed {
		got = append(got, l.Name())
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Fatalf("%s holds %q, want %q", dir, got, want)
	}
}

// hook is a context that runs a function whenever it is asked for its error,
// which the package does per file and per block: a way into the middle of a
// run without a clock.
type hook struct {
	context.Context
	mu    sync.Mutex
	asked int
	do    func(asked int)
}

func (h *hook) Err() error {
	h.mu.Lock()
	h.asked++
	h.do(h.asked)
	h.mu.Unlock()
	return h.Context.Err()
}

// cancelAt gives a context that is cancelled when it is asked for the nth time.
func cancelAt(n int) *hook {
	ctx, cancel := context.WithCancel(context.Background())
	return &hook{Context: ctx, do: func(asked int) {
		if asked >= n {
			cancel()
		}
	}}
}

// wantQuiet checks that no goroutine of the package or its compressors is
// left and that no more files are open than before. Tests that call it must
// not run in parallel.
func wantQuiet(t *testing.T, openBefore int) {
	t.Helper()
	stacks := make([]byte, 1<<20)
	busy := func() bool {
		text := string(stacks[:runtime.Stack(stacks, true)])
		return strings.Contains(text, "tasks/archive.") || strings.Contains(text, "klauspost")
	}
	for range 10_000 {
		if !busy() {
			break
		}
		runtime.Gosched() // a goroutine that has said it is done may still be leaving
	}
	if busy() {
		t.Fatalf("a goroutine is left:\n%s", stacks[:runtime.Stack(stacks, true)])
	}
	if now := openFiles(t); now > openBefore {
		t.Fatalf("%d files are open, %d were before", now, openBefore)
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	listed, err := os.ReadDir("/dev/fd")
	must(t, err)
	return len(listed)
}

// goSource gives a directory of Go's own source, the real tree of these tests.
func goSource(t testing.TB, below ...string) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOROOT").Output()
	must(t, err)
	return filepath.Join(append([]string{strings.TrimSpace(string(out)), "src"}, below...)...)
}
