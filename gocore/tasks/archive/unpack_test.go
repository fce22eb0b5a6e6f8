package archive_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/gostitch/gostitch/gocore/tasks/archive"
	"github.com/gostitch/gostitch/gocore/tasks/hashtree"
)

// What would leave the destination, or is no plain data, is refused by the
// entry's name, in tar and in zip, and nothing is left.
func TestUnpackRefusesEscapes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		entries []entry
		entry   string // the one to blame
		tarOnly bool
	}{
		"an absolute name":                                   {[]entry{file("/victim")}, "/victim", false},
		"an absolute directory":                              {[]entry{dir("/tmp/x/")}, "/tmp/x/", false},
		"a parent name":                                      {[]entry{file("../victim")}, "../victim", false},
		"a parent name inside":                               {[]entry{file("a/../../victim")}, "a/../../victim", false},
		"a parent name that would stay inside":               {[]entry{file("a/../b")}, "a/../b", false},
		"a parent directory":                                 {[]entry{dir("../x/")}, "../x/", false},
		"a link to an absolute path":                         {[]entry{link("a", "/etc/passwd")}, "a", false},
		"a link up":                                          {[]entry{link("a", "../victim")}, "a", false},
		"a link up from a directory":                         {[]entry{link("d/e/a", "../../../victim")}, "d/e/a", false},
		"a link up after a detour":                           {[]entry{dir("d/"), link("a", "d/../../victim")}, "a", false},
		"a link up after a missing name":                     {[]entry{link("a", "none/../../victim")}, "a", false},
		"a link to the parent itself":                        {[]entry{link("a", "..")}, "a", false},
		"a link up through another link":                     {[]entry{dir("d/e/"), link("d/e/top", "../.."), link("a", "d/e/top/../victim")}, "a", false},
		"a link up through a later link":                     {[]entry{dir("d/e/"), link("a", "d/e/top/../victim"), link("d/e/top", "../..")}, "a", false},
		"a link up through two links":                        {[]entry{dir("d/e/"), link("d/e/top", "../.."), link("x", "d/e/top/y"), link("y", "."), link("a", "x/../victim")}, "a", false},
		"a file through a link":                              {[]entry{link("a", "d"), dir("d/"), file("a/f")}, "a/f", false},
		"a file through a link out":                          {[]entry{link("a", ".."), file("a/victim")}, "a/victim", false},
		"a directory through a link":                         {[]entry{dir("d/"), link("a", "d"), dir("a/b/")}, "a/b/", false},
		"a link through a link":                              {[]entry{dir("d/"), link("a", "d"), link("a/b", "c")}, "a/b", false},
		"a hard link out":                                    {[]entry{hard("a", "../victim")}, "a", true},
		"a hard link to an absolute path":                    {[]entry{hard("a", "/etc/passwd")}, "a", true},
		"a hard link through a link":                         {[]entry{dir("d/"), link("l", "d"), file("d/f"), hard("l/a", "d/f")}, "l/a", true},
		"a hard link to a link, moved to where it leads out": {[]entry{dir("d/"), link("d/l", "../x"), hard("l", "d/l")}, "l", true},
		"a pipe":             {[]entry{{name: "p", kind: tar.TypeFifo}}, "p", false},
		"a character device": {[]entry{{name: "p", kind: tar.TypeChar}}, "p", false},
		"a block device":     {[]entry{{name: "p", kind: tar.TypeBlock}}, "p", true},
		"a chain of too many links": {func() (all []entry) {
			for i := range 300 {
				all = append(all, link(fmt.Sprint("l", i), fmt.Sprint("l", i+1)))
			}
			return all
		}(), "l256", false},
	} {
		forms := map[string][]byte{"tar": tarOf(t, c.entries...)}
		if !c.tarOnly {
			forms["zip"] = zipOf(t, c.entries...)
		}
		for form, content := range forms {
			t.Run(name+" in "+form, func(t *testing.T) {
				t.Parallel()
				y := newYard(t, content)
				_, err := archive.Unpack(context.Background(), archive.UnpackOptions{Archive: y.file, Dest: y.dest})
				wantFailure(t, err, "unsafe", "entry", c.entry)
				wantFailure(t, err, "unsafe", "path", y.file)
				y.untouched(t)
			})
		}
	}
}

