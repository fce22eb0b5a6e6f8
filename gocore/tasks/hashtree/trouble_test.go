package hashtree_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/gostitch/gostitch/gocore/tasks/hashtree"
	"github.com/gostitch/gostitch/gocore/tasks/internal/unprivileged"
)

// A missing root is the error of the system, with its path.
func TestSumOfAMissingRoot(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing")
	_, err := hashtree.Sum(context.Background(), hashtree.Options{Root: missing})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	wantFailure(t, err, "", "path", missing)
}

// An unreadable file or directory is the error of the system, with its path.
func TestSumOfUnreadableEntries(t *testing.T) {
	t.Parallel()
	if !unprivileged.Run(t) {
		return
	}
	for _, name := range []string{"B", "a"} {
		root := sample().write(t)
		path := filepath.Join(root, name)
		must(t, os.Chmod(path, 0))
		_, err := hashtree.Sum(context.Background(), hashtree.Options{Root: root})
		must(t, os.Chmod(path, 0o755))
		if !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%s: got %v", name, err)
		}
		wantFailure(t, err, "", "path", path)
	}
}

// A run that is cancelled at any moment ends with the context's error, and
// leaves no goroutine and no open file.
func TestSumCancelled(t *testing.T) {
	root := sample().write(t)
	before := openFiles(t)
	for n := 1; ; n++ {
		_, err := hashtree.Sum(cancelAt(n), hashtree.Options{Root: root})
		if err == nil && n > 10 {
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("cancelled at %d: got %v", n, err)
		}
		wantQuiet(t, before)
	}
	expired, cancel := context.WithTimeout(context.Background(), 0)
	defer cancel()
	if _, err := hashtree.Sum(expired, hashtree.Options{Root: root}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// A run that fails in the middle leaves no goroutine and no open file.
func TestSumFailedLeavesNothing(t *testing.T) {
	tr := sample()
	for i := range 200 {
		tr[fmt.Sprintf("many/%d/f", i)] = "x"
	}
	root := tr.write(t)
	must(t, syscall.Mkfifo(filepath.Join(root, "many", "100", "pipe"), 0o644))
	before := openFiles(t)
	_, err := hashtree.Sum(context.Background(), hashtree.Options{Root: root})
	wantFailure(t, err, "unsafe", "entry", "many/100/pipe")
	wantQuiet(t, before)
}

// A tree that changes under the reader gives an error that says so.
func TestSumOfAChangingTree(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("x", 1<<20)
	for name, c := range map[string]struct {
		change func(path string) error
		at     int // which question to the context is the right moment
		check  func(t *testing.T, err error, path string)
	}{
		// 1: Sum, 2: the root's listing, 3: before the file, 4: after a block.
		"a file goes": {os.Remove, 3, func(t *testing.T, err error, path string) {
			if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "removed while") {
				t.Errorf("got %v", err)
			}
		}},
		"a file shrinks": {func(path string) error { return os.Truncate(path, 100) }, 4, func(t *testing.T, err error, path string) {
			wantFailure(t, err, "data", "path", path)
		}},
		"a file grows": {func(path string) error { return os.Truncate(path, 3<<20) }, 4, func(t *testing.T, err error, path string) {
			wantFailure(t, err, "data", "path", path)
		}},
		"a file becomes a pipe": {func(path string) error {
			return errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o644))
		}, 3, func(t *testing.T, err error, path string) { wantFailure(t, err, "data", "path", path) }},
		"a file becomes a link": {func(path string) error {
			return errors.Join(os.Remove(path), os.Symlink("/etc/passwd", path))
		}, 3, func(t *testing.T, err error, path string) { wantFailure(t, err, "data", "path", path) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := tree{"big": big}.write(t)
			path := filepath.Join(root, "big")
			ctx := &hook{Context: context.Background(), do: func(asked int) {
				if asked == c.at {
					must(t, c.change(path))
				}
			}}
			_, err := hashtree.Sum(ctx, hashtree.Options{Root: root})
			if err == nil {
				t.Fatal("no error")
			}
			c.check(t, err, path)
		})
	}
}

// A directory that becomes a link is not followed.
func TestSumOfADirectoryThatBecomesALink(t *testing.T) {
	t.Parallel()
	root := tree{"d/f": "x"}.write(t)
	ctx := &hook{Context: context.Background(), do: func(asked int) {
		if asked == 3 { // 1: Sum, 2: the root's listing, 3: that of d
			must(t, os.RemoveAll(filepath.Join(root, "d")))
			must(t, os.Symlink("/etc", filepath.Join(root, "d")))
		}
	}}
	_, err := hashtree.Sum(ctx, hashtree.Options{Root: root})
	wantFailure(t, err, "data", "path", filepath.Join(root, "d"))
}
