// Package fits registers functions of unusual but proper forms.
package fits

import (
	"context"
	"net"
	"net/http"

	"github.com/gostitch/gostitch/gocore"
)

// Args hides what Python has no use for.
type Args struct {
	A      int
	cached map[string]int
	base   `gostitch:"-"`
	Done   chan int `gostitch:"-"`
}

type base struct{ X int }

// Plain has types of the standard library that are plain below.
type Plain struct {
	IP     net.IP
	Header http.Header
	Set    map[string]struct{}
}

// Many has more fields than anybody counts.
type Many struct{ A, B, C, D, E, F, G, H, I, J, K, L, M, N, O, P, Q, R, S, T int }

// Hidden has nothing for Python on purpose.
type Hidden struct {
	_ [0]func()
	A int `gostitch:"-"`
}

// Shop has methods.
type Shop struct{ name string }

// Price is a method.
func (s *Shop) Price(_ context.Context, a Args) (total int, err error) {
	return a.A + len(a.cached), nil
}

// First is generic.
func First[T any](context.Context, Args) (T, error) { panic("not called") }

// Plainly gives plain things.
func Plainly(context.Context, Many) (Plain, error) { return Plain{}, nil }

// Nothing gives nothing.
func Nothing(context.Context, struct{}) (Hidden, error) { return Hidden{}, nil }

// Parameter has a name that is a method of records; a parameter hides none.
type Parameter struct{ ToDict bool }

// Dict takes one.
func Dict(context.Context, Parameter) (int, error) { return 0, nil }

// Register is called when the library is loaded.
func Register() {
	shop := &Shop{name: "corner"}
	gocore.Register("fits.price", shop.Price)
	gocore.Register("fits.first", First[string])
	gocore.Register("fits.plainly", Plainly)
	gocore.Register("fits.nothing", Nothing)
	gocore.Register("fits.dict", Dict)
}
