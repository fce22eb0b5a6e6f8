// Package archive packs a directory tree into one file and unpacks it again.
//
// Pack writes tar, compressed with zstd or gzip on all cores, and gives the
// same bytes for the same tree whatever the number of cores. Unpack reads
// such files, any other tar, and zip (so wheels too), and treats every archive
// as hostile: nothing it holds can be written, or point, outside of the
// destination, and it cannot fill the disk.
//
// The package knows nothing of where archives come from or go to. It runs on
// Unix systems.
//
// # What an archive made by Pack holds
//
//   - Every file, directory (also an empty one) and symbolic link below the
//     root, named relative to it without a leading "./"; the root directory
//     itself has no entry. A root that is a single file gives one entry of its
//     own name.
//   - Entries in depth-first order, the names in one directory ascending by
//     their raw bytes, a directory before what is in it.
//   - All permission bits (0o7777), and modification times to the nanosecond.
//     Names of one file (hard links) after the first become hard link entries.
//   - No owners: user and group are 0 with empty names, so that the bytes do
//     not depend on who packs. No access times, extended attributes or holes.
//
// The tar is byte for byte what Python's tarfile (3.10 or later, in UTF-8
// mode) writes in PAX_FORMAT if each entry has uid = gid = 0, uname = gname =
// "", mtime the whole seconds (rounded down), and pax_headers holding "mtime",
// in seconds without trailing zeros, only where the time has a fraction.
// It is padded with zeros to a multiple of 10240 bytes. The compressed stream
// is a single zstd frame, or a single gzip member without name and time; its
// bytes, unlike those of the tar, may change with the version of the
// compression library.
//
// # What Unpack keeps
//
// Contents, permission bits without set-uid, set-gid and sticky, modification
// times, symbolic links and hard links. It keeps no owners: what it writes
// belongs to the caller. Modes do not depend on the umask: an entry that
// records none (a zip made on Windows, a directory that only occurs in the
// names of others) gets 0o644, or 0o755 for a directory. The destination
// itself, if it is made, follows the umask.
package archive

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/gostitch/gostitch/gocore/tasks/internal/failure"
)

// blockSize is how much is read or written between two looks at the context.
const blockSize = 1 << 20

// checkPath refuses what can never be a path.
func checkPath(argument, path string) error {
	if path == "" {
		return failure.Argument(argument, "must not be empty")
	}
	if strings.ContainsRune(path, 0) {
		return failure.Argument(argument, "must not hold a NUL character")
	}
	return nil
}

// contextReader makes a long read end when the context does.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// settle decides which error the caller sees: once the context is done, that
// is the reason for whatever else went wrong.
func settle(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if cause := ctx.Err(); cause != nil && !errors.Is(err, cause) {
		return failure.At(cause)
	}
	return failure.At(err)
}
