package hashtree_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gostitch/gostitch/gocore/tasks/hashtree"
)

func sum(t *testing.T, o hashtree.Options) hashtree.Result {
	t.Helper()
	r, err := hashtree.Sum(context.Background(), o)
	must(t, err)
	return r
}

// The digest equals that of an independent implementation in Python, on a
// tree with every kind of entry and on Go's own source.
func TestSumEqualsTheReference(t *testing.T) {
	t.Parallel()
	for name, root := range map[string]string{
		"every kind of entry": sample().write(t),
		"Go's own source":     goSource(t),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := exec.Command("python3", "testdata/reference.py", "sha256", root).Output()
			must(t, err)
			got := sum(t, hashtree.Options{Root: root, Algorithm: "sha256"})
			if want := strings.TrimSpace(string(out)); got.Digest != want {
				t.Errorf("got %s, the reference says %s", got.Digest, want)
			}
		})
	}
}

// The digests of a fixed tree never change: caches all over the world hold
// them. They were computed with testdata/reference.py, not with this package.
func TestSumIsGolden(t *testing.T) {
	t.Parallel()
	root := sample().write(t)
	must(t, os.Chmod(filepath.Join(root, "a", "x"), 0o755))
	for algorithm, want := range map[string]string{
		"":       goldenBlake3,
		"blake3": goldenBlake3,
		"sha256": goldenSHA256,
	} {
		got := sum(t, hashtree.Options{Root: root, Algorithm: hashtree.Algorithm(algorithm)})
		if want := (hashtree.Result{Digest: want, Files: 8, Bytes: 1_600_031}); got != want {
			t.Errorf("%q: got %+v, want %+v", algorithm, got, want)
		}
	}
}

const (
	goldenBlake3 = "77876a0c5ea4269a26c9540d92c31d80b72ae37fb836031e31a436e98f077d6c"
	goldenSHA256 = "c2fa361eb2ccb80255057e00f33cabf3be276483eec9386521c158d9f683aace"
)

// The digest of an empty directory is the definition written out.
func TestSumOfAnEmptyDirectory(t *testing.T) {
	t.Parallel()
	inner := sha256.Sum256([]byte("gostitch.hashtree.v1.dir\n" + strings.Repeat("\x00", 8)))
	outer := sha256.Sum256([]byte("gostitch.hashtree.v1.root\n" + "d" + strings.Repeat("\x00", 4+8) + string(inner[:])))
	got := sum(t, hashtree.Options{Root: t.TempDir(), Algorithm: "sha256"})
	if got.Digest != hex.EncodeToString(outer[:]) || got.Files != 0 || got.Bytes != 0 {
		t.Errorf("got %+v", got)
	}
}

// Every change that makes a tree behave differently changes the digest, and
// no other does.
func TestSumTellsTreesApart(t *testing.T) {
	t.Parallel()
	old := time.Unix(1, 0)
	for name, c := range map[string]struct {
		change  func(root string) error
		differs bool
	}{
		"nothing":             {func(root string) error { return nil }, false},
		"times":               {func(root string) error { return os.Chtimes(root+"/B", old, old) }, false},
		"the root's own mode": {func(root string) error { return os.Chmod(root, 0o700) }, false},
		"a file becomes a hard link of an equal one": {func(root string) error {
			must(t, os.WriteFile(root+"/../same", nil, 0o644))
			must(t, os.Chmod(root+"/../same", 0o644))
			must(t, os.Remove(root+"/empty"))
			return os.Link(root+"/../same", root+"/empty")
		}, false},
		"content of the same size": {func(root string) error { return os.WriteFile(root+"/B", []byte("UPPER"), 0o644) }, true},
		"a name":                   {func(root string) error { return os.Rename(root+"/B", root+"/C") }, true},
		"an executable bit":        {func(root string) error { return os.Chmod(root+"/B", 0o744) }, true},
		"a read bit":               {func(root string) error { return os.Chmod(root+"/B", 0o640) }, true},
		"a directory's mode":       {func(root string) error { return os.Chmod(root+"/a", 0o700) }, true},
		"a sticky bit":             {func(root string) error { return os.Chmod(root+"/a", 0o755|os.ModeSticky) }, true},
		"a new empty directory":    {func(root string) error { return os.Mkdir(root+"/new", 0o755) }, true},
		"an empty directory goes":  {func(root string) error { return os.Remove(root + "/a/empty") }, true},
		"an empty file for an empty directory": {func(root string) error {
			must(t, os.Remove(root+"/a/empty"))
			return os.WriteFile(root+"/a/empty", nil, 0o755)
		}, true},
		"a link's target": {func(root string) error {
			must(t, os.Remove(root+"/link"))
			return os.Symlink("a/./x", root+"/link")
		}, true},
		"a link becomes the file": {func(root string) error {
			must(t, os.Remove(root+"/link"))
			return os.WriteFile(root+"/link", []byte("x"), 0o644)
		}, true},
		"a file moves up": {func(root string) error { return os.Rename(root+"/a/x", root+"/x") }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := sample().write(t)
			before := sum(t, hashtree.Options{Root: root}).Digest
			must(t, c.change(root))
			if after := sum(t, hashtree.Options{Root: root}).Digest; (after != before) != c.differs {
				t.Errorf("digest differs: %v, want %v", after != before, c.differs)
			}
		})
	}
}

