package archive

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/gostitch/gostitch/gocore/tasks/internal/failure"
)

// stage is the private place where a tree grows until it is complete:
//
//	<hidden name, 0700>/tree
//
// next to a destination that does not exist yet, which the tree then becomes
// by one rename; or inside of one that exists and is empty (it may be a mount
// point, or its parent read-only), into which the top entries are then moved.
type stage struct {
	dest   string
	exists bool
	outer  string
	root   *os.Root // of the tree

	made []string // parents of dest that were missing
	done bool
}

func (s *stage) tree() string { return filepath.Join(s.outer, "tree") }

// openStage checks the destination and makes the stage.
func openStage(dest string) (*stage, error) {
	dest, err := filepath.Abs(dest)
	if err != nil {
		return nil, failure.At(err)
	}
	s := &stage{dest: dest}
	if err := s.look(); err != nil {
		return nil, err
	}
	if err := s.prepare(); err != nil {
		s.discard()
		return nil, atPath(dest, err)
	}
	return s, nil
}

// look finds out whether the destination exists, and refuses it if anything
// could be lost or mixed by unpacking there.
func (s *stage) look() error {
	info, err := os.Stat(s.dest)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Lstat(s.dest); err == nil {
			return failure.Argument("dest", "%s is a symbolic link to nothing", s.dest)
		}
		return nil
	}
	if errors.Is(err, unix.ENOTDIR) || (err == nil && !info.IsDir()) {
		return failure.Argument("dest", "%s is, or lies below, something other than a directory", s.dest)
	}
	if err != nil {
		return failure.At(err)
	}
	listed, err := os.ReadDir(s.dest)
	if err != nil {
		return failure.At(err)
	}
	if len(listed) > 0 {
		return failure.Argument("dest", "%s is not empty: name a new or an empty directory", s.dest)
	}
	s.exists = true
	return nil
}

func (s *stage) prepare() error {
	s.outer = besides(s.dest)
	if s.exists {
		s.outer = filepath.Join(s.dest, filepath.Base(besides(s.dest)))
	} else if err := s.makeParents(filepath.Dir(s.dest)); err != nil {
		return err
	}
	if err := os.Mkdir(s.outer, 0o700); err != nil {
		return err
	}
	if err := os.Mkdir(s.tree(), 0o777); err != nil {
		return err
	}
	root, err := os.OpenRoot(s.tree())
	s.root = root
	return err
}

// makeParents is os.MkdirAll that remembers what it made.
func (s *stage) makeParents(dir string) error {
	var missing []string
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Stat(at); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		missing = append(missing, at)
	}
	for i := len(missing) - 1; i >= 0; i-- {
		if err := os.Mkdir(missing[i], 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		s.made = append(s.made, missing[i])
	}
	return nil
}

// commit gives the tree its place. Directory modes come last, since a
// read-only directory could neither be filled nor, as a moved one, be renamed.
func (s *stage) commit(ctx context.Context, x *extraction) error {
	if !s.exists {
		if err := x.finishDirs(ctx, s.root, func(string) bool { return true }); err != nil {
			return err
		}
		if err := os.Rename(s.tree(), s.dest); err != nil {
			return failure.At(&fs.PathError{Op: "rename", Path: s.dest, Err: unwrapLink(err)})
		}
		s.done = true
		return nil
	}
	if err := x.finishDirs(ctx, s.root, func(name string) bool { return parent(name) != "" }); err != nil {
		return err
	}
	if err := s.move(ctx, x); err != nil {
		return err
	}
	s.done = true
	return nil
}

// move moves the top entries into the destination, all or none.
func (s *stage) move(ctx context.Context, x *extraction) (err error) {
	var moved []string
	defer func() {
		if err != nil {
			for _, path := range moved {
				removeTree(path)
			}
		}
	}()
	listed, err := os.ReadDir(s.dest)
	if err != nil {
		return failure.At(err)
	}
	if len(listed) > 1 {
		return failure.Argument("dest", "%s is no longer empty", s.dest)
	}
	for _, name := range x.outline.top() {
		to := filepath.Join(s.dest, name)
		if err := os.Rename(filepath.Join(s.tree(), name), to); err != nil {
			return failure.At(&fs.PathError{Op: "rename", Path: to, Err: unwrapLink(err)})
		}
		moved = append(moved, to)
	}
	root, err := os.OpenRoot(s.dest)
	if err != nil {
		return failure.At(err)
	}
	defer root.Close()
	return x.finishDirs(ctx, root, func(name string) bool { return parent(name) == "" })
}

// discard removes the stage, and, unless it was committed, all traces.
func (s *stage) discard() {
	if s.root != nil {
		s.root.Close()
	}
	if s.outer != "" {
		removeTree(s.outer)
	}
	if s.done {
		return
	}
	for i := len(s.made) - 1; i >= 0; i-- {
		os.Remove(s.made[i]) // only if still empty
	}
}

// removeTree removes a tree that may already have read-only directories. It
// reports nothing: it runs where another error is already on its way.
func removeTree(path string) {
	if os.RemoveAll(path) == nil {
		return
	}
	filepath.WalkDir(path, func(at string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() {
			os.Chmod(at, 0o700)
		}
		return nil
	})
	os.RemoveAll(path)
}
