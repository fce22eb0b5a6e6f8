package hashtree_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/gostitch/gostitch/gocore/tasks/internal/failure"
)

// tree describes a directory: "name/" is a directory, "name -> target" a
// link, all else a file with that content.
type tree map[string]string

// write makes the tree, with modes that do not depend on the umask.
func (tr tree) write(t *testing.T) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), "root")
	must(t, os.Mkdir(root, 0o755))
	for name, content := range tr {
		name, target, isLink := strings.Cut(name, " -> ")
		path := filepath.Join(root, name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		if strings.HasSuffix(name, "/") {
			must(t, os.MkdirAll(path, 0o755))
		} else if isLink {
			must(t, os.Symlink(target, path))
		} else {
			must(t, os.WriteFile(path, []byte(content), 0o644))
		}
	}
	must(t, filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		switch {
		case err != nil || d.Type()&os.ModeSymlink != 0:
			return err
		case d.IsDir():
			return os.Chmod(path, 0o755)
		}
		return os.Chmod(path, 0o644)
	}))
	return root
}

// sample has every kind of entry, and names whose order is easily mistaken:
// "a.b" sorts between "a" and "a/x" if paths are compared instead of names.
func sample() tree {
	return tree{
		"a/x": "x", "a.b": "between", "a/empty/": "", "B": "upper", "é": "two bytes", "\xff": "no UTF-8",
		"link -> a/x": "", "dir link -> a": "", "dangling -> ../nowhere": "", "big": strings.Repeat("0123456789abcdef", 100_000),
		"empty": "", "deep/er/and/deeper": "d",
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
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

// wantFailure checks the code of an error, and one of its details.
func wantFailure(t *testing.T, err error, code, key, value string) {
	t.Helper()
	var known *failure.Error
	if !errors.As(err, &known) || known.Code() != code || known.Details()[key] != value {
		t.Fatalf("got %v (%+v), want code %q with %s = %q", err, known, code, key, value)
	}
}

// wantQuiet checks that no goroutine of the package is left and that no more
// files are open than before. Tests that call it must not run in parallel.
func wantQuiet(t *testing.T, openBefore int) {
	t.Helper()
	stacks := make([]byte, 1<<20)
	for range 1_000_000 {
		n := runtime.Stack(stacks, true)
		if !strings.Contains(string(stacks[:n]), "hashtree.(*walk)") {
			break
		}
		runtime.Gosched() // a goroutine that has said it is done may still be leaving
	}
	if n := runtime.Stack(stacks, true); strings.Contains(string(stacks[:n]), "hashtree.(*walk)") {
		t.Errorf("a goroutine is left:\n%s", stacks[:n])
	}
	if now := openFiles(t); now > openBefore {
		t.Errorf("%d files are open, %d were before", now, openBefore)
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
