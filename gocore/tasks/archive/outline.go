package archive

import (
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/gostitch/gostitch/gocore/tasks/internal/failure"
)

// Bounds of names: what file systems hold, so that an archive that breaks
// them is refused before any work and not in the middle.
const (
	maxName = 255
	maxPath = 4095
)

type nodeKind byte

const (
	nodeDir nodeKind = iota
	nodeFile
	nodeLink
)

// node is one name of the destination.
type node struct {
	kind     nodeKind
	explicit bool // a directory with an entry of its own
	mode     fs.FileMode
	mtime    time.Time
	target   string // of a symbolic link
}

// outline is the destination as the archive describes it, kept in memory so
// that every question of safety is answered from it and not from the disk.
// The root is "".
type outline struct {
	archive string
	bounds  *bounds
	nodes   map[string]*node
}

func newOutline(archive string, b *bounds) *outline {
	return &outline{archive: archive, bounds: b, nodes: map[string]*node{"": {kind: nodeDir}}}
}

// clean checks an entry's name and gives it without "." and double slashes;
// "" is the root.
func (o *outline) clean(entry string) (string, error) {
	switch {
	case entry == "":
		return "", o.corrupt(entry, "has an entry without a name")
	case strings.ContainsRune(entry, 0):
		return "", o.corrupt(entry, "has an entry with a NUL character in its name: %q", entry)
	case entry[0] == '/':
		return "", o.unsafe(entry, "has an absolute name")
	case len(entry) > maxPath:
		return "", o.corrupt(entry, "has an entry whose name is longer than %d bytes: %.60q...", maxPath, entry)
	}
	for part := range strings.SplitSeq(entry, "/") {
		if part == ".." {
			return "", o.unsafe(entry, `has ".." in its name`)
		}
		if len(part) > maxName {
			return "", o.corrupt(entry, "has an entry with a name longer than %d bytes: %.60q...", maxName, part)
		}
	}
	if cleaned := path.Clean(entry); cleaned != "." {
		return cleaned, nil
	}
	return "", nil
}

// add notes an entry under its clean name. It gives the directories above it
// that were missing, the topmost first. A directory may come twice.
func (o *outline) add(name, entry string, n *node) (missing []string, err error) {
	if missing, err = o.parents(name, entry); err != nil {
		return nil, err
	}
	if old := o.nodes[name]; old == nil {
		o.nodes[name] = n
	} else if old.kind == nodeDir && n.kind == nodeDir {
		*old = *n
	} else {
		return nil, o.corrupt(entry, "holds %q twice", entry)
	}
	if int64(len(o.nodes)-1) > o.bounds.files {
		return nil, o.bounds.tooManyFiles(o.archive)
	}
	return missing, nil
}

func (o *outline) parents(name, entry string) (missing []string, err error) {
	for at := parent(name); ; at = parent(at) {
		above := o.nodes[at]
		if above == nil {
			missing = append(missing, at)
			continue
		}
		switch above.kind {
		case nodeLink:
			return nil, o.unsafe(entry, "would be written through the symbolic link %q", at)
		case nodeFile:
			return nil, o.corrupt(entry, "holds %q below %q, which is a file", entry, at)
		}
		break
	}
	for i, j := 0, len(missing)-1; i < j; i, j = i+1, j-1 {
		missing[i], missing[j] = missing[j], missing[i]
	}
	for _, at := range missing {
		o.nodes[at] = &node{kind: nodeDir, mode: impliedDirMode}
	}
	return missing, nil
}

// parent gives the directory of a name; that of the root is the root.
func parent(name string) string {
	return name[:max(strings.LastIndexByte(name, '/'), 0)]
}

// checkTarget refuses what can be refused of a symbolic link by itself.
func (o *outline) checkTarget(entry, target string) error {
	switch {
	case target == "" || strings.ContainsRune(target, 0) || len(target) > maxPath:
		return o.corrupt(entry, "holds the symbolic link %q with an impossible target", entry)
	case target[0] == '/':
		return o.unsafe(entry, "is a symbolic link to the absolute path %q", target)
	}
	return nil
}

func (o *outline) corrupt(entry, format string, args ...any) error {
	return failure.Data(o.archive, "%s "+format, append([]any{o.archive}, args...)...).With("entry", entry)
}

func (o *outline) unsafe(entry, format string, args ...any) error {
	return failure.Unsafe(o.archive, entry, "%s: entry %q "+format, append([]any{o.archive, entry}, args...)...)
}