// Links that stay inside are kept, however they get there.
func TestUnpackKeepsInnerLinks(t *testing.T) {
	t.Parallel()
	entries := []entry{
		dir("d/e/"), file("d/f"), link("d/e/up", "../../d/f"), link("top", "."), link("d/e/top", "../.."), link("round", "top/d/e/top/d/f"),
		link("loop", "loop"), link("ping", "pong"), link("pong", "ping"), link("dangling", "none/x"), link("below a file", "d/f/.."),
	}
	for form, content := range map[string][]byte{"tar": tarOf(t, entries...), "zip": zipOf(t, entries...)} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			y := newYard(t, content)
			unpack(t, archive.UnpackOptions{Archive: y.file, Dest: y.dest})
			for _, e := range entries {
				if e.kind == tar.TypeSymlink {
					got, err := os.Readlink(filepath.Join(y.dest, e.name))
					must(t, err)
					if got != e.target {
						t.Errorf("%s: got %q, want %q", e.name, got, e.target)
					}
				}
			}
			y.untouched(t, "dest")
		})
	}
}

// Archives that contradict themselves or hold impossible names are data
// errors, and nothing is left.
func TestUnpackRefusesNonsense(t *testing.T) {
	t.Parallel()
	for name, content := range map[string][]byte{
		"a file twice in tar":          tarOf(t, file("a"), file("a")),
		"a file twice in zip":          zipOf(t, file("a"), file("a")),
		"a file twice, spelled apart":  tarOf(t, file("a"), file("./a")),
		"a file and a directory":       tarOf(t, file("a"), dir("a/")),
		"a directory and a file":       zipOf(t, dir("a/"), file("a")),
		"a link over a directory":      tarOf(t, file("a/b"), link("a", "c")),
		"a file below a file":          tarOf(t, file("a"), file("a/b")),
		"a hard link to nothing":       tarOf(t, hard("a", "b")),
		"a hard link to a directory":   tarOf(t, dir("d/"), hard("a", "d")),
		"a hard link to a later file":  tarOf(t, hard("a", "b"), file("b")),
		"a file named like the root":   tarOf(t, file(".")),
		"a NUL in a name":              zipOf(t, file("a\x00b")),
		"an empty name":                zipOf(t, file("")),
		"a name that is too long":      tarOf(t, file(strings.Repeat("n", 256))),
		"a path that is too long":      tarOf(t, file(strings.Repeat("n/", 2050)+"f")),
		"a link without a target":      zipOf(t, link("a", "")),
		"an unknown kind of entry":     tarOf(t, entry{name: "a", kind: 'Z'}),
		"an empty file":                {},
		"text":                         []byte(strings.Repeat("no archive at all\n", 100)),
		"one byte":                     {0x1f},
		"a gzip of text":               gzipOf(t, []byte(strings.Repeat("no archive at all\n", 100))),
		"a zstd of nothing":            zstdOf(t, nil),
		"bzip2":                        []byte("BZh91AY&SY"),
		"xz":                           []byte("\xfd7zXZ\x00\x00"),
		"zeros in gzip, but too few":   gzipOf(t, make([]byte, 511)),
		"a tar without its end":        tarOf(t, file("a"))[:1024],
		"a zip with a broken checksum": bytes.Replace(zipStored(t), []byte("content"), []byte("Content"), 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			y := newYard(t, content)
			_, err := archive.Unpack(context.Background(), archive.UnpackOptions{Archive: y.file, Dest: filepath.Join(y.dest, "new")})
			wantFailure(t, err, "data", "path", y.file)
			y.untouched(t)
		})
	}
}

// Every archive that is cut short is a data error, wherever the cut is, and
// every archive with a flipped byte unpacks or fails without a trace.
func TestUnpackOfDamagedArchives(t *testing.T) {
	t.Parallel()
	entries := []entry{dir("d/"), {name: "d/f", content: strings.Repeat("some content ", 20)}, link("l", "d/f"), {name: "g", content: "more"}}
	plain := tarOf(t, entries...)
	for form, content := range map[string][]byte{"tar": plain, "gzip": gzipOf(t, plain), "zstd": zstdOf(t, plain), "zip": zipOf(t, entries...)} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			y := newYard(t, content)
			step, whole := 1, len(content)
			if form == "tar" {
				step, whole = 7, len(content)-512 // one block of zeros is an end already
			}
			for n := 0; n < whole; n += step {
				must(t, os.WriteFile(y.file, content[:n], 0o644))
				_, err := archive.Unpack(context.Background(), archive.UnpackOptions{Archive: y.file, Dest: y.dest})
				wantFailure(t, err, "data", "path", y.file)
			}
			y.untouched(t)
			for n := 0; n < len(content); n += step {
				damaged := bytes.Clone(content)
				damaged[n] ^= 0x41
				must(t, os.WriteFile(y.file, damaged, 0o644))
				if _, err := archive.Unpack(context.Background(), archive.UnpackOptions{Archive: y.file, Dest: y.dest}); err == nil {
					must(t, os.RemoveAll(y.dest))
				}
				y.untouched(t)
			}
		})
	}
}

