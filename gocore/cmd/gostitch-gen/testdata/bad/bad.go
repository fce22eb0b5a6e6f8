// Package bad registers functions that the generator must refuse, one mistake
// each.
package bad

import (
	"context"
	"iter"
	"math/big"
	"net/url"
	"os"
	"sync"
	"sync/atomic"

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

// Closed keeps all that it has to itself.
type Closed struct{ a, b int }

// Inner is a part of Outer.
type inner struct{ X int }

// Outer has fields of another struct in Go.
type Outer struct {
	inner
	Y int
}

// Unread has a tag that Go does not read.
type Unread struct {
	A int `gostitch: "a"`
}

// The types below have a field each of which Python could make nothing.
type (
	URL      struct{ V url.URL }
	Big      struct{ V *big.Int }
	Lock     struct{ V sync.Mutex }
	File     struct{ V *os.File }
	Atomic   struct{ V atomic.Int64 }
	Failed   struct{ V error }
	Called   struct{ V func() }
	Complex  struct{ V complex128 }
	Address  struct{ V uintptr }
	Pointers struct{ V **int }
)

// TakesURL is refused.
func TakesURL(context.Context, URL) (None, error) { return None{}, nil }

// TakesBig is refused.
func TakesBig(context.Context, Big) (None, error) { return None{}, nil }

// TakesLock is refused.
func TakesLock(context.Context, *Lock) (None, error) { return None{}, nil }

// TakesFile is refused.
func TakesFile(context.Context, File) (None, error) { return None{}, nil }

// GivesAtomic is refused.
func GivesAtomic(context.Context, Args) (*Atomic, error) { return nil, nil }

// TakesFailed is refused.
func TakesFailed(context.Context, Failed) (None, error) { return None{}, nil }

// TakesCalled is refused.
func TakesCalled(context.Context, Called) (None, error) { return None{}, nil }

// TakesComplex is refused.
func TakesComplex(context.Context, Complex) (None, error) { return None{}, nil }

// TakesAddress is refused.
func TakesAddress(context.Context, Address) (None, error) { return None{}, nil }

// TakesPointers is refused.
func TakesPointers(context.Context, Pointers) (None, error) { return None{}, nil }

// TakesPointer is refused.
func TakesPointer(context.Context, *Args) (None, error) { return None{}, nil }

// GivesClosed is refused.
func GivesClosed(context.Context, Args) ([]Closed, error) { return nil, nil }

// TakesOuter is refused.
func TakesOuter(context.Context, Outer) (None, error) { return None{}, nil }

// TakesUnread is refused.
func TakesUnread(context.Context, Unread) (None, error) { return None{}, nil }

// Priced is an interface.
type Priced interface {
	// Price is a method of any type.
	Price(context.Context, Args) (None, error)
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

// Deep has memory to write to where no parameter is.
type Deep struct{ V gocore.Mutable[float64] }

// HasDeep has it inside.
type HasDeep struct{ Deep Deep }

// HasList has a list of it.
type HasList struct{ List []gocore.Mutable[float64] }

// TakesDeep is refused.
func TakesDeep(context.Context, HasDeep) (None, error) { return None{}, nil }

// TakesList is refused.
func TakesList(context.Context, HasList) (None, error) { return None{}, nil }

// GivesMutable is refused.
func GivesMutable(context.Context, Args) (gocore.Mutable[int8], error) { return nil, nil }

// HasTable has one.
type HasTable struct{ T gocore.Table }

// TakesTable is refused.
func TakesTable(context.Context, HasTable) (None, error) { return None{}, nil }

// IsAnswered is refused.
func IsAnswered(context.Context, Args, func(context.Context, int) (gocore.Table, error)) (None, error) {
	return None{}, nil
}

// Shadow hides a method of records.
type Shadow struct{ ToDict bool }

// GivesShadow is refused.
func GivesShadow(context.Context, Args) (Shadow, error) { return Shadow{}, nil }

func given() func(context.Context, Args) (None, error) { return Fine }

var (
	name   = "bad.variable"
	priced Priced
	local  = given()
)

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
	gocore.Register("bad.url", TakesURL)
	gocore.Register("bad.big", TakesBig)
	gocore.Register("bad.lock", TakesLock)
	gocore.Register("bad.file", TakesFile)
	gocore.Register("bad.atomic", GivesAtomic)
	gocore.Register("bad.failed", TakesFailed)
	gocore.Register("bad.called", TakesCalled)
	gocore.Register("bad.complex", TakesComplex)
	gocore.Register("bad.address", TakesAddress)
	gocore.Register("bad.pointers", TakesPointers)
	gocore.Register("bad.pointer", TakesPointer)
	gocore.Register("bad.closed", GivesClosed)
	gocore.Register("bad.outer", TakesOuter)
	gocore.Register("bad.unread", TakesUnread)
	gocore.Register("bad.method", priced.Price)
	gocore.Register("bad.local", local)
	gocore.Register("bad.given", given())
	gocore.Register("bad.deep_mutable", TakesDeep)
	gocore.Register("bad.lists_mutable", TakesList)
	gocore.Register("bad.gives_mutable", GivesMutable)
	gocore.Register("bad.table", TakesTable)
	gocore.RegisterCallback("bad.answer", IsAnswered)
	gocore.Register("bad.shadow", GivesShadow)
	gocore.Register("Bad name", Fine)
}
