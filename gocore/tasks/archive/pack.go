package archive

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"os"
	"sync/atomic"

	"github.com/gostitch/gostitch/gocore/tasks/internal/failure"
	"github.com/gostitch/gostitch/gocore/tasks/internal/ignore"
)

// Compression is how an archive is compressed.
type Compression string

// What an archive can be compressed with.
const (
	Zstd         Compression = "zstd" // the default
	Gzip         Compression = "gzip"
	Uncompressed Compression = "none"
)

// PackOptions says what to pack, where to and how.
type PackOptions struct {
	// Root is the directory, or the single file, to pack. A symbolic link here
	// is followed; links inside the tree are packed as links.
	Root string `gostitch:"root,path"`
	// Archive is the file to write. Its directory must exist; a file of this
	// name is replaced, but only once the new one is complete.
	Archive string `gostitch:"archive,path"`
	// Compression is "zstd" (the default), "gzip" or "none".
	Compression Compression `gostitch:"compression,default=zstd"`
	// Level is the compression level: 1 to 22 for zstd (3 if None), 1 to 9 for
	// gzip (6 if None). Levels 1-2, 3-5, 6-9 and 10-22 of zstd are one each.
	Level *int `gostitch:"level,default=None"`
	// Ignore holds patterns of entries to leave out, in the manner of
	// .gitignore: "*.pyc" at any depth, "/build" only at the top, "cache/" only
	// directories, "docs/**/*.html". There is no negation.
	Ignore []string `gostitch:"ignore,default="`
}

// PackResult describes the archive that was written.
//
//gostitch:name PackResult
type PackResult struct {
	// Digest is the SHA-256 of the archive file: 64 lower-case hexadecimal
	// digits.
	Digest string `gostitch:"digest"`
	// Files is the number of regular files packed, counting every name of a
	// file with hard links. Directories and symbolic links do not count.
	Files int64 `gostitch:"files"`
	// BytesIn is the sum of the sizes of the files whose content was stored.
	BytesIn int64 `gostitch:"bytes_in"`
	// BytesOut is the size of the archive file.
	BytesOut int64 `gostitch:"bytes_out"`
}

// Pack writes a directory tree to one compressed tar file, on all cores. The
// same tree gives the same bytes, whatever the number of cores: entries are
// sorted and owners left out. Permission bits, modification times, symbolic
// links, hard links and empty directories are kept. The archive appears under
// its name only when it is complete and on disk; after an error or a
// cancellation nothing is left.
//
// Errors: a wrong compression, level or ignore pattern, or an archive inside
// the tree being packed, is an invalid argument; a missing or unreadable file
// is the error of the operating system with its path; a pipe, socket or device
// in the tree is refused as unsafe; a file that changes while it is read is a
// data error.
//
//gostitch:long
func Pack(ctx context.Context, o PackOptions) (PackResult, error) {
	codec, err := compressorFor(o.Compression, o.Level)
	if err != nil {
		return PackResult{}, err
	}
	skip, err := ignore.Compile(o.Ignore)
	if err != nil {
		return PackResult{}, err
	}
	info, err := statRoot(o.Root)
	if err != nil {
		return PackResult{}, err
	}
	if err := checkTarget(o, info, skip); err != nil {
		return PackResult{}, err
	}
	if err := ctx.Err(); err != nil {
		return PackResult{}, failure.At(err)
	}
	out, err := createPending(o.Archive)
	if err != nil {
		return PackResult{}, err
	}
	defer out.discard()
	p := &packer{root: o.Root, skip: skip, sink: &sink{ctx: ctx, out: out, sum: sha256.New()}}
	if err := p.run(ctx, info, codec); err != nil {
		return PackResult{}, settle(ctx, err)
	}
	if err := ctx.Err(); err != nil {
		return PackResult{}, failure.At(err)
	}
	if err := out.commit(); err != nil {
		return PackResult{}, err
	}
	return p.result(), nil
}

// packer is the state of one run of Pack.
type packer struct {
	root string
	skip *ignore.Matcher
	sink *sink

	files, bytes int64
}

func (p *packer) result() PackResult {
	return PackResult{
		Digest:   hex.EncodeToString(p.sink.sum.Sum(nil)),
		Files:    p.files,
		BytesIn:  p.bytes,
		BytesOut: p.sink.size,
	}
}

// run streams the tree through the compressor into the sink.
func (p *packer) run(ctx context.Context, info os.FileInfo, c compressor) error {
	z, err := c.open(p.sink)
	if err != nil {
		return failure.At(err)
	}
	err = p.stream(ctx, info, z)
	// Close also ends the compressor's goroutines, so it runs after errors too.
	if closed := z.Close(); err == nil {
		err = closed
	}
	if failed := p.sink.failed(); failed != nil {
		return failed
	}
	return err
}

// sink is the end of the pipeline: it writes, digests and counts. To the
// compressor, which calls it from a goroutine of its own, it never shows an
// error: not every compressor ends its goroutines after one. Whoever feeds
// the compressor asks the sink instead.
type sink struct {
	ctx  context.Context
	out  *pending
	sum  hash.Hash
	size int64
	err  atomic.Pointer[error]
}

func (s *sink) Write(b []byte) (int, error) {
	if s.err.Load() != nil {
		return len(b), nil
	}
	err := s.ctx.Err()
	if err == nil {
		_, err = s.out.file.Write(b)
	}
	if err != nil {
		err = atPath(s.out.path, err)
		s.err.Store(&err)
		return len(b), nil
	}
	s.sum.Write(b)
	s.size += int64(len(b))
	return len(b), nil
}

func (s *sink) failed() error {
	if err := s.err.Load(); err != nil {
		return *err
	}
	return nil
}
