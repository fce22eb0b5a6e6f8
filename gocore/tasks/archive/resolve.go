package archive

import (
	"context"
	"strings"

	"github.com/gostitch/gostitch/gocore/tasks/internal/failure"
)

// maxChain bounds how many links may lead through each other. Systems give up
// at 40 or less, so longer chains serve no purpose.
const maxChain = 255

// resolver follows symbolic links within an outline, the way the system
// would, to see whether any leads out. Each link must be followed in the tree
// as a whole: of two links that look harmless alone, the second may go up
// from where the first has led.
type resolver struct {
	*outline
	ends map[string]string // where each link leads; inProgress meanwhile
}

// inProgress is not a clean name, so no link ends there.
const inProgress = "/"

// checkLinks refuses the outline if any symbolic link leaves it.
func (o *outline) checkLinks(ctx context.Context, links []string) error {
	r := resolver{o, make(map[string]string, len(links))}
	for _, name := range links {
		if err := ctx.Err(); err != nil {
			return failure.At(err)
		}
		if _, err := r.end(name, 0); err != nil {
			return err
		}
	}
	return nil
}

// end gives the name at which a link ends, which need not exist. A link that
// leads back to itself leads nowhere, and ends at its own name.
func (r *resolver) end(name string, depth int) (string, error) {
	switch known, ok := r.ends[name]; {
	case known == inProgress:
		return name, nil
	case ok:
		return known, nil
	}
	if depth > maxChain {
		return "", r.unsafe(name, "is the end of a chain of more than %d symbolic links", maxChain)
	}
	r.ends[name] = inProgress
	target := r.nodes[name].target
	at := parent(name)
	for part := range strings.SplitSeq(target, "/") {
		switch part {
		case "", ".":
			continue
		case "..":
			if at == "" {
				return "", r.unsafe(name, "is a symbolic link to %q, which leads out of the destination", target)
			}
			at = parent(at)
			continue
		}
		if at = strings.TrimPrefix(at+"/"+part, "/"); len(at) > 2*maxPath {
			return "", r.unsafe(name, "is a symbolic link to a path that is too long")
		}
		if n := r.nodes[at]; n != nil && n.kind == nodeLink {
			var err error
			if at, err = r.end(at, depth+1); err != nil {
				return "", err
			}
		}
	}
	r.ends[name] = at
	return at, nil
}
