// Package bad registers functions that the generator must refuse, one mistake
// each.
package bad

import (
	"context"
	"iter"

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

// PathOfNumber has an option that its type cannot have.
type PathOfNumber struct {
	N int `gostitch:"n,path"`
}

// Unknown has an option that nobody knows.
type Unknown struct {
	N int `gostitch:"n,optional"`
}

// ByNumber has a map that cannot cross.
type ByNumber struct {
	M map[int]string
}

// Anything has an interface, of which Python would not know what it is.
type Anything struct {
	V any
}

// Four has an array.
type Four struct {
	V [4]int
}

// The codes below cannot be exceptions.
//
//gostitch:exception NumberError
const codeNumber = 1

//gostitch:exception TimeoutError
const codeTimeout = "timeout"

//gostitch:exception SpacedError
const codeSpaced = "Two words"

//gostitch:exception OddError SystemExit
const codeOdd = "odd"

//gostitch:exception lower
const codeLower = "lower"

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

// TakesPath is refused.
func TakesPath(context.Context, PathOfNumber) (None, error) { return None{}, nil }

// TakesUnknown is refused.
func TakesUnknown(context.Context, Unknown) (None, error) { return None{}, nil }

// TakesByNumber is refused.
func TakesByNumber(context.Context, ByNumber) (None, error) { return None{}, nil }

// TakesAnything is refused.
func TakesAnything(context.Context, Anything) (None, error) { return None{}, nil }

// GivesFour is refused.
func GivesFour(context.Context, Args) (Four, error) { return Four{}, nil }

// StreamsChannels is refused.
func StreamsChannels(context.Context, Args) iter.Seq2[Channel, error] { return nil }

// AsksAnything is refused.
func AsksAnything(context.Context, Args, func(context.Context, Anything) (int, error)) (None, error) {
	return None{}, nil
}

var name = "bad.variable"

func init() {
	gocore.Register(name, Fine)
	gocore.Register("bad.undocumented", undocumented)
	gocore.Register("bad.channel", TakesChannel)
	gocore.Register("bad.late", TakesLate)
	gocore.Register("bad.chain", TakesChain)
	gocore.Register("bad.scalar", TakesScalar)
	gocore.Register("bad.path", TakesPath)
	gocore.Register("bad.unknown", TakesUnknown)
	gocore.Register("bad.by_number", TakesByNumber)
	gocore.Register("bad.anything", TakesAnything)
	gocore.Register("bad.four", GivesFour)
	gocore.RegisterStream("bad.stream", StreamsChannels)
	gocore.RegisterCallback("bad.callback", AsksAnything)
	gocore.Register("bad.literal", func(context.Context, Args) (None, error) { return None{}, nil })
}
