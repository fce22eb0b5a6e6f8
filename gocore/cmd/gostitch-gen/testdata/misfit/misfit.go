// Package misfit registers what is not of the form that can be registered, so it
// does not compile: one mistake each.
package misfit

import (
	"context"
	"iter"

	"github.com/gostitch/gostitch/gocore"
)

// Args are fine.
type Args struct{ A int }

func noContext(a Args) (int, error)                                      { return a.A, nil }
func noArguments(context.Context) (int, error)                           { return 0, nil }
func twoArguments(_ context.Context, a, b int) (int, error)              { return a + b, nil }
func variadic(_ context.Context, a ...Args) (int, error)                 { return len(a), nil }
func generic[T any](context.Context, Args) (result T, err error)         { return result, nil }
func noResult(context.Context, Args)                                     {}
func noError(context.Context, Args) int                                  { return 0 }
func onlyError(context.Context, Args) error                              { return nil }
func noErrorButBool(context.Context, Args) (int, bool)                   { return 0, false }
func threeResults(context.Context, Args) (a int, b string, err error)    { return 0, "", nil }
func sequence(context.Context, Args) iter.Seq2[int, error]               { return nil }
func plain(context.Context, Args) (int, error)                           { return 0, nil }
func callable(context.Context, Args, func(string)) (int, error)          { return 0, nil }
func withBody(context.Context, Args, func(string, string)) (bool, error) { return true, nil }

func init() {
	gocore.Register("misfit.no_context", noContext)
	gocore.Register("misfit.no_arguments", noArguments)
	gocore.Register("misfit.two_arguments", twoArguments)
	gocore.Register("misfit.variadic", variadic)
	gocore.Register("misfit.generic", generic)
	gocore.Register("misfit.no_result", noResult)
	gocore.Register("misfit.no_error", noError)
	gocore.Register("misfit.only_error", onlyError)
	gocore.Register("misfit.no_error_but_bool", noErrorButBool)
	gocore.Register("misfit.three_results", threeResults)
	gocore.Register("misfit.sequence", sequence)
	gocore.Register("misfit.callable", callable)
	gocore.Register("misfit.number", 5)
	gocore.Register("misfit.nothing", nil)
	gocore.Register(plain, "misfit.swapped")
	gocore.Register("misfit.alone")
	gocore.RegisterStream("misfit.no_sequence", plain)
	gocore.RegisterMessages("misfit.no_callable", plain)
	gocore.RegisterMessages("misfit.with_body", withBody)
	gocore.Register("misfit.literal", func(_ context.Context, a Args) (int, error) { return a.B, nil })
	gocore.Register("misfit.undefined", nowhere)
}
