package faults

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/getsentry/sentry-go"
	"github.com/getsentry/sentry-go/attribute"
	"github.com/gostitch/gostitch/gocore"
)

// CaptureArgs say what is reported, and how.
type CaptureArgs struct {
	// How is one of the keys of captures.
	How string
	// Text of the error.
	Text string
	// Seconds to wait, before or after as How says.
	Seconds float64 `gostitch:"seconds,default=0"`
}

// Capture reports something by sentry-go, as a program does that knows nothing of gostitch.
func Capture(ctx context.Context, a CaptureArgs) (string, error) {
	capture, known := captures[a.How]
	if !known {
		return "", fmt.Errorf("nothing is captured %q", a.How)
	}
	return "captured", capture(ctx, a)
}

// CapturedError is an error of a type of its own.
type CapturedError struct{ text string }

func (e *CapturedError) Error() string { return e.text }

var captures = map[string]func(context.Context, CaptureArgs) error{
	"by the hub in the context": func(ctx context.Context, a CaptureArgs) error {
		sentry.GetHubFromContext(ctx).CaptureException(&CapturedError{a.Text})
		return nil
	},
	"by the global hub": func(_ context.Context, a CaptureArgs) error {
		sentry.CaptureException(&CapturedError{a.Text})
		return nil
	},
	"as a message": func(ctx context.Context, a CaptureArgs) error {
		sentry.GetHubFromContext(ctx).CaptureMessage(a.Text)
		return nil
	},
	"with a scope": captureWithScope,
	"with a fingerprint": func(ctx context.Context, a CaptureArgs) error {
		hub := sentry.GetHubFromContext(ctx)
		hub.Scope().SetFingerprint([]string{"own"})
		hub.CaptureException(&CapturedError{a.Text})
		return nil
	},
	"as an event of its own": func(ctx context.Context, a CaptureArgs) error {
		event := sentry.NewEvent()
		event.Message = a.Text
		before := time.Date(1, 1, 1, 0, 0, 0, 0, time.FixedZone("", 3600))
		event.Breadcrumbs = []*sentry.Breadcrumb{{Message: "at no time"}, nil, {Message: "long ago", Timestamp: before}}
		sentry.GetHubFromContext(ctx).CaptureEvent(event)
		return nil
	},
	"in a goroutine": func(_ context.Context, a CaptureArgs) error {
		var group sync.WaitGroup
		group.Go(func() { sentry.CaptureException(&CapturedError{a.Text}) })
		group.Wait()
		return nil
	},
	"after the call": func(ctx context.Context, a CaptureArgs) error {
		hub := sentry.GetHubFromContext(ctx)
		gocore.Go(ctx, func(context.Context) {
			time.Sleep(time.Duration(a.Seconds * float64(time.Second)))
			hub.CaptureException(&CapturedError{a.Text})
		})
		return nil
	},
	"long before the end": func(ctx context.Context, a CaptureArgs) error {
		sentry.GetHubFromContext(ctx).CaptureException(&CapturedError{a.Text})
		time.Sleep(time.Duration(a.Seconds * float64(time.Second)))
		return nil
	},
	"and returned": func(ctx context.Context, a CaptureArgs) error {
		err := &CapturedError{a.Text}
		sentry.GetHubFromContext(ctx).CaptureException(err)
		return err
	},
	"and returned, by the global hub": func(_ context.Context, a CaptureArgs) error {
		err := &CapturedError{a.Text}
		sentry.CaptureException(err)
		return err
	},
	"and wrapped": func(ctx context.Context, a CaptureArgs) error {
		err := &CapturedError{a.Text}
		sentry.GetHubFromContext(ctx).CaptureException(err)
		return fmt.Errorf("wrapped: %w", err)
	},
	"and another returned": func(ctx context.Context, a CaptureArgs) error {
		sentry.GetHubFromContext(ctx).CaptureException(errors.New("one"))
		return errors.New(a.Text)
	},
	"and panicked": func(ctx context.Context, a CaptureArgs) error {
		defer func() {
			value := recover()
			sentry.GetHubFromContext(ctx).RecoverWithContext(ctx, value)
			panic(value)
		}()
		panic(a.Text)
	},
	"as a transaction": func(ctx context.Context, a CaptureArgs) error {
		span := sentry.StartSpan(ctx, "work", sentry.WithTransactionName(a.Text))
		child := span.StartChild("part")
		child.SetTag("of", "it")
		child.Finish()
		span.Finish()
		return nil
	},
	"as a check-in": func(_ context.Context, a CaptureArgs) error {
		sentry.CaptureCheckIn(&sentry.CheckIn{MonitorSlug: a.Text, Status: sentry.CheckInStatusOK, Duration: time.Second}, nil)
		return nil
	},
	"as a log": func(ctx context.Context, a CaptureArgs) error {
		sentry.NewLogger(ctx).Warn().String("key", "value").Int("n", 1).Emit(a.Text)
		return nil
	},
	"as a metric": func(ctx context.Context, a CaptureArgs) error {
		sentry.NewMeter(ctx).Count(a.Text, 3, sentry.WithAttributes(attribute.String("key", "value")))
		return nil
	},
	"with what is no JSON": func(ctx context.Context, a CaptureArgs) error {
		hub := sentry.GetHubFromContext(ctx)
		hub.Scope().SetContext("bad", sentry.Context{"channel": make(chan int)})
		hub.CaptureException(&CapturedError{a.Text})
		return nil
	},
	"by a client of its own": func(_ context.Context, a CaptureArgs) error {
		hub := sentry.CurrentHub()
		before := hub.Client()
		defer hub.BindClient(before)
		own := &sentry.MockTransport{}
		if err := sentry.Init(sentry.ClientOptions{Transport: own, Release: "own"}); err != nil {
			return err
		}
		sentry.CaptureException(&CapturedError{a.Text})
		if len(own.Events()) != 1 {
			return fmt.Errorf("its own client has %d events", len(own.Events()))
		}
		return nil
	},
	"and flushed": func(ctx context.Context, a CaptureArgs) error {
		sentry.GetHubFromContext(ctx).CaptureException(&CapturedError{a.Text})
		if !sentry.Flush(time.Second) {
			return errors.New("the flush failed")
		}
		time.Sleep(time.Duration(a.Seconds * float64(time.Second)))
		return nil
	},
}

func captureWithScope(ctx context.Context, a CaptureArgs) error {
	hub := sentry.GetHubFromContext(ctx)
	hub.Scope().SetTag("side", "go")
	hub.Scope().SetUser(sentry.User{ID: "of go"})
	hub.AddBreadcrumb(&sentry.Breadcrumb{Category: "go", Message: "a step"}, nil)
	hub.Scope().SetContext("order", sentry.Context{"number": 7})
	hub.Scope().AddAttachment(&sentry.Attachment{Filename: "a.txt", ContentType: "text/plain", Payload: []byte("attached")})
	// As middleware does: found again by the context.
	sentry.GetHubFromContext(ctx).CaptureException(&CapturedError{a.Text})
	return nil
}

// HasHub tells whether sentry-go finds a hub in the context.
func HasHub(ctx context.Context, _ NoArgs) (bool, error) {
	return sentry.HasHubOnContext(ctx), nil
}
