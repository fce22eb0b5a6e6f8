package faults

import (
	"context"

	"github.com/gostitch/gostitch/gocore"
	"github.com/gostitch/gostitch/gocore/internal/faults/kinds"
)

// FailAs fails in one of the ways of package kinds, or has sentry-go report.
func FailAs(ctx context.Context, a KindArgs) (None, error) {
	switch a.Kind {
	case "background":
		kinds.Background(ctx, gocore.Go)
	case "crash":
		kinds.Crash()
	case "captured", "message", "recovered", "logged":
		kinds.Report(ctx, a.Kind)
	default:
		return None{}, kinds.Fail(ctx, a.Kind)
	}
	return None{}, nil
}
