package archive

import (
	"context"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gostitch/gostitch/gocore/tasks/internal/failure"
)

// Modes of what an archive does not give a mode.
const (
	impliedDirMode  = fs.FileMode(0o755)
	impliedFileMode = fs.FileMode(0o644)
)

// extraction builds the tree of one archive. One goroutine reads the archive
// and calls the methods that add entries; files are written by others.
//
// Links are made when all files are written and all links have been checked:
// while files are written there is no link that could lead one astray.
type extraction struct {
	archive string
	dest    string // for messages
	bounds  *bounds
	root    *os.Root
	dirs    *dirs // of root
	outline *outline

	links []string // symbolic links, in the order of the archive
	hard  [][2]string
	files int64
}

// newExtraction must be followed by close.
func newExtraction(archive string, b *bounds, s *stage) (*extraction, error) {
	d, err := openDirs(s.root)
	if err != nil {
		return nil, failure.At(err)
	}
	return &extraction{archive: archive, dest: s.dest, bounds: b, root: s.root, dirs: d, outline: newOutline(archive, b)}, nil
}

func (x *extraction) close() { x.dirs.close() }

// addDir adds a directory entry.
func (x *extraction) addDir(entry string, mode fs.FileMode, mtime time.Time) error {
	name, err := x.outline.clean(entry)
	if err != nil || name == "" {
		return err // the root's own entry sets nothing: dest is the caller's
	}
	_, known := x.outline.nodes[name]
	missing, err := x.outline.add(name, entry, &node{kind: nodeDir, explicit: true, mode: mode & fs.ModePerm, mtime: mtime})
	if err != nil {
		return err
	}
	if !known {
		missing = append(missing, name)
	}
	return x.makeDirs(missing)
}

func (x *extraction) makeDirs(names []string) error {
	for _, name := range names {
		if err := x.makeDir(name); err != nil {
			return x.writeError("mkdir", name, err)
		}
	}
	return nil
}

func (x *extraction) makeDir(name string) error {
	dir, base, err := x.dirs.parentOf(name)
	if err != nil {
		return err
	}
	defer dir.release()
	// Writable for now, whatever mode it gets in the end.
	return unix.Mkdirat(dir.fd, base, 0o700)
}

// addLink adds a symbolic link.
func (x *extraction) addLink(entry, target string, mtime time.Time) error {
	name, err := x.fileName(entry)
	if err != nil {
		return err
	}
	if err := x.outline.checkTarget(entry, target); err != nil {
		return err
	}
	missing, err := x.outline.add(name, entry, &node{kind: nodeLink, target: target, mtime: mtime})
	if err != nil {
		return err
	}
	x.links = append(x.links, name)
	return x.makeDirs(missing)
}

// addHardLink adds another name of a file that came before. Another name of a
// symbolic link becomes a link with the same target.
func (x *extraction) addHardLink(entry, target string, mtime time.Time) error {
	name, err := x.fileName(entry)
	if err != nil {
		return err
	}
	old, err := x.outline.clean(target)
	if err != nil {
		return x.outline.unsafe(entry, "is a hard link to %q, which is not a safe name", target)
	}
	n := x.outline.nodes[old]
	switch {
	case n == nil || n.kind == nodeDir:
		return x.outline.corrupt(entry, "holds the hard link %q to %q, which is not a file that came before", entry, target)
	case n.kind == nodeLink:
		return x.addLink(entry, n.target, mtime)
	}
	missing, err := x.outline.add(name, entry, &node{kind: nodeFile})
	if err != nil {
		return err
	}
	x.files++
	x.hard = append(x.hard, [2]string{old, name})
	return x.makeDirs(missing)
}

// addFile adds a regular file of that size, and says where to write it. The
// place must be released.
func (x *extraction) addFile(entry string, size int64) (place, error) {
	name, err := x.fileName(entry)
	if err != nil {
		return place{}, err
	}
	if err := x.bounds.take(x.archive, size); err != nil {
		return place{}, err
	}
	missing, err := x.outline.add(name, entry, &node{kind: nodeFile})
	if err != nil {
		return place{}, err
	}
	if err := x.makeDirs(missing); err != nil {
		return place{}, err
	}
	x.files++
	dir, base, err := x.dirs.parentOf(name)
	if err != nil {
		return place{}, x.writeError("open", parent(name), err)
	}
	return place{x: x, dir: dir, base: base, entry: entry}, nil
}

// fileName is clean for what is not a directory.
func (x *extraction) fileName(entry string) (string, error) {
	name, err := x.outline.clean(entry)
	if err == nil && name == "" {
		err = x.outline.corrupt(entry, "holds the entry %q, which is not a directory", entry)
	}
	return name, err
}

// finishLinks makes the links, after all files are written.
func (x *extraction) finishLinks(ctx context.Context) error {
	if err := x.outline.checkLinks(ctx, x.links); err != nil {
		return err
	}
	for _, h := range x.hard {
		if err := ctx.Err(); err != nil {
			return failure.At(err)
		}
		if err := x.root.Link(h[0], h[1]); err != nil {
			return x.writeError("link", h[1], err)
		}
	}
	for _, name := range x.links {
		if err := ctx.Err(); err != nil {
			return failure.At(err)
		}
		if err := x.makeLink(name); err != nil {
			return x.writeError("symlink", name, err)
		}
	}
	return nil
}

func (x *extraction) makeLink(name string) error {
	dir, base, err := x.dirs.parentOf(name)
	if err != nil {
		return err
	}
	defer dir.release()
	n := x.outline.nodes[name]
	if err := unix.Symlinkat(n.target, dir.fd, base); err != nil {
		return err
	}
	return setTime(dir.fd, base, n.mtime)
}

// finishDirs gives the chosen directories below root their modes and times,
// the deepest first.
func (x *extraction) finishDirs(ctx context.Context, root *os.Root, chosen func(name string) bool) error {
	var names []string
	for name, n := range x.outline.nodes {
		if n.kind == nodeDir && name != "" && chosen(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	d, err := openDirs(root)
	if err != nil {
		return failure.At(err)
	}
	defer d.close()
	for _, name := range slices.Backward(names) {
		if err := ctx.Err(); err != nil {
			return failure.At(err)
		}
		if err := finishDir(d, name, x.outline.nodes[name]); err != nil {
			return x.writeError("chmod", name, err)
		}
	}
	return nil
}

func finishDir(d *dirs, name string, n *node) error {
	dir, err := d.at(name)
	if err != nil {
		return err
	}
	defer dir.release()
	if n.explicit {
		if err := setTime(dir.fd, ".", n.mtime); err != nil {
			return err
		}
	}
	return unix.Fchmod(dir.fd, uint32(n.mode&fs.ModePerm))
}

// top lists what lies directly in the destination.
func (o *outline) top() []string {
	var names []string
	for name := range o.nodes {
		if name != "" && !strings.Contains(name, "/") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
