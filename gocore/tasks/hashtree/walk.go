package hashtree

import (
	"context"
	"encoding/binary"
	"errors"
	"hash"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/gostitch/gostitch/gocore/tasks/internal/failure"
	"github.com/gostitch/gostitch/gocore/tasks/internal/ignore"
)

// chunkSize is the number of files that go to a worker at once: enough to
// make the hand-over cheap, few enough to share one large directory.
const chunkSize = 16

// walk is one run over a tree. Its workers share a stack of tasks; whoever
// finishes the last entry of a directory computes the directory's payload.
type walk struct {
	ctx       context.Context
	root      string
	skip      *ignore.Matcher
	algorithm algorithm

	files, bytes atomic.Int64

	mu    sync.Mutex
	ready sync.Cond // a task was pushed, or the walk is over
	stack []task
	open  int // tasks pushed and not yet finished
	err   error
}

// task is a directory to list, or, if it has already been listed, the files
// and links entries[from:to] of it to hash.
type task struct {
	dir      *dir
	from, to int
}

// dir is a directory under way.
type dir struct {
	parent *dir
	slot   int    // its entry in the parent
	rel    string // path below the root, "" for the root
	file   *os.File

	entries []entry
	chunks  atomic.Int32 // tasks that still need file
	pending atomic.Int32 // chunks and directories not yet hashed
}

// tree hashes a root that is a directory.
func (w *walk) tree() (entry, error) {
	w.ready.L = &w.mu
	// The root is a directory of one entry here, so that it needs no case of
	// its own.
	top := &dir{entries: []entry{{kind: kindDir}}}
	w.push(task{dir: &dir{parent: top}})

	var workers sync.WaitGroup
	// A few more than cores: on a cold cache most of them wait for the disk.
	for range min(max(4, 2*runtime.GOMAXPROCS(0)), 32) {
		workers.Go(w.work)
	}
	workers.Wait()
	root := top.entries[0]
	root.mode = 0
	w.mu.Lock()
	defer w.mu.Unlock()
	return root, w.err
}

func (w *walk) work() {
	b := newBuffer(w.algorithm)
	for {
		t, ok := w.pop()
		if !ok {
			return
		}
		if err := w.do(b, t); err != nil {
			w.fail(err)
		}
		w.finish()
	}
}

func (w *walk) do(b *buffer, t task) error {
	if t.to == 0 {
		if err := w.ctx.Err(); err != nil {
			return err
		}
		return w.list(b, t.dir)
	}
	err := w.hashChunk(b, t)
	if t.dir.chunks.Add(-1) == 0 {
		t.dir.file.Close()
	}
	if err == nil {
		w.done(b, t.dir)
	}
	return err
}

// list reads one directory and pushes tasks for what is in it.
func (w *walk) list(b *buffer, d *dir) error {
	if err := w.openDir(d); err != nil {
		return err
	}
	listed, err := d.file.ReadDir(-1)
	if err == nil {
		err = w.keep(d, listed)
	}
	if err != nil {
		d.file.Close()
		return failure.At(err)
	}
	// Files before directories: directories then start at a known place, and
	// order is restored before hashing.
	slices.SortFunc(d.entries, func(a, b entry) int {
		if (a.kind == kindDir) != (b.kind == kindDir) {
			if a.kind == kindDir {
				return 1
			}
			return -1
		}
		return strings.Compare(a.name, b.name)
	})
	w.split(b, d)
	return nil
}

