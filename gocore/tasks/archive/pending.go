package archive

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/gostitch/gostitch/gocore/tasks/internal/failure"
	"github.com/gostitch/gostitch/gocore/tasks/internal/ignore"
)

// pending is a file that gets its name only when it is complete.
type pending struct {
	file *os.File
	path string
	done bool
}

// createPending makes the file under another name in the same directory,
// with the permissions any new file of the caller gets.
func createPending(path string) (*pending, error) {
	if info, err := os.Lstat(path); err == nil && info.IsDir() {
		return nil, failure.Argument("archive", "%s is a directory: name the file to write", path)
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, failure.Argument("archive", "%s is %s, which a file must not replace: name a file", path, describe(info.Mode()))
	}
	file, err := os.OpenFile(besides(path), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return nil, atPath(path, err)
	}
	return &pending{file: file, path: path}, nil
}

// atPath names the file that is wanted instead of the hidden one beside it.
func atPath(path string, err error) error {
	var known *fs.PathError
	if errors.As(err, &known) {
		err = &fs.PathError{Op: known.Op, Path: path, Err: known.Err}
	}
	return failure.At(err)
}

// besides gives a hidden name next to path that nothing else uses.
func besides(path string) string {
	return filepath.Join(filepath.Dir(path), fmt.Sprintf(".gostitch-%016x.partial", rand.Uint64()))
}

// commit makes the file last, and then visible under its name.
func (p *pending) commit() error {
	if err := p.file.Sync(); err != nil {
		return atPath(p.path, err)
	}
	if err := p.file.Close(); err != nil {
		return atPath(p.path, err)
	}
	if err := os.Rename(p.file.Name(), p.path); err != nil {
		return failure.At(&fs.PathError{Op: "rename", Path: p.path, Err: unwrapLink(err)})
	}
	p.done = true
	return nil
}

// discard removes the file unless it has been committed.
func (p *pending) discard() {
	if !p.done {
		p.file.Close()
		os.Remove(p.file.Name())
	}
}

// unwrapLink takes the cause out of the error of a call with two paths.
func unwrapLink(err error) error {
	if e, ok := err.(*os.LinkError); ok {
		return e.Err
	}
	return err
}

// statRoot refuses a root that is neither a directory nor a regular file.
func statRoot(root string) (os.FileInfo, error) {
	if err := checkPath("root", root); err != nil {
		return nil, err
	}
	info, err := os.Stat(root)
	if err != nil {
		return nil, failure.At(err)
	}
	if !info.IsDir() && !info.Mode().IsRegular() {
		return nil, failure.Argument("root", "%s is %s: only a directory or a regular file can be packed",
			root, describe(info.Mode()))
	}
	return info, nil
}

// checkTarget refuses to write the archive into the tree: its directory's
// time would change, so packing the same tree twice would give two archives.
// A directory that is ignored is no part of the tree.
func checkTarget(o PackOptions, root os.FileInfo, skip *ignore.Matcher) error {
	if err := checkPath("archive", o.Archive); err != nil {
		return err
	}
	if old, err := os.Stat(o.Archive); err == nil && os.SameFile(old, root) {
		return failure.Argument("archive", "is the same file as root")
	}
	if !root.IsDir() {
		return nil
	}
	top, err := realPath(o.Root)
	if err != nil {
		return err
	}
	dir, err := realPath(filepath.Dir(o.Archive))
	if err != nil {
		return err
	}
	rel, err := filepath.Rel(top, dir)
	if err != nil || !filepath.IsLocal(rel) {
		return nil
	}
	for at := rel; at != "."; at = filepath.Dir(at) {
		if skip.Match(at, true) {
			return nil
		}
	}
	return failure.Argument("archive", "%s lies inside root: write it elsewhere, or into a directory that is ignored", o.Archive)
}

func realPath(path string) (string, error) {
	absolute, err := filepath.Abs(path)
	if err == nil {
		absolute, err = filepath.EvalSymlinks(absolute)
	}
	return absolute, failure.At(err)
}

// describe names a special file for an error message.
func describe(mode os.FileMode) string {
	switch {
	case mode&os.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&os.ModeSocket != 0:
		return "a socket"
	case mode&os.ModeDevice != 0:
		return "a device"
	}
	return "a special file"
}