// A tree with ignored entries has the digest of the tree without them.
func TestSumIgnores(t *testing.T) {
	t.Parallel()
	full := sample()
	for _, name := range []string{"a/x.pyc", "build/out", "a/build", "deep/er/cache/c", "a/cache"} {
		full[name] = "ignored or not"
	}
	bare := sample()
	bare["a/build"], bare["a/cache"] = "ignored or not", "ignored or not"
	got := sum(t, hashtree.Options{Root: full.write(t), Ignore: []string{"*.pyc", "/build", "cache/"}})
	if want := sum(t, hashtree.Options{Root: bare.write(t)}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// A root may be a symbolic link, or a single file whose mode counts.
func TestSumOfOtherRoots(t *testing.T) {
	t.Parallel()
	root := sample().write(t)
	link := root + "-link"
	must(t, os.Symlink("root", link))
	if got, want := sum(t, hashtree.Options{Root: link}), sum(t, hashtree.Options{Root: root}); got != want {
		t.Errorf("through a link: got %+v, want %+v", got, want)
	}
	content := sha256.Sum256([]byte("upper"))
	outer := sha256.Sum256([]byte("gostitch.hashtree.v1.root\n" + "f\x00\x00\x01\xa4" + strings.Repeat("\x00", 8) + string(content[:])))
	got := sum(t, hashtree.Options{Root: filepath.Join(root, "B"), Algorithm: "sha256"})
	if got.Digest != hex.EncodeToString(outer[:]) || got.Files != 1 || got.Bytes != 5 {
		t.Errorf("a single file: got %+v", got)
	}
	file := sum(t, hashtree.Options{Root: filepath.Join(root, "a/x")})
	if got := sum(t, hashtree.Options{Root: filepath.Join(root, "link")}); got != file {
		t.Errorf("a link to a file: got %+v, want %+v", got, file)
	}
}

// The digest is the same on one core and on many, however wide and deep the
// tree is.
func TestSumDoesNotDependOnCores(t *testing.T) {
	tr := tree{}
	for i := range 500 {
		tr[fmt.Sprintf("wide/%d", i)] = fmt.Sprint(i)
		tr[fmt.Sprintf("dirs/%d/f", i)] = fmt.Sprint(i)
	}
	tr[strings.Repeat("d/", 200)+"f"] = "deep"
	root := tr.write(t)
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	seen := map[hashtree.Result]bool{}
	for _, n := range []int{1, 2, 4, 4, 4} {
		runtime.GOMAXPROCS(n)
		seen[sum(t, hashtree.Options{Root: root})] = true
	}
	if len(seen) != 1 {
		t.Errorf("got %v", seen)
	}
}

// Bad arguments and entries that cannot be hashed are refused by name.
func TestSumRefuses(t *testing.T) {
	t.Parallel()
	root := sample().write(t)
	t.Run("an empty root", func(t *testing.T) {
		_, err := hashtree.Sum(context.Background(), hashtree.Options{})
		wantFailure(t, err, "invalid_argument", "argument", "root")
	})
	t.Run("a root with a NUL", func(t *testing.T) {
		_, err := hashtree.Sum(context.Background(), hashtree.Options{Root: "a\x00"})
		wantFailure(t, err, "invalid_argument", "argument", "root")
	})
	t.Run("a root that is a device", func(t *testing.T) {
		_, err := hashtree.Sum(context.Background(), hashtree.Options{Root: "/dev/null"})
		wantFailure(t, err, "invalid_argument", "argument", "root")
	})
	t.Run("an unknown algorithm", func(t *testing.T) {
		_, err := hashtree.Sum(context.Background(), hashtree.Options{Root: root, Algorithm: "md5"})
		wantFailure(t, err, "invalid_argument", "argument", "algorithm")
	})
	t.Run("a malformed pattern", func(t *testing.T) {
		_, err := hashtree.Sum(context.Background(), hashtree.Options{Root: root, Ignore: []string{"[a"}})
		wantFailure(t, err, "invalid_argument", "argument", "ignore")
	})
	t.Run("a pipe in the tree, unless it is ignored", func(t *testing.T) {
		root := sample().write(t)
		must(t, syscall.Mkfifo(filepath.Join(root, "a", "pipe"), 0o644))
		_, err := hashtree.Sum(context.Background(), hashtree.Options{Root: root})
		wantFailure(t, err, "unsafe", "entry", "a/pipe")
		sum(t, hashtree.Options{Root: root, Ignore: []string{"pipe"}})
	})
}
