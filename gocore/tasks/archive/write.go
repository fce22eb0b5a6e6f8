package archive

import (
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gostitch/gostitch/gocore/tasks/internal/failure"
)

// place is where a file is to be written.
type place struct {
	x     *extraction
	dir   *dirHandle
	base  string
	entry string
}

// create opens the new file. O_EXCL and O_NOFOLLOW hold even if something
// else has got into the stage.
func (p place) create() (int, error) {
	const flags = unix.O_WRONLY | unix.O_CREAT | unix.O_EXCL | unix.O_NOFOLLOW | unix.O_CLOEXEC
	return retry(func() (int, error) { return unix.Openat(p.dir.fd, p.base, flags, 0o600) })
}

// write makes a file of data, in as few system calls as there can be.
func (p place) write(data []byte, mode fs.FileMode, mtime time.Time) error {
	fd, err := p.create()
	if err != nil {
		return p.failed("create", err)
	}
	_, err = rawFile(fd).Write(data)
	return p.finish(fd, err, mode, mtime)
}

// copy makes a file of what r gives, which must be size bytes. Errors of
// reading come back as they are.
func (p place) copy(r io.Reader, size int64, buffer []byte, mode fs.FileMode, mtime time.Time) error {
	fd, err := p.create()
	if err != nil {
		return p.failed("create", err)
	}
	var n int64
	var unreadable error
	for err == nil && unreadable == nil {
		var got int
		got, unreadable = r.Read(buffer)
		if n += int64(got); n > size {
			unreadable = errors.New("the content is longer than recorded")
			break
		}
		_, err = rawFile(fd).Write(buffer[:got])
	}
	if unreadable == io.EOF && n == size {
		unreadable = nil
	}
	if failed := p.finish(fd, err, mode, mtime); failed != nil {
		return failed
	}
	return unexpected(unreadable)
}

// finish sets mode and time of a file that was written without an error, and
// closes it in any case.
func (p place) finish(fd int, err error, mode fs.FileMode, mtime time.Time) error {
	if err == nil {
		err = unix.Fchmod(fd, uint32(mode&fs.ModePerm))
	}
	if closed := unix.Close(fd); err == nil {
		err = closed
	}
	if err == nil {
		err = setTime(p.dir.fd, p.base, mtime)
	}
	if err != nil {
		return p.failed("write", err)
	}
	return nil
}

// rawFile writes to a descriptor without the bookkeeping of os.File, which
// shows when files are small.
type rawFile int

func (f rawFile) Write(p []byte) (int, error) {
	done := 0
	for done < len(p) {
		n, err := retry(func() (int, error) { return unix.Write(int(f), p[done:]) })
		if err != nil {
			return done, err
		}
		done += n
	}
	return done, nil
}

func (p place) failed(op string, err error) error {
	return p.x.writeError(op, filepath.Join(p.dir.name, p.base), err)
}

// writeError keeps the system's error, with the path where the file would have
// come to lie. Two names of the archive that are one for this file system are
// the archive's fault.
func (x *extraction) writeError(op, name string, err error) error {
	var known *fs.PathError
	if errors.As(err, &known) {
		err = known.Err
	}
	err = unwrapLink(err)
	if errors.Is(err, fs.ErrExist) {
		return failure.Data(x.archive, "%s holds %q twice, as far as this file system can tell: %w", x.archive, name, err).With("entry", name)
	}
	return failure.At(&fs.PathError{Op: op, Path: filepath.Join(x.dest, name), Err: err})
}

// setTime sets the modification time of a name, and the access time, which no
// archive gives, to the same.
func setTime(dir int, name string, mtime time.Time) error {
	if mtime.IsZero() {
		return nil
	}
	t, err := unix.TimeToTimespec(mtime)
	if err != nil {
		return err
	}
	return unix.UtimesNanoAt(dir, name, []unix.Timespec{t, t}, unix.AT_SYMLINK_NOFOLLOW)
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
