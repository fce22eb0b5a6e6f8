package archive_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sys/unix"

	"github.com/gostitch/gostitch/gocore/tasks/archive"
	"github.com/gostitch/gostitch/gocore/tasks/hashtree"
)

var compressions = []string{"zstd", "gzip", "none"}

// What is packed and unpacked again is what was there: names, contents, modes,
// times, links.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	root := filepath.Join(t.TempDir(), "root")
	writeSample(t, root)
	want := snapshot(t, root)
	for _, compression := range compressions {
		t.Run(compression, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			file, dest := filepath.Join(dir, "archive"), filepath.Join(dir, "dest")
			p := pack(t, archive.PackOptions{Root: root, Archive: file, Compression: archive.Compression(compression)})
			u := unpack(t, archive.UnpackOptions{Archive: file, Dest: dest})
			wantSame(t, snapshot(t, dest), want)
			content, err := os.ReadFile(file)
			must(t, err)
			sum := sha256.Sum256(content)
			if p.Digest != hex.EncodeToString(sum[:]) || p.BytesOut != int64(len(content)) {
				t.Errorf("got %+v for an archive of %d bytes with digest %x", p, len(content), sum)
			}
			if p.Files != 18 || u.Files != p.Files || u.Bytes != p.BytesIn {
				t.Errorf("packed %+v, unpacked %+v", p, u)
			}
			wantOnly(t, dir, "archive", "dest")
		})
	}
}