// Bounds that the caller sets, or the default ones, stop an archive, and
// nothing is left; an archive that just fits is unpacked.
func TestUnpackBounds(t *testing.T) {
	t.Parallel()
	bound := func(n int64) *int64 { return &n }
	entries := []entry{{name: "a", content: "12345"}, {name: "d/e/b", content: "123"}}
	many := []entry{}
	for i := range 20 {
		many = append(many, dir(fmt.Sprintf("%d/", i)))
	}
	bomb := gzipOf(t, tarOf(t, entry{name: "zeros", content: strings.Repeat("\x00", 2<<20)}))
	for name, c := range map[string]struct {
		content  []byte
		o        archive.UnpackOptions
		argument string
	}{
		"too many bytes in tar":               {tarOf(t, entries...), archive.UnpackOptions{MaxBytes: bound(7)}, "max_bytes"},
		"too many bytes in zip":               {zipOf(t, entries...), archive.UnpackOptions{MaxBytes: bound(7)}, "max_bytes"},
		"as many bytes as allowed in tar":     {tarOf(t, entries...), archive.UnpackOptions{MaxBytes: bound(8)}, ""},
		"as many bytes as allowed in zip":     {zipOf(t, entries...), archive.UnpackOptions{MaxBytes: bound(8)}, ""},
		"too many entries, some only implied": {tarOf(t, entries...), archive.UnpackOptions{MaxFiles: bound(3)}, "max_files"},
		"as many entries as allowed":          {tarOf(t, entries...), archive.UnpackOptions{MaxFiles: bound(4)}, ""},
		"too many directories in tar":         {tarOf(t, many...), archive.UnpackOptions{MaxFiles: bound(19)}, "max_files"},
		"too many directories in zip":         {zipOf(t, many...), archive.UnpackOptions{MaxFiles: bound(19)}, "max_files"},
		"no file where none is allowed":       {tarOf(t), archive.UnpackOptions{MaxFiles: bound(0), MaxBytes: bound(0)}, ""},
		"a bomb against a bound":              {bomb, archive.UnpackOptions{MaxBytes: bound(1 << 20)}, "max_bytes"},
		"a size beyond the default":           {hugeHeader(t), archive.UnpackOptions{}, "max_bytes"},
		"endless zeros after the end":         {zstdOf(t, append(tarOf(t), make([]byte, 20<<20)...)), archive.UnpackOptions{MaxBytes: bound(0), MaxFiles: bound(0)}, "max_bytes"},
		"a zip that lies about its size":      {lyingZip(t), archive.UnpackOptions{MaxBytes: bound(100)}, "data"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			y := newYard(t, c.content)
			c.o.Archive, c.o.Dest = y.file, y.dest
			_, err := archive.Unpack(context.Background(), c.o)
			switch c.argument {
			case "":
				must(t, err)
				y.untouched(t, "dest")
				return
			case "data":
				wantFailure(t, err, "data", "path", y.file)
			default:
				wantFailure(t, err, "limit", "argument", c.argument)
			}
			y.untouched(t)
		})
	}
	for argument, o := range map[string]archive.UnpackOptions{"max_bytes": {MaxBytes: bound(-1)}, "max_files": {MaxFiles: bound(-1)}} {
		y := newYard(t, tarOf(t))
		o.Archive, o.Dest = y.file, y.dest
		_, err := archive.Unpack(context.Background(), o)
		wantFailure(t, err, "invalid_argument", "argument", argument)
	}
}

