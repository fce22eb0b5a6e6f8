package archive

import (
	"archive/zip"
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"sync"

	"github.com/klauspost/compress/flate"

	"github.com/gostitch/gostitch/gocore/tasks/internal/failure"
)

// zipFile is a file to be written by a worker.
type zipFile struct {
	place place
	file  *zip.File
}

// runZip checks the whole directory of the zip first, since a zip has it in
// one place, and then lets workers decompress files. It returns when all of
// them have ended.
func (x *extraction) runZip(ctx context.Context, s *source) error {
	z, err := zip.NewReader(s.file, s.size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // names are checked here
		return err
	}
	z.RegisterDecompressor(zip.Deflate, inflate)
	return crew[zipFile]{
		produce: func(ctx context.Context, emit func(zipFile) error) error {
			for _, f := range z.File {
				if err := ctx.Err(); err != nil {
					return err
				}
				if err := x.zipEntry(f, emit); err != nil {
					return err
				}
			}
			return nil
		},
		worker: func(ctx context.Context) func(zipFile) error {
			buffer := make([]byte, 128<<10)
			return func(job zipFile) error { return writeZipFile(ctx, job, buffer) }
		},
		drop:  func(job zipFile) { job.place.dir.release() },
		queue: 64,
	}.run(ctx)
}

func writeZipFile(ctx context.Context, job zipFile, buffer []byte) error {
	r, err := job.file.Open()
	if err != nil {
		return zipError(job, err)
	}
	defer r.Close()
	size := int64(job.file.UncompressedSize64)
	err = job.place.copy(contextReader{ctx, r}, size, buffer, zipMode(job.file), job.file.Modified)
	if err != nil {
		return zipError(job, err)
	}
	return nil
}

// zipError names the entry whose content is corrupt.
func zipError(job zipFile, err error) error {
	var known *failure.Error
	var system *fs.PathError
	if errors.As(err, &known) || errors.As(err, &system) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return failure.Data(job.place.x.archive, "%s: entry %q is corrupt: %w", job.place.x.archive, job.place.entry, err).
		With("entry", job.place.entry)
}

// zipEntry handles one member.
func (x *extraction) zipEntry(f *zip.File, emit func(zipFile) error) error {
	if f.Flags&1 != 0 {
		return x.outline.corrupt(f.Name, "holds %q, which is encrypted", f.Name)
	}
	switch mode := f.Mode(); {
	case mode.IsDir():
		return x.addDir(f.Name, zipMode(f), f.Modified)
	case mode&fs.ModeSymlink != 0:
		target, err := zipTarget(f)
		if err != nil {
			return err
		}
		return x.addLink(f.Name, target, f.Modified)
	case !mode.IsRegular():
		return x.outline.unsafe(f.Name, "is a device, a pipe or a socket")
	}
	if f.UncompressedSize64 > 1<<62 {
		return x.bounds.tooManyBytes(x.archive)
	}
	place, err := x.addFile(f.Name, int64(f.UncompressedSize64))
	if err != nil {
		return err
	}
	return emit(zipFile{place, f})
}

// zipTarget reads a symbolic link: its content is the target.
func zipTarget(f *zip.File) (string, error) {
	r, err := f.Open()
	if err != nil {
		return "", err
	}
	defer r.Close()
	target, err := io.ReadAll(io.LimitReader(r, maxPath+1))
	return string(target), err
}

// zipMode gives the permission bits. Zips made on Windows record none, and
// some tools write zeros.
func zipMode(f *zip.File) fs.FileMode {
	const unix, macos = 3, 19
	creator := f.CreatorVersion >> 8
	mode := f.Mode().Perm()
	if (creator == unix || creator == macos) && mode != 0 {
		return mode
	}
	if f.Mode().IsDir() {
		return impliedDirMode
	}
	return impliedFileMode
}

var inflaters = sync.Pool{New: func() any {
	buffer := bufio.NewReaderSize(nil, 64<<10)
	return &inflater{buffer, flate.NewReader(buffer)}
}}

// inflater decompresses one file. It is used again for another: making a new
// one costs more than a small file does.
type inflater struct {
	buffer *bufio.Reader
	io.ReadCloser
}

// inflate gives a decompressor from the pool, and Close takes it back.
func inflate(r io.Reader) io.ReadCloser {
	i := inflaters.Get().(*inflater)
	i.buffer.Reset(r)
	// Reset fails only with a dictionary, and there is none.
	_ = i.ReadCloser.(flate.Resetter).Reset(i.buffer, nil)
	return &lease{i}
}

// lease is an inflater until it is closed, which may happen twice.
type lease struct{ *inflater }

func (l *lease) Read(p []byte) (int, error) {
	if l.inflater == nil {
		return 0, fs.ErrClosed
	}
	return l.inflater.Read(p)
}

func (l *lease) Close() error {
	if l.inflater == nil {
		return nil
	}
	l.buffer.Reset(nil) // or the pool would keep the archive open
	inflaters.Put(l.inflater)
	l.inflater = nil
	return nil
}
