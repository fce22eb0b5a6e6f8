package hashtree

import (
	"errors"
	"fmt"
	"hash"
	"io/fs"

	"golang.org/x/sys/unix"

	"github.com/gostitch/gostitch/gocore/tasks/internal/failure"
)

// bufferSize holds most source files whole, so that they take one read, and
// is small enough to stay in a core's cache while it is hashed.
const bufferSize = 256 << 10

// buffer is what one worker reuses for all its files.
type buffer struct {
	bytes  []byte
	state  hash.Hash
	target []byte
}

func newBuffer(a algorithm) *buffer {
	return &buffer{bytes: make([]byte, bufferSize), state: a.fresh(), target: make([]byte, 4096)}
}

// hashFile fills in the mode and payload of one regular file, opened as name
// in the directory dir; path is for messages. The flag noFollow keeps a name
// that has become a link since the listing from leading out of the tree.
func (w *walk) hashFile(b *buffer, dir int, name, path string, noFollow int, e *entry) error {
	// O_NONBLOCK: a pipe that took the file's place must not block the open.
	fd, err := retry(func() (int, error) {
		return unix.Openat(dir, name, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK|noFollow, 0)
	})
	if errors.Is(err, unix.ELOOP) && noFollow != 0 {
		return changed(path, "it is a symbolic link now")
	}
	if err != nil {
		return readError("open", path, err)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return readError("stat", path, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return changed(path, "it is no longer a regular file")
	}
	e.mode = uint32(st.Mode) & permissionBits
	if err := w.hashContent(b, fd, path, st.Size, e); err != nil {
		return err
	}
	w.files.Add(1)
	w.bytes.Add(st.Size)
	return nil
}

// hashContent reads exactly size bytes. A read that comes back short of the
// buffer has seen the end of the file, which saves small files a second read.
func (w *walk) hashContent(b *buffer, fd int, path string, size int64, e *entry) error {
	streaming := false
	var total int64
	for {
		n, err := retry(func() (int, error) { return unix.Read(fd, b.bytes) })
		if err != nil {
			return readError("read", path, err)
		}
		total += int64(n)
		if total > size || (n == 0 && total < size) {
			return changed(path, fmt.Sprintf("its size was %d bytes, then %d were read", size, total))
		}
		if !streaming && total == size && n < len(b.bytes) {
			e.payload = w.algorithm.whole(b.bytes[:n])
			return nil
		}
		if !streaming {
			b.state.Reset()
			streaming = true
		}
		b.state.Write(b.bytes[:n])
		if total == size && n < len(b.bytes) {
			b.state.Sum(e.payload[:0])
			return nil
		}
		if err := w.ctx.Err(); err != nil {
			return failure.At(err)
		}
	}
}

// hashLink fills in the payload of a symbolic link.
func (w *walk) hashLink(b *buffer, dir int, path string, e *entry) error {
	for {
		n, err := retry(func() (int, error) { return unix.Readlinkat(dir, e.name, b.target) })
		if err != nil {
			return readError("readlink", path, err)
		}
		if n < len(b.target) {
			e.payload = w.algorithm.whole(b.target[:n])
			return nil
		}
		b.target = make([]byte, 2*len(b.target))
	}
}

// readError keeps the system's error with its path, and says so where the
// entry was there a moment ago.
func readError(op, path string, err error) error {
	var cause error = &fs.PathError{Op: op, Path: path, Err: err}
	if errors.Is(err, unix.ENOENT) {
		cause = fmt.Errorf("%w (it was removed while the tree was being read)", cause)
	}
	return failure.At(cause)
}

func changed(path, how string) error {
	return failure.Data(path, "%s changed while it was being hashed: %s", path, how)
}

// retry repeats a system call that a signal interrupted, which the Go runtime
// sends to preempt goroutines.
func retry(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if err != unix.EINTR {
			return n, err
		}
	}
}
