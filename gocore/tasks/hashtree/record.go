package hashtree

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"

	"github.com/zeebo/blake3"

	"github.com/gostitch/gostitch/gocore/tasks/internal/failure"
)

// The kinds of a record, and the words that keep the hash of a directory and
// of the root apart from each other and from any content. The package comment
// defines them; the golden digests in the tests hold them fast.
const (
	kindFile = 'f'
	kindDir  = 'd'
	kindLink = 'l'

	dirDomain  = "gostitch.hashtree.v1.dir\n"
	rootDomain = "gostitch.hashtree.v1.root\n"

	permissionBits = 0o7777
	digestSize     = 32
)

// entry is what a record says of one name.
type entry struct {
	kind    byte
	mode    uint32
	name    string
	payload [digestSize]byte
}

// appendRecord frames one entry: every part has a fixed length or is preceded
// by it, so no two lists of entries give the same bytes.
func appendRecord(b []byte, e *entry) []byte {
	b = append(b, e.kind)
	b = binary.BigEndian.AppendUint32(b, e.mode)
	b = binary.BigEndian.AppendUint64(b, uint64(len(e.name)))
	b = append(b, e.name...)
	return append(b, e.payload[:]...)
}

// algorithm is one hash function, in the two forms the work needs: a state to
// stream into, and a short cut for what is in memory at once.
type algorithm struct {
	fresh func() hash.Hash
	whole func([]byte) [digestSize]byte
}

func algorithmFor(name Algorithm) (algorithm, error) {
	switch name {
	case "", Blake3:
		return algorithm{func() hash.Hash { return blake3.New() }, blake3.Sum256}, nil
	case SHA256:
		return algorithm{sha256.New, sha256.Sum256}, nil
	}
	return algorithm{}, failure.Argument("algorithm", `must be "blake3" or "sha256", got %q`, name)
}