// Modes lose set-uid, set-gid and sticky; entries without a mode, and
// directories without an entry, get a fixed one; times are kept.
func TestUnpackModesAndTimes(t *testing.T) {
	t.Parallel()
	windows := func() []byte {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		for _, name := range []string{"plain", "d/", "implied/f"} {
			_, err := w.Create(name) // made on FAT, as far as the header tells
			must(t, err)
		}
		must(t, w.Close())
		return b.Bytes()
	}()
	for name, c := range map[string]struct {
		content []byte
		want    map[string]os.FileMode
	}{
		"tar": {tarOf(t, entry{name: "s", mode: 0o6755}, entry{name: "d/", kind: tar.TypeDir, mode: 0o1777}, entry{name: "x/y/f", mode: 0o604}),
			map[string]os.FileMode{"s": 0o755, "d": 0o777 | os.ModeDir, "x": 0o755 | os.ModeDir, "x/y": 0o755 | os.ModeDir, "x/y/f": 0o604}},
		"zip": {zipOf(t, entry{name: "s", mode: 0o755}, entry{name: "d/", kind: tar.TypeDir, mode: 0o750}, entry{name: "f", mode: 0o604}),
			map[string]os.FileMode{"s": 0o755, "d": 0o750 | os.ModeDir, "f": 0o604}},
		"a zip without modes": {windows, map[string]os.FileMode{"plain": 0o644, "d": 0o755 | os.ModeDir, "implied": 0o755 | os.ModeDir, "implied/f": 0o644}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			y := newYard(t, c.content)
			unpack(t, archive.UnpackOptions{Archive: y.file, Dest: y.dest})
			for path, want := range c.want {
				info, err := os.Lstat(filepath.Join(y.dest, path))
				must(t, err)
				if info.Mode() != want {
					t.Errorf("%s: got %v, want %v", path, info.Mode(), want)
				}
			}
			if info, err := os.Lstat(filepath.Join(y.dest, "s")); err == nil && info.ModTime().Unix() != 1_600_000_000 {
				t.Errorf("got time %v", info.ModTime())
			}
		})
	}
}

