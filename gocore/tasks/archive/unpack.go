package archive

import (
	"context"
	"os"

	"github.com/gostitch/gostitch/gocore/tasks/internal/failure"
)

// The bounds that hold where the caller gives none. They let through what
// compresses as well as logs and source do, and stop what was made to explode.
const (
	defaultRatio    = 200
	defaultMinBytes = 1 << 30
	defaultMaxBytes = 64 << 30
	defaultMaxFiles = 1_000_000
)

// UnpackOptions says what to unpack, where to and how much of it to accept.
type UnpackOptions struct {
	// Archive is the file to unpack: tar, plain or compressed with zstd or
	// gzip, or zip (so also a wheel). Its content decides, not its name.
	Archive string `gostitch:"archive,path"`
	// Dest is the directory to unpack into. It is made, with its parents, if it
	// does not exist, and must be empty if it does.
	Dest string `gostitch:"dest,path"`
	// MaxBytes bounds the sum of the sizes of the files unpacked, in bytes. If
	// None: 200 times the size of the archive, but at least 1 GiB and at most
	// 64 GiB.
	MaxBytes *int64 `gostitch:"max_bytes,default=None"`
	// MaxFiles bounds the number of files, links and directories. If None:
	// 1,000,000.
	MaxFiles *int64 `gostitch:"max_files,default=None"`
}

// UnpackResult says how much was unpacked.
//
//gostitch:name UnpackResult
type UnpackResult struct {
	// Files is the number of regular files in dest, counting every name of a
	// file with hard links. Directories and symbolic links do not count.
	Files int64 `gostitch:"files"`
	// Bytes is the sum of the sizes of the files whose content was written.
	Bytes int64 `gostitch:"bytes"`
}

// Unpack extracts a tar, tar.zst, tar.gz or zip archive into a new or empty
// directory, on all cores. Permission bits (but not set-uid, set-gid and
// sticky), modification times, symbolic links and hard links are kept; owners
// are not. Either all of the archive appears in dest or nothing: after an
// error or a cancellation dest is as it was.
//
// Errors: a dest that is not empty is an invalid argument; a missing or
// unreadable archive is the error of the operating system with its path; a
// corrupt or truncated archive, and one that holds a name twice, is a data
// error; an absolute name, a name with "..", a link that leads out of dest, an
// entry below a symbolic link, and a device or pipe are refused as unsafe;
// more than max_bytes or max_files is a limit error.
//
//gostitch:long
func Unpack(ctx context.Context, o UnpackOptions) (UnpackResult, error) {
	source, err := openSource(o.Archive)
	if err != nil {
		return UnpackResult{}, err
	}
	defer source.file.Close()
	bounds, err := boundsFor(o, source.size)
	if err != nil {
		return UnpackResult{}, err
	}
	if err := checkPath("dest", o.Dest); err != nil {
		return UnpackResult{}, err
	}
	if err := ctx.Err(); err != nil {
		return UnpackResult{}, failure.At(err)
	}
	stage, err := openStage(o.Dest)
	if err != nil {
		return UnpackResult{}, err
	}
	defer stage.discard()
	x, err := newExtraction(o.Archive, bounds, stage)
	if err != nil {
		return UnpackResult{}, err
	}
	defer x.close()
	if err := x.run(ctx, source); err != nil {
		return UnpackResult{}, settle(ctx, err)
	}
	if err := stage.commit(ctx, x); err != nil {
		return UnpackResult{}, settle(ctx, err)
	}
	return UnpackResult{Files: x.files, Bytes: x.bounds.used}, nil
}

// bounds is what an archive may expand to, and how far it has come.
type bounds struct {
	bytes, files       int64
	ownBytes, ownFiles bool // set by the caller, not by default
	used               int64
}

func boundsFor(o UnpackOptions, size int64) (*bounds, error) {
	b := &bounds{
		bytes: min(max(defaultRatio*min(size, defaultMaxBytes), defaultMinBytes), defaultMaxBytes),
		files: defaultMaxFiles,
	}
	if o.MaxBytes != nil {
		if *o.MaxBytes < 0 {
			return nil, failure.Argument("max_bytes", "must not be negative, got %d", *o.MaxBytes)
		}
		b.bytes, b.ownBytes = *o.MaxBytes, true
	}
	if o.MaxFiles != nil {
		if *o.MaxFiles < 0 {
			return nil, failure.Argument("max_files", "must not be negative, got %d", *o.MaxFiles)
		}
		b.files, b.ownFiles = *o.MaxFiles, true
	}
	return b, nil
}

// take accounts for a file before any of it is written.
func (b *bounds) take(archive string, size int64) error {
	if size > b.bytes-b.used {
		return b.tooManyBytes(archive)
	}
	b.used += size
	return nil
}

func (b *bounds) tooManyBytes(archive string) error {
	return failure.Limit("max_bytes", "%s expands to more than %d bytes%s", archive, b.bytes, hint(b.ownBytes, "max_bytes"))
}

func (b *bounds) tooManyFiles(archive string) error {
	return failure.Limit("max_files", "%s holds more than %d files, links and directories%s", archive, b.files, hint(b.ownFiles, "max_files"))
}

func hint(own bool, argument string) string {
	if own {
		return ""
	}
	return " (the default bound; give " + argument + " to allow more)"
}

// stream bounds the tar itself, padding and headers included: more than this
// is not needed for the files and bytes that are allowed.
func (b *bounds) stream() int64 {
	const perEntry, slack = 4 << 10, 16 << 20
	const most = 1 << 60
	return min(b.bytes, most) + min(b.files, most/perEntry)*perEntry + slack
}

// source is an open archive file.
type source struct {
	path string
	file *os.File
	size int64
}

func openSource(path string) (*source, error) {
	if err := checkPath("archive", path); err != nil {
		return nil, err
	}
	// A look before opening: to open a pipe would block.
	info, err := os.Stat(path)
	if err != nil {
		return nil, failure.At(err)
	}
	if info.IsDir() {
		return nil, failure.Argument("archive", "%s is a directory", path)
	}
	if !info.Mode().IsRegular() {
		return nil, failure.Argument("archive", "%s is %s, not a regular file", path, describe(info.Mode()))
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, failure.At(err)
	}
	return &source{path: path, file: file, size: info.Size()}, nil
}
