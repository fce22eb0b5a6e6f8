package observe

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/getsentry/sentry-go"
	"github.com/gostitch/gostitch/gocore"
)

// untraced is the trace of what has none: the hub that all have in common must have one.
var untraced = sentry.NewPropagationContext()

// bind has every hub report through the client, unless the program has one of its own.
func (o *Observer) bind(now *reporting) {
	before := o.sentry.Swap(now)
	ended.Store(now != nil && now.config.Ended)
	gocore.WantEvents(now != nil)
	var client *sentry.Client
	if now != nil {
		client = now.client
	}
	hub := sentry.CurrentHub()
	if bound := hub.Client(); !bound.IsEnabled() || before != nil && bound == before.client {
		hub.BindClient(client)
		hub.Scope().SetPropagationContext(untraced)
	}
	if now != nil {
		// By which the global hub finds the call of an event.
		if err := gocore.ShowLabels(); err != nil {
			slog.Warn(fmt.Sprintf("events of Go's global hub have nobody's scope: %v", err))
		}
	}
	if before != nil {
		before.client.Close() // which sends what was captured before
	}
}

// Value gives the hub of a call to who asks for it, and makes it then. There is one without a
// client too, as programs count on it.
func (o *Observer) Value(of context.Context, key any) any {
	if key == sentry.HubContextKey {
		return hubOf(of)
	}
	return nil
}

// hubContext is that of a call with a trace, which its hub is to know.
type hubContext struct{ context.Context }

func (o *Observer) withHub(ctx context.Context) context.Context {
	if o.sentry.Load() == nil {
		return ctx
	}
	return hubContext{ctx}
}

// Value implements context.Context.
func (c hubContext) Value(key any) any {
	if key == sentry.HubContextKey {
		return hubOf(c.Context)
	}
	return c.Context.Value(key)
}

// hubOf gives the hub of the call that a context belongs to. What is set on it is in the
// events of this call alone.
func hubOf(ctx context.Context) *sentry.Hub {
	events := gocore.EventsOf(ctx)
	if events == nil {
		return nil
	}
	events.Once.Do(func() {
		hub := sentry.CurrentHub().Clone()
		scope := hub.Scope()
		scope.AddEventProcessor(func(event *sentry.Event, _ *sentry.EventHint) *sentry.Event {
			setOwner(event, events)
			return event
		})
		if traceID, spanID, valid := traceIn(ctx); valid {
			scope.SetPropagationContext(sentry.PropagationContext{TraceID: traceID, SpanID: spanID})
		}
		events.Own = hub
	})
	hub, _ := events.Own.(*sentry.Hub)
	return hub
}

// StartBackground notes the call of a goroutine: its panic will be that caller's.
func (o *Observer) StartBackground(ctx context.Context) {
	if o.sentry.Load() != nil {
		gocore.EventsOf(ctx)
	}
}

// ownerKey is the context of an event in which its call is, on the way to the transport.
const ownerKey = "gostitch.call"

func setOwner(event *sentry.Event, owner *gocore.CallEvents) {
	if event.Contexts == nil {
		event.Contexts = map[string]sentry.Context{}
	}
	event.Contexts[ownerKey] = sentry.Context{"": owner}
}

// takeOwner gives the call of an event, or nil.
func takeOwner(event *sentry.Event) *gocore.CallEvents {
	owner, _ := event.Contexts[ownerKey][""].(*gocore.CallEvents)
	delete(event.Contexts, ownerKey)
	return owner
}

// findOwner finds the call that an event belongs to, on the goroutine that captures it.
func findOwner(event *sentry.Event, hint *sentry.EventHint) *sentry.Event {
	tagCode(event, hint)
	owner, _ := event.Contexts[ownerKey][""].(*gocore.CallEvents)
	if owner == nil && hint != nil && hint.Context != nil {
		owner = gocore.EventsOf(hint.Context)
	}
	if owner == nil {
		owner = gocore.EventsHere()
	}
	if owner == nil {
		return event
	}
	setOwner(event, owner)
	if hint != nil && hint.OriginalException != nil {
		owner.Captured(hint.OriginalException)
	} else if hint != nil && hint.RecoveredException != nil {
		owner.Captured(hint.RecoveredException)
	}
	return event
}

// tagCode says which code the error of an event has.
func tagCode(event *sentry.Event, hint *sentry.EventHint) {
	var code gocore.Code
	switch {
	case hint == nil:
		return
	case hint.RecoveredException != nil:
		code = gocore.CodePanic
	case hint.OriginalException != nil:
		code = codeOf(hint.OriginalException)
	}
	if _, has := event.Tags[string(AttrCode)]; has || code == "" {
		return
	}
	if event.Tags == nil {
		event.Tags = map[string]string{}
	}
	event.Tags[string(AttrCode)] = string(code)
}

// codeOf is gocore.CodeOf for errors that nobody has looked at before: their methods may panic.
func codeOf(err error) (code gocore.Code) {
	defer func() { _ = recover() }()
	return gocore.CodeOf(gocore.Finite(err))
}
