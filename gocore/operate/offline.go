package operate

import (
	"context"

	"github.com/gostitch/gostitch/gocore"
)

// OfflineArgs say what may be reached all the same.
type OfflineArgs struct {
	// Hosts by name or address, without a port.
	Hosts []string
}

// SetOffline forbids functions to reach hosts, but those.
func SetOffline(_ context.Context, a OfflineArgs) (struct{}, error) {
	gocore.SetOffline(a.Hosts)
	return struct{}{}, nil
}

// EndOffline forbids nothing any more.
func EndOffline(context.Context, struct{}) (struct{}, error) {
	gocore.EndOffline()
	return struct{}{}, nil
}