// What Python's tarfile and zipfile write from a real tree is unpacked to the
// tree that they were given, in every format they know.
func TestUnpackOfWhatPythonWrote(t *testing.T) {
	t.Parallel()
	root := goSource(t, "encoding")
	want, err := hashtree.Sum(context.Background(), hashtree.Options{Root: root})
	must(t, err)
	const program = `
import sys, tarfile, zipfile, os
kind, root, out = sys.argv[1:]
if kind == "zip":
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for top, dirs, files in os.walk(root):
            for name in dirs + files:
                path = os.path.join(top, name)
                z.write(path, os.path.relpath(path, root))
else:
    mode, form = kind.split()
    with tarfile.open(out, mode, format=getattr(tarfile, form)) as t:
        t.add(root, ".")
`
	for _, kind := range []string{"zip", "w USTAR_FORMAT", "w GNU_FORMAT", "w:gz PAX_FORMAT"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			y := newYard(t, nil)
			if out, err := exec.Command("python3", "-c", program, kind, root, y.file).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			unpack(t, archive.UnpackOptions{Archive: y.file, Dest: y.dest})
			got, err := hashtree.Sum(context.Background(), hashtree.Options{Root: y.dest})
			must(t, err)
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

// The destination may be missing, with its parents, or an empty directory,
// which stays the same directory; all else is refused.
func TestUnpackDestinations(t *testing.T) {
	t.Parallel()
	content := tarOf(t, dir("d/"), file("d/f"), link("l", "d"))
	try := func(y yard, dest string) error {
		_, err := archive.Unpack(context.Background(), archive.UnpackOptions{Archive: y.file, Dest: dest})
		return err
	}
	t.Run("missing parents are made", func(t *testing.T) {
		y := newYard(t, content)
		must(t, try(y, y.dest+"/a/b/"))
		wantOnly(t, y.dest+"/a/b", "d", "l")
		wantOnly(t, y.dest+"/a", "b")
	})
	t.Run("an empty directory stays the same", func(t *testing.T) {
		y := newYard(t, content)
		must(t, os.Mkdir(y.dest, 0o710))
		before, err := os.Stat(y.dest)
		must(t, err)
		must(t, try(y, y.dest))
		after, err := os.Stat(y.dest)
		must(t, err)
		if !os.SameFile(before, after) || before.Mode() != after.Mode() {
			t.Errorf("got %v, want %v", after, before)
		}
		wantOnly(t, y.dest, "d", "l")
	})
	t.Run("an empty directory stays empty after a failure", func(t *testing.T) {
		y := newYard(t, tarOf(t, file("a"), file("/x")))
		must(t, os.Mkdir(y.dest, 0o755))
		wantFailure(t, try(y, y.dest), "unsafe", "entry", "/x")
		wantOnly(t, y.dest)
	})
	t.Run("a link to an empty directory is followed", func(t *testing.T) {
		y := newYard(t, content)
		must(t, os.Mkdir(y.dest, 0o755))
		must(t, os.Symlink("dest", y.dest+"-link"))
		must(t, try(y, y.dest+"-link"))
		wantOnly(t, y.dest, "d", "l")
	})
	t.Run("a directory with something in it is refused", func(t *testing.T) {
		y := newYard(t, content)
		wantFailure(t, try(y, y.dir), "invalid_argument", "argument", "dest")
		y.untouched(t)
	})
	t.Run("a file is refused", func(t *testing.T) {
		y := newYard(t, content)
		wantFailure(t, try(y, y.file), "invalid_argument", "argument", "dest")
		wantFailure(t, try(y, y.file+"/below"), "invalid_argument", "argument", "dest")
		y.untouched(t)
	})
	t.Run("a link to nothing is refused", func(t *testing.T) {
		y := newYard(t, content)
		must(t, os.Symlink("none", y.dest))
		wantFailure(t, try(y, y.dest), "invalid_argument", "argument", "dest")
		y.untouched(t, "dest")
	})
	t.Run("an empty path is refused", func(t *testing.T) {
		y := newYard(t, content)
		wantFailure(t, try(y, ""), "invalid_argument", "argument", "dest")
	})
}

// An archive that is missing is the error of the system; one that is no
// regular file is refused without being opened.
func TestUnpackArchives(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := archive.Unpack(context.Background(), archive.UnpackOptions{Archive: dir + "/none", Dest: dir + "/dest"})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	wantFailure(t, err, "", "path", dir+"/none")
	must(t, syscall.Mkfifo(dir+"/pipe", 0o644))
	for _, path := range []string{"", "a\x00", dir, dir + "/pipe"} {
		_, err := archive.Unpack(context.Background(), archive.UnpackOptions{Archive: path, Dest: dir + "/dest"})
		wantFailure(t, err, "invalid_argument", "argument", "archive")
	}
	wantOnly(t, dir, "pipe")
}

// A run that is cancelled or fails at any moment leaves no file, no goroutine
// and no open file.
func TestUnpackCancelled(t *testing.T) {
	root := filepath.Join(t.TempDir(), "root")
	writeSample(t, root)
	must(t, os.CopyFS(root+"/many", os.DirFS(goSource(t, "encoding", "json"))))
	packed := filepath.Join(t.TempDir(), "x")
	before := openFiles(t)
	for _, compression := range []string{"zstd", "gzip", "none", "zip"} {
		if compression == "zip" {
			out, err := exec.Command("python3", "-m", "zipfile", "-c", packed, root+"/many", root+"/big", root+"/a").CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
		} else {
			pack(t, archive.PackOptions{Root: root, Archive: packed, Compression: archive.Compression(compression)})
		}
		content, err := os.ReadFile(packed)
		must(t, err)
		y := newYard(t, content)
		for n := 1; ; n = n*3/2 + 1 {
			_, err := archive.Unpack(cancelAt(n), archive.UnpackOptions{Archive: y.file, Dest: y.dest + "/a/b"})
			if err == nil && n > 3 {
				break
			}
			if !errors.Is(err, context.Canceled) {
				t.Fatalf("%s, cancelled at %d: got %v", compression, n, err)
			}
			y.untouched(t)
			wantQuiet(t, before)
		}
		must(t, os.WriteFile(y.file, content[:len(content)/2], 0o644))
		_, err = archive.Unpack(context.Background(), archive.UnpackOptions{Archive: y.file, Dest: y.dest + "/c"})
		wantFailure(t, err, "data", "path", y.file)
		wantQuiet(t, before)
	}
}

// FuzzUnpack feeds arbitrary bytes: it never panics, and writes nothing
// outside of the destination.
func FuzzUnpack(f *testing.F) {
	entries := []entry{dir("d/"), file("d/f"), link("l", "d/f"), link("m", "../x"), hard("h", "d/f"), file("../x")}
	for n := range entries {
		plain := tarOf(f, entries[:n]...)
		f.Add(plain)
		f.Add(gzipOf(f, plain))
		f.Add(zstdOf(f, plain))
	}
	f.Add(zipOf(f, entries[:4]...))
	small := int64(1 << 20)
	files := int64(1000)
	f.Fuzz(func(t *testing.T, content []byte) {
		y := newYard(t, content)
		_, err := archive.Unpack(context.Background(), archive.UnpackOptions{Archive: y.file, Dest: y.dest, MaxBytes: &small, MaxFiles: &files})
		if err != nil {
			y.untouched(t)
			return
		}
		y.untouched(t, "dest")
		must(t, filepath.WalkDir(y.dest, func(path string, d fs.DirEntry, err error) error {
			if d != nil && d.Type()&fs.ModeSymlink != 0 {
				if real, err := filepath.EvalSymlinks(path); err == nil && !strings.HasPrefix(real, y.dir+"/dest") {
					t.Errorf("%s leads to %s", path, real)
				}
			}
			return nil
		}))
	})
}
