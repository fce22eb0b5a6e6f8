package fetch

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"strings"

	"github.com/zeebo/blake3"

	"github.com/gostitch/gostitch/gocore/tasks/internal/failure"
)

// The digest algorithms; both have 32 bytes.
const (
	algorithmSHA256 = "sha256"
	algorithmBLAKE3 = "blake3"
	digestHexLen    = 64
)

// digest is a parsed digest: hex is lower case, or empty if none was given.
type digest struct {
	algorithm string
	hex       string
}

func (d digest) String() string { return d.algorithm + ":" + d.hex }

// matches is true if there is nothing to compare with, too.
func (d digest) matches(got string) bool { return d.hex == "" || d.String() == got }

// parseDigest reads "sha256:hex", "blake3:hex" or bare hex.
func parseDigest(i int, text string) (digest, error) {
	if text == "" {
		return digest{algorithm: algorithmSHA256}, nil
	}
	algorithm, digits, named := strings.Cut(text, ":")
	if !named {
		algorithm, digits = algorithmSHA256, text
	}
	algorithm = strings.ToLower(algorithm)
	if algorithm != algorithmSHA256 && algorithm != algorithmBLAKE3 {
		return digest{}, failure.Argument("items",
			"items[%d].digest has the unknown algorithm %q; use sha256 or blake3", i, algorithm)
	}
	if _, err := hex.DecodeString(digits); err != nil || len(digits) != digestHexLen {
		return digest{}, failure.Argument("items",
			"items[%d].digest must have %d hexadecimal digits: %q", i, digestHexLen, text)
	}
	return digest{algorithm: algorithm, hex: strings.ToLower(digits)}, nil
}

func newHash(algorithm string) hash.Hash {
	if algorithm == algorithmBLAKE3 {
		return blake3.New()
	}
	return sha256.New()
}

// sum gives the digest of what has been written to h, which may go on.
func sum(algorithm string, h hash.Hash) string {
	return algorithm + ":" + hex.EncodeToString(h.Sum(nil))
}
