package archive

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"runtime"
	"time"

	"github.com/gostitch/gostitch/gocore/tasks/internal/failure"
)

// Bounds of a slab: many small files make one unit of work.
const (
	slabBytes = 1 << 20
	slabFiles = 64
	smallFile = 256 << 10
)

// slab is a piece of memory with the contents of some files, on its way from
// the reader to a worker and back.
type slab struct {
	bytes []byte
	used  int
	files []slabFile
}

type slabFile struct {
	place place
	data  []byte
	mode  fs.FileMode
	mtime time.Time
}

// untar is the reading side: it parses the tar and fills slabs.
type untar struct {
	*extraction
	ctx  context.Context
	emit func(*slab) error
	tar  *tar.Reader
	free chan *slab
	slab *slab
	copy []byte // for big files
}

// runTar reads the tar in this goroutine, while workers write small files. It
// returns when all of them have ended.
func (x *extraction) runTar(ctx context.Context, s *source, head []byte) error {
	plain, err := decompressed(head, contextReader{ctx, s.file})
	if err != nil {
		return err
	}
	defer plain.Close()
	slabs := 2*runtime.GOMAXPROCS(0) + 3
	u := &untar{extraction: x, free: make(chan *slab, slabs)}
	for range slabs {
		u.free <- &slab{}
	}
	return crew[*slab]{
		produce: func(ctx context.Context, emit func(*slab) error) error {
			u.ctx, u.emit = ctx, emit
			defer func() {
				if u.slab != nil {
					u.drop(u.slab)
				}
			}()
			return u.read(&meter{r: plain, left: x.bounds.stream(), exceeded: func() error { return x.bounds.tooManyBytes(x.archive) }})
		},
		worker: func(ctx context.Context) func(*slab) error {
			return func(s *slab) error { return s.write(ctx) }
		},
		drop:  u.drop,
		queue: slabs,
	}.run(ctx)
}

// write writes the files of a slab.
func (s *slab) write(ctx context.Context) error {
	for _, f := range s.files {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := f.place.write(f.data, f.mode, f.mtime); err != nil {
			return err
		}
	}
	return nil
}

// drop makes a slab ready for use again.
func (u *untar) drop(s *slab) {
	for _, f := range s.files {
		f.place.dir.release()
	}
	s.files, s.used = s.files[:0], 0
	u.free <- s
}

// read parses the whole tar.
func (u *untar) read(m *meter) error {
	u.tar = tar.NewReader(m)
	for {
		if err := u.ctx.Err(); err != nil {
			return failure.At(err)
		}
		at := m.read
		header, err := u.tar.Next()
		if err == io.EOF {
			if m.zeros < tarBlock || m.read < (at+tarBlock-1)/tarBlock*tarBlock+tarBlock {
				return errors.New("the end-of-archive mark is missing")
			}
			break
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) { // names are checked here
			return err
		}
		if err := u.entry(header); err != nil {
			return err
		}
	}
	if err := u.flush(); err != nil {
		return err
	}
	// What follows the mark is padding, but the checksums of the compression
	// come after it.
	_, err := io.Copy(io.Discard, m)
	return err
}

// entry handles one member.
func (u *untar) entry(h *tar.Header) error {
	mode := fs.FileMode(h.Mode) & fs.ModePerm
	switch h.Typeflag {
	case tar.TypeReg, '\x00', tar.TypeCont, tar.TypeGNUSparse:
		return u.file(h, mode)
	case tar.TypeDir:
		return u.addDir(h.Name, mode, h.ModTime)
	case tar.TypeSymlink:
		return u.addLink(h.Name, h.Linkname, h.ModTime)
	case tar.TypeLink:
		return u.addHardLink(h.Name, h.Linkname, h.ModTime)
	case tar.TypeXGlobalHeader:
		return nil
	case tar.TypeChar, tar.TypeBlock, tar.TypeFifo:
		return u.outline.unsafe(h.Name, "is a device or a pipe")
	}
	return u.outline.corrupt(h.Name, "holds %q, an entry of the unknown type %q", h.Name, h.Typeflag)
}

// file takes a regular file: a small one into a slab, a big one straight to
// the disk.
func (u *untar) file(h *tar.Header, mode fs.FileMode) error {
	place, err := u.addFile(h.Name, h.Size)
	if err != nil {
		return err
	}
	if h.Size > smallFile {
		defer place.dir.release()
		if u.copy == nil {
			u.copy = make([]byte, blockSize)
		}
		return place.copy(contextReader{u.ctx, u.tar}, h.Size, u.copy, mode, h.ModTime)
	}
	s, err := u.room(int(h.Size))
	if err != nil {
		place.dir.release()
		return err
	}
	data := s.bytes[s.used : s.used+int(h.Size)]
	if _, err := io.ReadFull(u.tar, data); err != nil {
		place.dir.release()
		return unexpected(err)
	}
	s.used += len(data)
	s.files = append(s.files, slabFile{place, data, mode, h.ModTime})
	return nil
}

// room gives the slab that has room for one more file of that size.
func (u *untar) room(size int) (*slab, error) {
	if s := u.slab; s != nil && (len(s.files) == slabFiles || s.used+size > len(s.bytes)) {
		if err := u.flush(); err != nil {
			return nil, err
		}
	}
	if u.slab == nil {
		select {
		case u.slab = <-u.free:
		case <-u.ctx.Done():
			return nil, failure.At(u.ctx.Err())
		}
		if u.slab.bytes == nil {
			u.slab.bytes = make([]byte, slabBytes)
		}
	}
	return u.slab, nil
}

// flush hands the slab to the workers.
func (u *untar) flush() error {
	if u.slab == nil {
		return nil
	}
	full := u.slab
	u.slab = nil
	return u.emit(full)
}

// unexpected is io.EOF in the middle of things.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// meter counts what is read and ends it at a bound.
type meter struct {
	r          io.Reader
	read, left int64
	zeros      int // at the end of what was read, counted up to a block
	exceeded   func() error
}

func (m *meter) Read(p []byte) (int, error) {
	if m.left <= 0 {
		return 0, m.exceeded()
	}
	n, err := m.r.Read(p[:min(int64(len(p)), m.left)])
	m.read += int64(n)
	m.left -= int64(n)
	m.countZeros(p[:n])
	return n, err
}

func (m *meter) countZeros(p []byte) {
	tail := p[max(0, len(p)-tarBlock):]
	last := bytes.LastIndexFunc(tail, func(r rune) bool { return r != 0 })
	if last >= 0 {
		m.zeros = 0
	}
	m.zeros = min(m.zeros+len(tail)-1-last, tarBlock)
}
