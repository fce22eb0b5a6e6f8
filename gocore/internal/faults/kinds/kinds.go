// Package kinds fails in each way that a Go program fails in. The library of the tests and a program
// of Go's own (cmd/nativefaults) do the same by it, so that what both report can be compared.
package kinds

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"time"

	"github.com/getsentry/sentry-go"
	"github.com/gostitch/gostitch/gocore"
)

// ErrSoldOut is a sentinel.
var ErrSoldOut = errors.New("sold out")

// StockError is an error of a type of its own, with fields.
type StockError struct {
	// Item that is missing.
	Item string
	// Left of it.
	Left int
}

// Error implements error.
func (e *StockError) Error() string { return fmt.Sprintf("%d left of %s", e.Left, e.Item) }

// counter is a program counter as github.com/pkg/errors has it.
type counter uintptr

// tracedError has the stack where it was made, as errors of github.com/pkg/errors have it.
type tracedError struct {
	text  string
	stack []counter
}

func (e *tracedError) Error() string         { return e.text }
func (e *tracedError) StackTrace() []counter { return e.stack }

func traced(text string) error {
	callers := make([]uintptr, 32)
	err := &tracedError{text: text}
	for _, each := range callers[:runtime.Callers(2, callers)] {
		err.stack = append(err.stack, counter(each))
	}
	return err
}

// order is where things go wrong.
type order struct{ item *StockError }

var errs = map[string]func(context.Context) error{
	"plain":    func(context.Context) error { return errors.New("the shop is closed") },
	"sentinel": func(context.Context) error { return ErrSoldOut },
	"wrapped": func(context.Context) error {
		return fmt.Errorf("order 17: %w", fmt.Errorf("reserve: %w", ErrSoldOut))
	},
	"joined": func(context.Context) error { return errors.Join(ErrSoldOut, &StockError{"tea", 0}) },
	"typed":  func(context.Context) error { return &StockError{"tea", 3} },
	"traced": func(context.Context) error { return check() },
	"file":   func(context.Context) error { _, err := os.Open("/does/not/exist"); return err },
	"coded":  func(context.Context) error { return gocore.Errorf("sold_out", "no tea").With("item", "tea") },
	"argument": func(context.Context) error {
		return gocore.Errorf(gocore.CodeInvalidArgument, "it must be positive").With("argument", "count")
	},
	"timeout": func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
}

// check is below the function that returns its error.
func check() error { return traced("the price is missing") }

// Fail fails in one of the ways, by an error or a panic.
func Fail(ctx context.Context, kind string) error {
	if fail, known := errs[kind]; known {
		return fail(ctx)
	}
	new(order).place(kind)
	return nil
}

// place panics, in a method.
func (o *order) place(kind string) {
	var prices map[string]int
	var any any = kind
	items := []string{}
	switch kind {
	case "dereference":
		o.item.Left++
	case "error panic":
		panic(ErrSoldOut)
	case "string panic":
		panic("no price for tea")
	case "index":
		items[len(kind)] = kind
	case "map":
		//lint:ignore SA5000 this is the point
		prices[kind] = 1
	case "assertion":
		o.item.Left = any.(int)
	case "division":
		o.item.Left = len(kind) / len(items)
	}
}

// Background fails on a goroutine by itself; started is told how to start one whose panic is reported.
func Background(ctx context.Context, start func(context.Context, func(context.Context))) {
	start(ctx, func(ctx context.Context) { _ = Fail(ctx, "dereference") })
}

// Crash ends the process, as no recover can prevent.
func Crash() {
	go new(order).place("dereference")
	time.Sleep(time.Minute)
}

// Report has sentry-go report an error or a message, as programs do.
func Report(ctx context.Context, how string) {
	hub := sentry.GetHubFromContext(ctx)
	if hub == nil {
		hub = sentry.CurrentHub()
	}
	switch how {
	case "captured":
		hub.CaptureException(&StockError{"tea", 3})
	case "message":
		hub.CaptureMessage("tea is running out")
	case "recovered":
		defer func() { hub.RecoverWithContext(ctx, recover()) }()
		new(order).place("dereference")
	case "logged":
		slog.ErrorContext(ctx, "tea is running out", "left", 3)
	}
}
