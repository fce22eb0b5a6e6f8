// Package tasks registers the task library: one line for each function. The
// functions themselves are plain Go packages below, useful to any program.
//
// It registers through the same public API that a user's own library uses.
package tasks

import (
	"github.com/gostitch/gostitch/gocore"
	"github.com/gostitch/gostitch/gocore/tasks/archive"
	"github.com/gostitch/gostitch/gocore/tasks/fetch"
	"github.com/gostitch/gostitch/gocore/tasks/hashtree"
)

func init() {
	fetch.WrapTransport = withTrace
	fetch.MayReach = gocore.MayReach
	fetch.OnRetry = gocore.NoteRetry
	gocore.RegisterMessages("tasks.fetch", fetch.Fetch)
	gocore.Register("tasks.hash_tree", hashtree.Sum)
	gocore.Register("tasks.pack", archive.Pack)
	gocore.Register("tasks.unpack", archive.Unpack)
}
