package fetch

import (
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// checkpointEvery is the number of bytes between two sidecars of an
// unfinished file, so that a killed process loses no more than that.
const checkpointEvery = 64 << 20

// partial is the unfinished file of one item, with the running hash of what
// is in it. It is used by one worker at a time. The methods called at the end
// of an item accept a nil partial.
type partial struct {
	path      string // "" until there is one, unless keep
	target    string
	source    string // of which resource this is, see sourceOf
	keep      bool   // <path>.part, locked and kept for the next call
	algorithm string
	hash      hash.Hash
	meter     *meter

	file    *os.File
	exists  bool  // there is a file at path, and it is ours
	aligned bool  // the file ends, and is positioned, at offset
	offset  int64 // bytes that are written and hashed
	saved   int64 // the offset that the sidecar on disk speaks of

	size      int64  // of the whole file, -1 if not announced
	validator string // what makes a continuation possible; "" if nothing does
	spliced   bool   // made of the bodies of more than one response
	spoiled   bool   // must not be kept
}

func newPartial(c *call, j *job) *partial {
	p := &partial{
		target: j.target, keep: c.resume, algorithm: j.want.algorithm,
		hash: newHash(j.want.algorithm), meter: &c.meter, size: -1,
	}
	if p.keep {
		p.path, p.source = partName(j.target), sourceOf(j)
	}
	return p
}

// openPartial starts with what an earlier call left, if that is asked for and
// there is something.
func (c *call) openPartial(j *job) (*partial, error) {
	p := newPartial(c, j)
	if !p.keep {
		return p, nil
	}
	return p, c.local(j, p.load(c.ctx))
}

// prepare makes the file ready to take what follows offset.
func (p *partial) prepare(dirs *sync.Map) error {
	if p.file == nil {
		if err := p.open(dirs); err != nil {
			return err
		}
	}
	if p.aligned {
		return nil
	}
	if err := p.file.Truncate(p.offset); err != nil {
		return err
	}
	if _, err := p.file.Seek(p.offset, 0); err != nil {
		return err
	}
	p.aligned = true
	return nil
}

func (p *partial) open(dirs *sync.Map) (err error) {
	dir := filepath.Dir(p.target)
	if _, known := dirs.Load(dir); !known {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		dirs.Store(dir, nil)
	}
	switch {
	case p.keep:
		p.file, err = openLocked(p.path, os.O_CREATE)
	case p.exists:
		p.file, err = os.OpenFile(p.path, os.O_WRONLY, 0)
	default:
		p.file, err = createTemp(dir)
		if err == nil {
			p.path, p.aligned = p.file.Name(), true
		}
	}
	p.exists = p.exists || err == nil
	return err
}

// tempPrefix begins the name of a file that is given up with its item.
const tempPrefix = ".fetch-"

// createTemp differs from os.CreateTemp in the mode, which is to be that of an
// ordinary file. The name is short whatever the target's is.
func createTemp(dir string) (*os.File, error) {
	for {
		name := filepath.Join(dir, fmt.Sprintf(tempPrefix+"%016x.tmp", rand.Uint64()))
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
}

// openLocked opens the file for one process and one item only: two that write
// the same .part would make a third version out of both. A link is not
// followed.
func openLocked(path string, flags int) (*os.File, error) {
	for {
		f, err := os.OpenFile(path, os.O_RDWR|syscall.O_NOFOLLOW|flags, 0o644)
		if err != nil {
			return nil, err
		}
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			_ = f.Close()
			return nil, fmt.Errorf("%s is in use by another download: %w", path, err)
		}
		ours, err := f.Stat()
		if err == nil {
			var there os.FileInfo
			// Whoever had the lock before may have renamed the file to its target.
			if there, err = os.Lstat(path); err == nil && os.SameFile(ours, there) {
				return f, nil
			}
		}
		_ = f.Close()
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
}

// write adds to the file. After an error its end is unknown, and a full disk
// needs the space: it is not kept.
func (p *partial) write(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	if _, err := p.file.Write(b); err != nil {
		p.spoiled = true
		return err
	}
	_, _ = p.hash.Write(b) // a hash never fails
	p.offset += int64(len(b))
	p.meter.bytes.Add(int64(len(b)))
	if p.keep && p.validator != "" && p.offset-p.saved >= checkpointEvery {
		return p.save()
	}
	return nil
}

// rewind forgets the content; the file follows at the next prepare.
func (p *partial) rewind() {
	if p.offset > 0 {
		p.meter.bytes.Add(-p.offset)
		p.hash.Reset()
		p.aligned = false
	}
	p.offset, p.saved, p.size, p.validator, p.spliced = 0, 0, -1, "", false
}

func (p *partial) digest() string { return sum(p.algorithm, p.hash) }

// commit puts the complete file in its place.
func (p *partial) commit() error {
	if p.keep {
		// The lock goes with the descriptor and must last until the name has gone.
		err := os.Rename(p.path, p.target)
		if err == nil {
			_ = os.Remove(sidecarName(p.target)) // it may never have been written
			p.exists = false
		}
		return errors.Join(err, p.shut())
	}
	if err := p.shut(); err != nil {
		return err
	}
	err := os.Rename(p.path, p.target)
	p.exists = p.exists && err != nil
	return err
}

// pause readies the item for a wait. Content that cannot be continued is
// forgotten now. The descriptor is given up, for there may be more such items
// than a process may have open files; only a kept file stays open, or its lock
// would be lost.
func (p *partial) pause() {
	if p == nil {
		return
	}
	if p.validator == "" {
		p.rewind()
	}
	if !p.keep {
		p.aligned = false
		if p.shut() != nil {
			p.rewind()
		}
	}
}

func (p *partial) shut() error {
	if p.file == nil {
		return nil
	}
	f := p.file
	p.file = nil
	return f.Close()
}

// abandon is the end of an item that did not succeed: nothing is left, or if
// it is to be kept, the file with what the next call needs to continue it.
func (p *partial) abandon() {
	if p == nil || !p.exists {
		return
	}
	worth := p.keep && !p.spoiled && p.offset > 0 && p.validator != ""
	if !worth || p.save() != nil {
		_ = os.Remove(p.path)
		if p.keep {
			_ = os.Remove(sidecarName(p.target))
		}
	}
	_ = p.shut() // what could not be written is found by the prefix digest
}

// len is the number of bytes that count as progress.
func (p *partial) len() int64 {
	if p == nil {
		return 0
	}
	return p.offset
}
