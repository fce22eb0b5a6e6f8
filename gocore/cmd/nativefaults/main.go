// Command nativefaults fails as the library of the tests does, in a program of Go's own, where
// sentry-go reports by itself. It writes the events as it would send them, each a line of JSON.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/getsentry/sentry-go"
	"github.com/gostitch/gostitch/gocore/internal/faults/kinds"
)

// printer is a transport that prints.
type printer struct{ kind string }

// SendEvent implements sentry.Transport.
func (p *printer) SendEvent(event *sentry.Event) {
	body, err := json.Marshal([]any{p.kind, event})
	if err != nil {
		panic(err)
	}
	fmt.Printf("%s\n", body)
}

// Flush implements sentry.Transport.
func (*printer) Flush(time.Duration) bool { return true }

// FlushWithContext implements sentry.Transport.
func (*printer) FlushWithContext(context.Context) bool { return true }

// Configure implements sentry.Transport.
func (*printer) Configure(sentry.ClientOptions) {}

// Close implements sentry.Transport.
func (*printer) Close() {}

func main() {
	to := &printer{}
	err := sentry.Init(sentry.ClientOptions{
		Dsn: "http://public@127.0.0.1:9/1", Transport: to, Release: "shop@1.2.3", Environment: "staging",
	})
	if err != nil {
		panic(err)
	}
	for _, kind := range os.Args[1:] {
		to.kind = kind
		run(kind)
	}
}

// run does what a service does with what fails in it.
func run(kind string) {
	defer sentry.Recover()
	switch kind {
	case "background":
		var ended sync.WaitGroup
		kinds.Background(context.Background(), func(ctx context.Context, f func(context.Context)) {
			ended.Go(func() { defer sentry.Recover(); f(ctx) })
		})
		ended.Wait()
	case "captured", "message", "recovered":
		kinds.Report(context.Background(), kind)
	default:
		ctx, stop := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer stop()
		if err := kinds.Fail(ctx, kind); err != nil {
			sentry.CaptureException(err)
		}
	}
}
