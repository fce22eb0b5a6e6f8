// Package keyword registers a function whose parameters Python could not spell.
package keyword

import (
	"context"

	"github.com/gostitch/gostitch/gocore"
)

// None is no result.
type None struct{}

// Args has a name that is a keyword.
type Args struct {
	Class int `gostitch:"class"`
}

// F is refused.
func F(context.Context, Args) (None, error) { return None{}, nil }

func init() { gocore.Register("keyword.f", F) }
