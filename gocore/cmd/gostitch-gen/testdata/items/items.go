// Package items has buffers of what no buffer can hold, so it does not compile.
package items

import (
	"context"
	"time"

	"github.com/gostitch/gostitch/gocore"
)

// Args have such fields.
type Args struct {
	Text  gocore.Buffer[string]
	Times gocore.Mutable[time.Time]
	Pairs gocore.Buffer[[2]float64]
}

// F is refused.
func F(context.Context, Args) (struct{}, error) { return struct{}{}, nil }

// Register registers it.
func Register() { gocore.Register("items.f", F) }
