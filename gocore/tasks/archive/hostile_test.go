package archive_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

// entry is a member of a hostile archive; content stands for a file.
type entry struct {
	name, target, content string
	kind                  byte // of tar; 0 is a file
	mode                  int64
}

// tarOf writes entries with the standard library.
func tarOf(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Linkname: e.target, Typeflag: e.kind, Mode: e.mode, Size: int64(len(e.content)), ModTime: time.Unix(1_600_000_000, 0)}
		if e.mode == 0 {
			h.Mode = 0o644
		}
		if e.kind == 0 {
			h.Typeflag = tar.TypeReg
		}
		must(t, w.WriteHeader(h))
		_, err := w.Write([]byte(e.content))
		must(t, err)
	}
	must(t, w.Close())
	return b.Bytes()
}

// zipOf writes the same as a zip.
func zipOf(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate, Modified: time.Unix(1_600_000_000, 0)}
		mode := fs.FileMode(e.mode & 0o777)
		if e.mode == 0 {
			mode = 0o644
		}
		content := e.content
		switch e.kind {
		case tar.TypeSymlink:
			mode, content = mode|fs.ModeSymlink, e.target
		case tar.TypeFifo:
			mode |= fs.ModeNamedPipe
		case tar.TypeChar:
			mode |= fs.ModeDevice | fs.ModeCharDevice
		case tar.TypeDir:
			mode |= fs.ModeDir
			h.Method = zip.Store
		}
		h.SetMode(mode)
		f, err := w.CreateHeader(h)
		must(t, err)
		_, err = f.Write([]byte(content))
		must(t, err)
	}
	must(t, w.Close())
	return b.Bytes()
}

func gzipOf(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write(b)
	must(t, err)
	must(t, w.Close())
	return out.Bytes()
}

func zstdOf(t testing.TB, b []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	must(t, err)
	defer w.Close()
	return w.EncodeAll(b, nil)
}

// yard is a place to unpack in: what a hostile archive may aim at lies next
// to the destination, and everything is looked at afterwards.
type yard struct{ dir, file, dest string }

func newYard(t testing.TB, content []byte) yard {
	t.Helper()
	dir := t.TempDir()
	y := yard{dir, filepath.Join(dir, "archive"), filepath.Join(dir, "dest")}
	must(t, os.WriteFile(y.file, content, 0o644))
	must(t, os.WriteFile(filepath.Join(dir, "victim"), []byte("untouched"), 0o644))
	return y
}

// untouched checks that nothing but dest may have come to be.
func (y yard) untouched(t testing.TB, more ...string) {
	t.Helper()
	wantOnly(t, y.dir, append([]string{"archive", "victim"}, more...)...)
	if content, _ := os.ReadFile(filepath.Join(y.dir, "victim")); string(content) != "untouched" {
		t.Fatalf("the victim holds %q", content)
	}
}

func file(name string) entry         { return entry{name: name, content: "hostile"} }
func dir(name string) entry          { return entry{name: name, kind: tar.TypeDir, mode: 0o755} }
func link(name, target string) entry { return entry{name: name, target: target, kind: tar.TypeSymlink} }
func hard(name, target string) entry { return entry{name: name, target: target, kind: tar.TypeLink} }

// hugeHeader announces a file of 2 TiB and holds none of it.
func hugeHeader(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	must(t, tar.NewWriter(&b).WriteHeader(&tar.Header{Name: "huge", Typeflag: tar.TypeReg, Mode: 0o644, Size: 2 << 40}))
	return b.Bytes()
}

// lyingZip says that 10 MiB of zeros are 5 bytes.
func lyingZip(t *testing.T) []byte {
	t.Helper()
	var b, deflated bytes.Buffer
	w := zip.NewWriter(&b)
	g := gzip.NewWriter(&deflated)
	_, err := g.Write(make([]byte, 10<<20))
	must(t, err)
	must(t, g.Close())
	raw := deflated.Bytes()[10 : deflated.Len()-8]
	f, err := w.CreateRaw(&zip.FileHeader{Name: "liar", Method: zip.Deflate, UncompressedSize64: 5, CompressedSize64: uint64(len(raw))})
	must(t, err)
	_, err = f.Write(raw)
	must(t, err)
	must(t, w.Close())
	return b.Bytes()
}

func zipStored(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.CreateHeader(&zip.FileHeader{Name: "a", Method: zip.Store})
	must(t, err)
	_, err = f.Write([]byte("content"))
	must(t, err)
	must(t, w.Close())
	return b.Bytes()
}
