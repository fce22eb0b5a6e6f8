package archive

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gostitch/gostitch/gocore/tasks/internal/failure"
	"github.com/gostitch/gostitch/gocore/tasks/internal/ignore"
)

// Bounds of a batch: a few big files or many small ones make one unit of work.
const (
	batchBytes = 256 << 10
	batchFiles = 64
)

// member is one entry of the archive to be.
type member struct {
	path   string // in the file system
	header header
}

// planner lists a tree in the order of the archive and cuts it into batches.
// It runs ahead of the compressor, but not further than emit lets it.
type planner struct {
	ctx  context.Context
	root string
	skip *ignore.Matcher
	emit func([]member) error

	batch []member
	size  int64
	seen  map[inode]string // first name of each file with several

	files, bytes int64
}

type inode struct{ device, number uint64 }

// plan lists the whole root.
func (p *planner) plan(info os.FileInfo) error {
	p.seen = map[inode]string{}
	var err error
	if info.IsDir() {
		err = p.directory(p.root, "")
	} else {
		err = p.single()
	}
	if err == nil {
		err = p.flush()
	}
	return err
}

// single adds a root that is one file, under its own name even if that is a
// symbolic link to the file.
func (p *planner) single() error {
	path, err := realPath(p.root)
	if err != nil {
		return err
	}
	return p.add(unix.AT_FDCWD, path, path, filepath.Base(p.root))
}

// directory adds what is in one directory, and below it.
func (p *planner) directory(path, rel string) error {
	flags := unix.O_DIRECTORY
	if rel != "" {
		flags |= unix.O_NOFOLLOW
	}
	file, err := os.OpenFile(path, os.O_RDONLY|flags, 0)
	if err != nil {
		return failure.At(err)
	}
	defer file.Close()
	listed, err := file.ReadDir(-1)
	if err != nil {
		return failure.At(err)
	}
	slices.SortFunc(listed, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	path = strings.TrimSuffix(path, "/") + "/"
	for _, l := range listed {
		if err := p.ctx.Err(); err != nil {
			return failure.At(err)
		}
		below := l.Name()
		if rel != "" {
			below = rel + "/" + below
		}
		if p.skip.Match(below, l.IsDir()) {
			continue
		}
		if err := p.add(int(file.Fd()), l.Name(), path+l.Name(), below); err != nil {
			return err
		}
	}
	return nil
}

// add plans one entry, and what is in it if it is a directory. An open
// directory per level is held meanwhile.
func (p *planner) add(dir int, name, path, rel string) error {
	var st unix.Stat_t
	if err := unix.Fstatat(dir, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return readError("stat", path, err)
	}
	m := member{path: path, header: header{
		name: rel,
		mode: uint32(st.Mode) & 0o7777,
		time: time.Unix(st.Mtim.Unix()),
	}}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		m.header.kind, m.header.name = kindDir, rel+"/"
		if err := p.append(m, 0); err != nil {
			return err
		}
		return p.directory(path, rel)
	case unix.S_IFLNK:
		target, err := os.Readlink(path)
		if err != nil {
			return failure.At(err)
		}
		// The mode of a link means nothing and differs between systems.
		m.header.kind, m.header.link, m.header.mode = kindSymlink, target, 0o777
		return p.append(m, 0)
	case unix.S_IFREG:
		return p.addFile(m, &st)
	}
	return failure.Unsafe(p.root, rel,
		"%s is a pipe, socket or device: only files, directories and symbolic links can be packed (remove it or ignore it)", path)
}

func (p *planner) addFile(m member, st *unix.Stat_t) error {
	p.files++
	if st.Nlink > 1 {
		id := inode{uint64(st.Dev), st.Ino}
		if first, ok := p.seen[id]; ok {
			m.header.kind, m.header.link = kindHard, first
			return p.append(m, 0)
		}
		p.seen[id] = m.header.name
	}
	m.header.kind, m.header.size = kindFile, st.Size
	p.bytes += st.Size
	return p.append(m, st.Size)
}

// append puts a member into the batch. A big file is a batch of its own,
// which the writer streams.
func (p *planner) append(m member, size int64) error {
	if len(p.batch) == batchFiles || (len(p.batch) > 0 && p.size+size > batchBytes) {
		if err := p.flush(); err != nil {
			return err
		}
	}
	p.batch = append(p.batch, m)
	p.size += size
	return nil
}

func (p *planner) flush() error {
	if len(p.batch) == 0 {
		return nil
	}
	batch := p.batch
	p.batch, p.size = make([]member, 0, batchFiles), 0
	return p.emit(batch)
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
