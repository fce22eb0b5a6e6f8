package faults

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/gostitch/gostitch/gocore"
)

// PanicArgs choose a panic.
type PanicArgs struct {
	// Kind is one of: string, error, coded, nil, dereference, index, division, map, hostile,
	// repanic.
	Kind string
}

// None is the result of a function that only acts.
type None struct{}

// hostile is an error that cannot even be printed.
type hostile struct{}

func (hostile) Error() string { panic("the Error method panics") }

// Panic panics in the chosen way.
func Panic(ctx context.Context, a PanicArgs) (None, error) {
	var nothing *Point
	var table map[string]int
	list := []int{}
	switch a.Kind {
	case "string":
		panic("a string")
	case "error":
		panic(errors.New("an error"))
	case "coded":
		panic(gocore.Errorf(gocore.CodeNotFound, "a coded error").With("path", "/nowhere"))
	case "nil":
		panic(nil) //nolint:govet // this is the point
	case "dereference":
		nothing.X++
	case "index":
		list[len(a.Kind)]++
	case "division":
		return None{}, fmt.Errorf("%d", len(a.Kind)/len(list))
	case "map":
		//lint:ignore SA5000 this is the point
		table[a.Kind] = 1
	case "hostile":
		panic(hostile{})
	case "repanic":
		defer func() { panic(fmt.Sprint("again: ", recover())) }()
		panic("first")
	}
	return None{}, gocore.Errorf(gocore.CodeInvalidArgument, "unknown kind %q", a.Kind)
}

// NoArgs are none.
type NoArgs struct{}

// Goexit ends its goroutine instead of returning, as testing's FailNow does.
func Goexit(context.Context, NoArgs) (None, error) {
	runtime.Goexit()
	return None{}, nil
}

// TextArgs have a text.
type TextArgs struct {
	// Text of it.
	Text string
}

// PanicWith panics with a text.
func PanicWith(_ context.Context, a TextArgs) (None, error) { panic(a.Text) }

// BackgroundPanicWith leaves a goroutine behind that does so.
func BackgroundPanicWith(ctx context.Context, a TextArgs) (None, error) {
	gocore.Go(ctx, func(ctx context.Context) { _, _ = PanicWith(ctx, a) })
	return None{}, nil
}

// BackgroundPanicArgs choose a panic of a goroutine.
type BackgroundPanicArgs struct {
	// Kind is one of those of panic, or background.
	Kind string `gostitch:"kind,default=background"`
}

// BackgroundPanic leaves a goroutine behind that panics, and returns.
func BackgroundPanic(ctx context.Context, a BackgroundPanicArgs) (None, error) {
	gocore.Go(ctx, func(ctx context.Context) {
		if a.Kind != "background" {
			_, _ = Panic(ctx, PanicArgs(a))
		}
		panic("in the background")
	})
	return None{}, nil
}
