// Package longer has the directive where it says nothing.
package longer

import (
	"context"
	"iter"

	"github.com/gostitch/gostitch/gocore"
)

// None is nothing.
//
//gostitch:long
type None struct{}

// Worded has a directive that says more.
//
//gostitch:long about a minute
func Worded(context.Context, None) (None, error) { return None{}, nil }

// Stream is one.
//
//gostitch:long
func Stream(context.Context, None) iter.Seq2[None, error] { return nil }

// Ask asks.
//
//gostitch:long
func Ask(context.Context, None, func(context.Context, None) (None, error)) (None, error) {
	return None{}, nil
}

// Register registers them.
func Register() {
	//gostitch:long
	gocore.Register("longer.worded", Worded)
	gocore.RegisterStream("longer.stream", Stream)
	gocore.RegisterCallback("longer.ask", Ask)
}