// A part of Go's own source survives the trip with the same tree digest.
func TestRoundTripOfARealTree(t *testing.T) {
	t.Parallel()
	root := goSource(t, "net")
	want, err := hashtree.Sum(context.Background(), hashtree.Options{Root: root})
	must(t, err)
	for _, compression := range compressions {
		t.Run(compression, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			pack(t, archive.PackOptions{Root: root, Archive: dir + "/a", Compression: archive.Compression(compression)})
			unpack(t, archive.UnpackOptions{Archive: dir + "/a", Dest: dir + "/d"})
			got, err := hashtree.Sum(context.Background(), hashtree.Options{Root: dir + "/d"})
			must(t, err)
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

// readTar lists an archive with the readers of Go's standard library.
func readTar(t *testing.T, path string) []*tar.Header {
	t.Helper()
	content, err := os.ReadFile(path)
	must(t, err)
	var r io.Reader = bytes.NewReader(content)
	switch {
	case bytes.HasPrefix(content, []byte{0x1f, 0x8b}):
		r, err = gzip.NewReader(r)
		must(t, err)
	case bytes.HasPrefix(content, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(r)
		must(t, err)
		defer z.Close()
		r = z
	}
	var out []*tar.Header
	for in := tar.NewReader(r); ; {
		h, err := in.Next()
		if err == io.EOF {
			return out
		}
		must(t, err)
		_, err = io.Copy(io.Discard, in)
		must(t, err)
		out = append(out, h)
	}
}

// Entries come depth-first, names ascending by bytes, directories before what
// they hold, without owners; hard links name the first name.
func TestPackOrder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	root, file := filepath.Join(dir, "root"), filepath.Join(dir, "x")
	for _, name := range []string{"a/x", "a/b/y", "a.b", "B", "é"} {
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755))
		must(t, os.WriteFile(filepath.Join(root, name), nil, 0o644))
	}
	must(t, os.Link(filepath.Join(root, "B"), filepath.Join(root, "a", "c")))
	pack(t, archive.PackOptions{Root: root, Archive: file})
	var got []string
	for _, h := range readTar(t, file) {
		if h.Uid != 0 || h.Gid != 0 || h.Uname != "" || h.Gname != "" {
			t.Errorf("%s has owner %d %d %q %q", h.Name, h.Uid, h.Gid, h.Uname, h.Gname)
		}
		got = append(got, strings.TrimSpace(h.Name+" "+h.Linkname))
	}
	if want := []string{"B", "a/", "a/b/", "a/b/y", "a/c B", "a/x", "a.b", "é"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Python's tarfile reads the same names, kinds, sizes, modes and times.
func TestPythonReadsWhatWasPacked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	root, file := filepath.Join(dir, "root"), filepath.Join(dir, "x.tar.gz")
	writeSample(t, root)
	pack(t, archive.PackOptions{Root: root, Archive: file, Compression: "gzip"})
	const program = `
import os, stat, sys, tarfile
root = os.fsencode(sys.argv[2])
names = 0
with tarfile.open(sys.argv[1]) as tar:
    for m in tar:
        names += 1
        path = os.path.join(root, os.fsencode(m.name))
        st = os.lstat(path)
        assert not m.name.startswith(("./", "/")), m.name
        if m.issym():
            assert os.readlink(path) == os.fsencode(m.linkname), m.name
            continue
        assert m.mode == stat.S_IMODE(st.st_mode), m.name
        assert abs(m.mtime - st.st_mtime) < 1e-6, m.name
        if m.isreg():
            assert tar.extractfile(m).read() == open(path, "rb").read(), m.name
        elif m.islnk():
            assert os.path.samefile(path, os.path.join(root, os.fsencode(m.linkname))), m.name
        else:
            assert m.isdir() and stat.S_ISDIR(st.st_mode), m.name
assert names == sum(len(d) + len(f) for _, d, f in os.walk(root)), names
`
	out, err := exec.Command("python3", "-X", "utf8", "-c", program, file, root).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// The tar is byte for byte what Python's tarfile writes under the rules of
// the package comment, for every kind of entry and for a real tree.
func TestPackEqualsTheReference(t *testing.T) {
	t.Parallel()
	sample := filepath.Join(t.TempDir(), "root")
	writeSample(t, sample)
	for name, root := range map[string]string{
		"every kind of entry": sample,
		"Go's own source":     goSource(t, "encoding"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			pack(t, archive.PackOptions{Root: root, Archive: dir + "/got", Compression: "none"})
			if out, err := exec.Command("python3", "-X", "utf8", "testdata/reference.py", root, dir+"/want").CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			got, err := os.ReadFile(dir + "/got")
			must(t, err)
			want, err := os.ReadFile(dir + "/want")
			must(t, err)
			if !bytes.Equal(got, want) {
				at := 0
				for at < min(len(got), len(want)) && got[at] == want[at] {
					at++
				}
				t.Errorf("%d and %d bytes, which differ from byte %d on:\n%q\n%q", len(got), len(want), at, got[at-at%512:][:512], want[at-at%512:][:512])
			}
		})
	}
}

// The same tree gives the same bytes on one core and on many, and so does a
// copy of it. The tree is long enough for several pieces of every compression.
func TestPackIsReproducible(t *testing.T) {
	root := filepath.Join(t.TempDir(), "root")
	long := os.Getenv("GOSTITCH_LONG") != ""
	source := "net"
	if long {
		source = "runtime"
	}
	must(t, os.CopyFS(root, os.DirFS(goSource(t, source))))
	writeSample(t, root)
	copied := filepath.Join(t.TempDir(), "copy")
	pack(t, archive.PackOptions{Root: root, Archive: copied + ".tar", Compression: "none"})
	unpack(t, archive.UnpackOptions{Archive: copied + ".tar", Dest: copied})
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	fastest, better, best := 1, 9, 22
	for _, c := range []struct {
		compression string
		level       *int
		long        bool
	}{
		{"none", nil, false}, {"gzip", nil, false}, {"zstd", nil, false},
		{"zstd", &fastest, true}, {"gzip", &better, true}, {"zstd", &better, true}, {"zstd", &best, true},
	} {
		if c.long && !long {
			continue // these take a minute under the race detector
		}
		digests := map[string]bool{}
		for i, n := range []int{1, 2, 4} {
			runtime.GOMAXPROCS(n)
			o := archive.PackOptions{Root: []string{root, copied, root}[i], Archive: filepath.Join(t.TempDir(), "x"), Compression: archive.Compression(c.compression), Level: c.level}
			digests[pack(t, o).Digest] = true
		}
		if len(digests) != 1 {
			t.Errorf("%+v: got %v", c, digests)
		}
	}
}

// The tar of a fixed tree never changes, or caches would all miss.
func TestPackIsGolden(t *testing.T) {
	t.Parallel()
	root := filepath.Join(t.TempDir(), "root")
	must(t, os.MkdirAll(filepath.Join(root, "d", "e"), 0o755))
	must(t, os.WriteFile(filepath.Join(root, "d", "f"), []byte("content"), 0o644))
	must(t, os.WriteFile(filepath.Join(root, "run"), []byte("#!"), 0o644))
	must(t, os.Symlink("d/f", filepath.Join(root, "link")))
	for _, name := range []string{"d/e", "d/f", "d", "run"} {
		must(t, os.Chmod(filepath.Join(root, name), 0o755))
		must(t, os.Chtimes(filepath.Join(root, name), time.Time{}, time.Unix(1_700_000_000, 500_000_000)))
	}
	setLinkTime(t, filepath.Join(root, "link"), 1_700_000_001)
	got := pack(t, archive.PackOptions{Root: root, Archive: filepath.Join(t.TempDir(), "x"), Compression: "none"})
	want := archive.PackResult{Digest: "999b17fc97bdac59d7a24964e6f2c69df2af137d4765dd1e0571999d346b2dac", Files: 2, BytesIn: 9, BytesOut: 10240}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func setLinkTime(t *testing.T, path string, seconds int64) {
	t.Helper()
	when := unix.Timespec{Sec: seconds}
	must(t, unix.UtimesNanoAt(unix.AT_FDCWD, path, []unix.Timespec{when, when}, unix.AT_SYMLINK_NOFOLLOW))
}

// Roots that are empty, a single file, or a link to either are packed.
func TestPackOfOtherRoots(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	must(t, os.Mkdir(dir+"/empty", 0o755))
	must(t, os.WriteFile(dir+"/file", []byte("x"), 0o644))
	must(t, os.Symlink("file", dir+"/to-file"))
	must(t, os.Symlink("empty", dir+"/to-empty"))
	for root, want := range map[string][]string{"empty": nil, "to-empty": nil, "file": {"file"}, "to-file": {"to-file"}} {
		for _, compression := range compressions {
			out := filepath.Join(t.TempDir(), "x")
			pack(t, archive.PackOptions{Root: filepath.Join(dir, root), Archive: out, Compression: archive.Compression(compression)})
			dest := filepath.Join(t.TempDir(), "dest")
			unpack(t, archive.UnpackOptions{Archive: out, Dest: dest})
			wantOnly(t, dest, want...)
		}
	}
}

// An ignored entry is not packed, nor what is in it.
func TestPackIgnores(t *testing.T) {
	t.Parallel()
	root, file := filepath.Join(t.TempDir(), "root"), filepath.Join(t.TempDir(), "x")
	writeSample(t, root)
	pack(t, archive.PackOptions{Root: root, Archive: file, Ignore: []string{"/a/", "long", "n*", "b*", "[!d-z]*", "z*", "t*"}})
	var got []string
	for _, h := range readTar(t, file) {
		got = append(got, h.Name)
	}
	if want := []string{"dangling", "empty", "link", "more"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Arguments that cannot work are refused by name, before anything is written.
func TestPackRefusesArguments(t *testing.T) {
	t.Parallel()
	level := func(n int) *int { return &n }
	root := filepath.Join(t.TempDir(), "root")
	must(t, os.MkdirAll(filepath.Join(root, "out"), 0o755))
	must(t, os.WriteFile(filepath.Join(root, "f"), nil, 0o644))
	for name, c := range map[string]struct {
		o        archive.PackOptions
		argument string
	}{
		"no root":                        {archive.PackOptions{Archive: "x"}, "root"},
		"a device as root":               {archive.PackOptions{Root: "/dev/null", Archive: "x"}, "root"},
		"no archive":                     {archive.PackOptions{Root: root}, "archive"},
		"a NUL":                          {archive.PackOptions{Root: root, Archive: "a\x00"}, "archive"},
		"an archive in the tree":         {archive.PackOptions{Root: root, Archive: root + "/x"}, "archive"},
		"an archive deeper in the tree":  {archive.PackOptions{Root: root, Archive: root + "/out/x", Ignore: []string{"x"}}, "archive"},
		"an archive that is a directory": {archive.PackOptions{Root: root, Archive: filepath.Dir(root)}, "archive"},
		"an archive that is the root":    {archive.PackOptions{Root: root + "/f", Archive: root + "/f"}, "archive"},
		"an unknown compression":         {archive.PackOptions{Root: root, Archive: "x", Compression: "xz"}, "compression"},
		"zstd level 0":                   {archive.PackOptions{Root: root, Archive: "x", Level: level(0)}, "level"},
		"zstd level 23":                  {archive.PackOptions{Root: root, Archive: "x", Level: level(23)}, "level"},
		"gzip level 0":                   {archive.PackOptions{Root: root, Archive: "x", Compression: "gzip", Level: level(0)}, "level"},
		"gzip level 10":                  {archive.PackOptions{Root: root, Archive: "x", Compression: "gzip", Level: level(10)}, "level"},
		"a level without compression":    {archive.PackOptions{Root: root, Archive: "x", Compression: "none", Level: level(1)}, "level"},
		"a malformed pattern":            {archive.PackOptions{Root: root, Archive: "x", Ignore: []string{"["}}, "ignore"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := archive.Pack(context.Background(), c.o)
			wantFailure(t, err, "invalid_argument", "argument", c.argument)
		})
	}
	t.Run("but an archive in an ignored directory of the tree is fine", func(t *testing.T) {
		t.Parallel()
		root := filepath.Join(t.TempDir(), "root")
		must(t, os.MkdirAll(filepath.Join(root, "out"), 0o755))
		first := pack(t, archive.PackOptions{Root: root, Archive: root + "/out/x", Ignore: []string{"/out/"}})
		if again := pack(t, archive.PackOptions{Root: root, Archive: root + "/out/x", Ignore: []string{"/out/"}}); again != first {
			t.Errorf("got %+v, then %+v", first, again)
		}
	})
}

// Missing paths are errors of the system, with the path.
func TestPackOfMissingPaths(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := archive.Pack(context.Background(), archive.PackOptions{Root: dir + "/none", Archive: dir + "/x"})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	wantFailure(t, err, "", "path", dir+"/none")
	must(t, os.Mkdir(dir+"/root", 0o755))
	if _, err := archive.Pack(context.Background(), archive.PackOptions{Root: dir + "/root", Archive: dir + "/none/x"}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	wantOnly(t, dir, "root")
}

// A pipe in the tree is refused by name, and a former archive stays as it was.
func TestPackFailedKeepsTheFormerArchive(t *testing.T) {
	before := openFiles(t)
	root, dir := filepath.Join(t.TempDir(), "root"), t.TempDir()
	writeSample(t, root)
	must(t, os.WriteFile(dir+"/x", []byte("former"), 0o644))
	must(t, syscall.Mkfifo(filepath.Join(root, "zpipe"), 0o644))
	for _, compression := range compressions {
		_, err := archive.Pack(context.Background(), archive.PackOptions{Root: root, Archive: dir + "/x", Compression: archive.Compression(compression)})
		wantFailure(t, err, "unsafe", "entry", "zpipe")
		wantOnly(t, dir, "x")
		if content, _ := os.ReadFile(dir + "/x"); string(content) != "former" {
			t.Error("the former archive was changed")
		}
		wantQuiet(t, before)
	}
}

// A run that is cancelled at any moment ends with the context's error, and
// leaves no file, no goroutine and no open file.
func TestPackCancelled(t *testing.T) {
	root, dir := filepath.Join(t.TempDir(), "root"), t.TempDir()
	writeSample(t, root)
	before := openFiles(t)
	for _, compression := range compressions {
		for n := 1; ; n = n*5/4 + 1 {
			_, err := archive.Pack(cancelAt(n), archive.PackOptions{Root: root, Archive: dir + "/x", Compression: archive.Compression(compression)})
			if err == nil && n > 3 {
				break
			}
			if !errors.Is(err, context.Canceled) {
				t.Fatalf("%s, cancelled at %d: got %v", compression, n, err)
			}
			wantOnly(t, dir)
			wantQuiet(t, before)
		}
		must(t, os.Remove(dir+"/x"))
	}
}

// A file that changes while it is packed gives an error that says so.
func TestPackOfAChangingTree(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(path string) error{
		"a big file shrinks": func(path string) error { return os.Truncate(path, 10) },
		"a big file grows":   func(path string) error { return os.Truncate(path, 9<<20) },
		"a big file goes":    os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root, dir := t.TempDir(), t.TempDir()
			path := filepath.Join(root, "big")
			must(t, os.WriteFile(path, make([]byte, 4<<20), 0o644))
			ctx := &hook{Context: context.Background(), do: func(asked int) {
				if asked == 2 { // 1: Pack, 2: the header is written
					must(t, change(path))
				}
			}}
			_, err := archive.Pack(ctx, archive.PackOptions{Root: root, Archive: dir + "/x", Compression: "none"})
			if !errors.Is(err, fs.ErrNotExist) {
				wantFailure(t, err, "data", "path", path)
			}
			wantOnly(t, dir)
		})
	}
}
