// Package bad registers functions that the generator must refuse, one mistake
// each.
package bad

import (
	"context"

	"github.com/gostitch/gostitch/gocore"
)

// None is no result.
type None struct{}

// Args are fine.
type Args struct{ A int }

// Channel has a field that cannot cross.
type Channel struct {
	C chan int
}

// Late has a required field after an optional one.
type Late struct {
	A int `gostitch:"a,default=1"`
	B int
}

// Chain contains itself.
type Chain struct {
	Next []Chain
}

// Fine is documented.
func Fine(context.Context, Args) (None, error) { return None{}, nil }

func undocumented(context.Context, Args) (None, error) { return None{}, nil }

// TakesChannel is refused.
func TakesChannel(context.Context, Channel) (None, error) { return None{}, nil }

// TakesLate is refused.
func TakesLate(context.Context, Late) (None, error) { return None{}, nil }

// TakesChain is refused.
func TakesChain(context.Context, Chain) (None, error) { return None{}, nil }

// TakesScalar is refused.
func TakesScalar(context.Context, int) (None, error) { return None{}, nil }

var name = "bad.variable"

func init() {
	gocore.Register(name, Fine)
	gocore.Register("bad.undocumented", undocumented)
	gocore.Register("bad.channel", TakesChannel)
	gocore.Register("bad.late", TakesLate)
	gocore.Register("bad.chain", TakesChain)
	gocore.Register("bad.scalar", TakesScalar)
	gocore.Register("bad.literal", func(context.Context, Args) (None, error) { return None{}, nil })
}