// openDir opens a directory, and notes its mode with the parent.
func (w *walk) openDir(d *dir) error {
	path, flags := w.path(d.rel), unix.O_DIRECTORY
	if d.rel != "" {
		flags |= unix.O_NOFOLLOW
	}
	file, err := os.OpenFile(path, os.O_RDONLY|flags, 0)
	if err != nil {
		return dirError(path, err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(file.Fd()), &st); err != nil {
		file.Close()
		return readError("stat", path, err)
	}
	d.file = file
	d.parent.entries[d.slot].mode = uint32(st.Mode) & permissionBits
	return nil
}

// keep turns a listing into entries, without what is ignored.
func (w *walk) keep(d *dir, listed []fs.DirEntry) error {
	d.entries = make([]entry, 0, len(listed))
	for _, l := range listed {
		rel := l.Name()
		if d.rel != "" && (!w.skip.Empty() || !known(l.Type())) {
			rel = d.rel + "/" + rel
		}
		if w.skip.Match(rel, l.IsDir()) {
			continue
		}
		e := entry{name: l.Name()}
		switch l.Type() {
		case 0:
			e.kind = kindFile
		case fs.ModeDir:
			e.kind = kindDir
		case fs.ModeSymlink:
			e.kind = kindLink
		default:
			return failure.Unsafe(w.root, rel,
				"%s is %s: only files, directories and symbolic links can be hashed (remove it or ignore it)",
				w.path(rel), describe(l.Type()))
		}
		d.entries = append(d.entries, e)
	}
	return nil
}

func known(mode fs.FileMode) bool { return mode&^(fs.ModeDir|fs.ModeSymlink) == 0 }

// split pushes the directories first, so that the files, popped before them,
// release the open directory before the walk goes deeper.
func (w *walk) split(b *buffer, d *dir) {
	first := len(d.entries)
	for first > 0 && d.entries[first-1].kind == kindDir {
		first--
	}
	chunks := (first + chunkSize - 1) / chunkSize
	d.chunks.Store(int32(chunks))
	d.pending.Store(int32(chunks + len(d.entries) - first + 1))
	tasks := make([]task, 0, chunks+len(d.entries)-first)
	for i := first; i < len(d.entries); i++ {
		rel := d.entries[i].name
		if d.rel != "" {
			rel = d.rel + "/" + rel
		}
		tasks = append(tasks, task{dir: &dir{parent: d, slot: i, rel: rel}})
	}
	for from := 0; from < first; from += chunkSize {
		tasks = append(tasks, task{dir: d, from: from, to: min(from+chunkSize, first)})
	}
	if chunks == 0 {
		d.file.Close()
	}
	w.push(tasks...)
	w.done(b, d)
}

// hashChunk hashes some files and links of one directory.
func (w *walk) hashChunk(b *buffer, t task) error {
	fd, prefix := int(t.dir.file.Fd()), strings.TrimSuffix(w.path(t.dir.rel), "/")+"/"
	for i := t.from; i < t.to; i++ {
		if err := w.ctx.Err(); err != nil {
			return failure.At(err)
		}
		e := &t.dir.entries[i]
		path := prefix + e.name
		var err error
		if e.kind == kindLink {
			err = w.hashLink(b, fd, path, e)
		} else {
			err = w.hashFile(b, fd, e.name, path, unix.O_NOFOLLOW, e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// done counts down a directory, and hashes it and every parent that thereby
// becomes complete.
func (w *walk) done(b *buffer, d *dir) {
	for d.parent != nil && d.pending.Add(-1) == 0 {
		slices.SortFunc(d.entries, func(a, b entry) int { return strings.Compare(a.name, b.name) })
		b.state.Reset()
		hashDir(b.state, d.entries, &d.parent.entries[d.slot].payload)
		d.entries = nil
		d = d.parent
	}
}

func hashDir(h hash.Hash, entries []entry, payload *[digestSize]byte) {
	frame := binary.BigEndian.AppendUint64([]byte(dirDomain), uint64(len(entries)))
	for i := range entries {
		frame = appendRecord(frame, &entries[i])
		if len(frame) > bufferSize {
			h.Write(frame)
			frame = frame[:0]
		}
	}
	h.Write(frame)
	h.Sum(payload[:0])
}

// path gives the full path of an entry, for messages and to open directories.
func (w *walk) path(rel string) string {
	if rel == "" {
		return w.root
	}
	return filepath.Join(w.root, rel)
}

func dirError(path string, err error) error {
	if errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) {
		return changed(path, "it is no longer a directory")
	}
	var known *fs.PathError
	if errors.As(err, &known) {
		return readError(known.Op, path, known.Err)
	}
	return failure.At(err)
}
