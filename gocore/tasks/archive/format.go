package archive

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"

	"github.com/klauspost/compress/zstd"
	"github.com/klauspost/pgzip"

	"github.com/gostitch/gostitch/gocore/tasks/internal/failure"
)

// maxWindow is the most memory a zstd archive can make its reader use: that
// of zstd --ultra -22.
const maxWindow = 128 << 20

// run finds out what kind of archive it is, and extracts it.
func (x *extraction) run(ctx context.Context, s *source) error {
	var magic [6]byte
	n, err := s.file.ReadAt(magic[:], 0)
	if err != nil && err != io.EOF {
		return failure.At(err)
	}
	head := magic[:n]
	if len(head) == 0 {
		return failure.Data(s.path, "%s is empty, so it is no archive", s.path)
	}
	if bytes.HasPrefix(head, []byte("PK\x03\x04")) || bytes.HasPrefix(head, []byte("PK\x05\x06")) {
		err = x.runZip(ctx, s)
	} else {
		err = x.runTar(ctx, s, head)
	}
	if err != nil {
		return x.readError(ctx, err)
	}
	return x.finishLinks(ctx)
}

// decompressed opens the tar in the file, by the first bytes of it.
func decompressed(head []byte, r io.Reader) (io.ReadCloser, error) {
	switch {
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}), isSkippable(head):
		z, err := zstd.NewReader(r, zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, err
		}
		return z.IOReadCloser(), nil
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return pgzip.NewReaderN(bufio.NewReaderSize(r, 256<<10), 256<<10, 8)
	case bytes.HasPrefix(head, []byte("BZh")), bytes.HasPrefix(head, []byte("\xfd7zXZ\x00")):
		return nil, errors.New("it is compressed with bzip2 or xz, which is not supported: only zstd, gzip, plain tar and zip are")
	}
	return io.NopCloser(bufio.NewReaderSize(r, 256<<10)), nil
}

// isSkippable tells a zstd frame that holds no data, with which some tools
// begin their files.
func isSkippable(head []byte) bool {
	return len(head) >= 4 && head[0]&0xf0 == 0x50 && bytes.Equal(head[1:4], []byte{0x2a, 0x4d, 0x18})
}

// readError tells apart what may go wrong while an archive is read: the
// caller gave up, the system failed, or else the archive is to blame.
func (x *extraction) readError(ctx context.Context, err error) error {
	var known *failure.Error
	var system *fs.PathError
	switch {
	case ctx.Err() != nil:
		return failure.At(ctx.Err())
	case errors.As(err, &known):
		return err
	case errors.As(err, &system):
		return failure.At(err)
	}
	return failure.Data(x.archive, "%s is corrupt, truncated or not an archive: %w", x.archive, err)
}
