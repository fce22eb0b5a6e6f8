// Package hashtree gives a directory tree one digest, which two trees share
// exactly when they hold the same names, contents, modes and link targets.
//
// It knows nothing of caches, archives or of who asks; it only reads.
//
// # The digest, byte for byte
//
// H is BLAKE3 with 32 bytes of output, or SHA-256. "||" joins byte strings,
// u32(n) and u64(n) are unsigned big-endian integers of 4 and 8 bytes.
//
// Every entry of a tree is described by a record:
//
//	record = kind || u32(mode) || u64(length of name) || name || payload
//
//	kind     one byte: "f" a regular file, "d" a directory, "l" a symbolic link
//	mode     f and d: the permission bits st_mode & 0o7777; l: 0
//	name     the raw bytes of the name, without any directory
//	payload  f: H(content)
//	         l: H(target), the raw bytes of the link's target, not followed
//	         d: H("gostitch.hashtree.v1.dir\n" || u64(number of records) || records)
//	         where records are those of the directory's entries that are not
//	         ignored, joined in ascending order of the raw bytes of their names
//
// The digest of the tree is, in lower-case hexadecimal,
//
//	H("gostitch.hashtree.v1.root\n" || record of the root)
//
// where the record of the root has an empty name and, if the root is a
// directory, mode 0.
//
// # What counts
//
// Names, kinds, contents, link targets and all permission bits (also set-uid,
// set-gid and sticky) count, and so do empty directories. Two checkouts made
// under different umasks are therefore different trees: they behave differently
// for other users, and a digest that hid it would let a cache hand out files
// somebody cannot read. The root's own name, and the mode of a root directory,
// do not count: they belong to whoever made the place (mkdtemp gives 0700),
// not to the tree in it.
// Times, owners, access lists, extended attributes and which names are hard
// links of one file do not count.
//
// The root itself may be a symbolic link, which is followed; inside the tree
// links are never followed. An ignored entry counts as absent; a directory
// whose entries are all ignored counts as an empty one. Pipes, sockets and
// devices are refused.
//
// # Cost
//
// Four system calls per file; BenchmarkSum measures it. Memory is one buffer
// per worker and the names of the directories under way.
package hashtree

import (
	"context"
	"encoding/hex"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/gostitch/gostitch/gocore/tasks/internal/failure"
	"github.com/gostitch/gostitch/gocore/tasks/internal/ignore"
)

// Algorithm is how a tree is hashed.
//
//gostitch:name HashAlgorithm
type Algorithm string

// What a tree can be hashed with.
const (
	Blake3 Algorithm = "blake3" // the default
	SHA256 Algorithm = "sha256"
)

// Options says what to hash and how.
type Options struct {
	// Root is the directory, or the single file, to hash. A symbolic link here
	// is followed; links inside the tree are not.
	Root string `gostitch:"root,path"`
	// Algorithm is "blake3" (the default) or "sha256".
	Algorithm Algorithm `gostitch:"algorithm,default=blake3"`
	// Ignore holds patterns of entries to leave out, in the manner of
	// .gitignore: "*.pyc" at any depth, "/build" only at the top, "cache/" only
	// directories, "docs/**/*.html". There is no negation.
	Ignore []string `gostitch:"ignore,default="`
}

// Result is the digest of a tree and how much went into it.
//
//gostitch:name HashTreeResult
type Result struct {
	// Digest is the digest of the whole tree: 64 lower-case hexadecimal digits.
	Digest string `gostitch:"digest"`
	// Files is the number of regular files hashed. Directories and symbolic
	// links count in the digest, not here.
	Files int64 `gostitch:"files"`
	// Bytes is the sum of the sizes of those files.
	Bytes int64 `gostitch:"bytes"`
}

// Sum gives the Merkle digest of a directory tree: of all names, contents,
// permission bits and symbolic link targets below root, but of no times and
// owners. The digest does not depend on the machine, the number of cores or
// the order in which the file system lists names.
//
// Errors: a wrong algorithm or a malformed ignore pattern is an invalid
// argument; a missing or unreadable file is the error of the operating system
// with its path; a pipe, socket or device in the tree is refused as unsafe; a
// file that changes while it is read is a data error.
//
//gostitch:long
func Sum(ctx context.Context, o Options) (Result, error) {
	algorithm, err := algorithmFor(o.Algorithm)
	if err != nil {
		return Result{}, err
	}
	skip, err := ignore.Compile(o.Ignore)
	if err != nil {
		return Result{}, err
	}
	info, err := statRoot(o.Root)
	if err != nil {
		return Result{}, err
	}
	if err := ctx.Err(); err != nil {
		return Result{}, failure.At(err)
	}
	w := &walk{ctx: ctx, root: o.Root, skip: skip, algorithm: algorithm}
	var root entry
	if info.IsDir() {
		root, err = w.tree()
	} else {
		root, err = w.singleFile()
	}
	if err != nil {
		return Result{}, err
	}
	h := algorithm.fresh()
	h.Write([]byte(rootDomain))
	h.Write(appendRecord(nil, &root))
	return Result{
		Digest: hex.EncodeToString(h.Sum(nil)),
		Files:  w.files.Load(),
		Bytes:  w.bytes.Load(),
	}, nil
}

// statRoot refuses a root that is neither a directory nor a regular file.
func statRoot(root string) (os.FileInfo, error) {
	if root == "" {
		return nil, failure.Argument("root", "must not be empty")
	}
	if strings.ContainsRune(root, 0) {
		return nil, failure.Argument("root", "must not hold a NUL character")
	}
	info, err := os.Stat(root)
	if err != nil {
		return nil, failure.At(err)
	}
	if !info.IsDir() && !info.Mode().IsRegular() {
		return nil, failure.Argument("root", "%s is %s: only a directory or a regular file can be hashed",
			root, describe(info.Mode()))
	}
	return info, nil
}

// singleFile hashes a root that is one file.
func (w *walk) singleFile() (entry, error) {
	buffer := newBuffer(w.algorithm)
	e := entry{kind: kindFile}
	if err := w.hashFile(buffer, unix.AT_FDCWD, w.root, w.root, 0, &e); err != nil {
		return entry{}, err
	}
	return e, nil
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
