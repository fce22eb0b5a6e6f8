package archive

import (
	"os"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// dirs opens directories of a tree one component at a time, each relative to
// its parent and without following links, and keeps the way to the last one
// open: archives list what lies together, so the next directory is rarely more
// than one system call away. (os.Root walks all components each time, which
// costs more than the files in them.)
//
// It is for one goroutine; the handles it gives are for any.
type dirs struct {
	way []*dirHandle // from the root to the last directory asked for
}

// dirHandle is an open directory, shared by the files being written to it.
type dirHandle struct {
	name string // relative to the root, which is ""
	fd   int
	refs atomic.Int32
}

func (d *dirHandle) release() {
	if d.refs.Add(-1) == 0 {
		unix.Close(d.fd)
	}
}

// maxWay bounds the descriptors that one deep path takes.
const maxWay = 64

const openDir = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC

// openDirs opens the directory that names are relative to.
func openDirs(root *os.Root) (*dirs, error) {
	at, err := root.Open(".")
	if err != nil {
		return nil, err
	}
	defer at.Close()
	d := &dirs{}
	return d, d.enter(int(at.Fd()), ".", "")
}

// at gives the handle of a directory; it must be released.
func (d *dirs) at(name string) (*dirHandle, error) {
	for len(d.way) > 1 && !below(name, d.last().name) {
		d.leave()
	}
	for d.last().name != name {
		last := d.last()
		rest := strings.TrimPrefix(name[len(last.name):], "/")
		base, _, _ := strings.Cut(rest, "/")
		if err := d.enter(last.fd, base, name[:len(name)-len(rest)+len(base)]); err != nil {
			return nil, err
		}
	}
	d.last().refs.Add(1)
	return d.last(), nil
}

// parentOf gives the handle of the directory that holds name, and the name in
// it.
func (d *dirs) parentOf(name string) (*dirHandle, string, error) {
	dir, err := d.at(parent(name))
	return dir, name[strings.LastIndexByte(name, '/')+1:], err
}

// below tells whether name is dir or lies in it.
func below(name, dir string) bool {
	return dir == "" || strings.HasPrefix(name, dir) && (len(name) == len(dir) || name[len(dir)] == '/')
}

func (d *dirs) last() *dirHandle { return d.way[len(d.way)-1] }

func (d *dirs) enter(from int, base, name string) error {
	fd, err := retry(func() (int, error) { return unix.Openat(from, base, openDir, 0) })
	if err != nil {
		return err
	}
	handle := &dirHandle{name: name, fd: fd}
	handle.refs.Store(1)
	d.way = append(d.way, handle)
	if len(d.way) > maxWay {
		d.way[1].release()
		d.way = slices.Delete(d.way, 1, 2)
	}
	return nil
}

func (d *dirs) leave() {
	d.last().release()
	d.way = d.way[:len(d.way)-1]
}

// close gives up the way; handles that others hold stay open until released.
func (d *dirs) close() {
	for len(d.way) > 0 {
		d.leave()
	}
}
