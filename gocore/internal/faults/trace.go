package faults

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"sync"

	"github.com/gostitch/gostitch/gocore"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/trace"
)

// tracer is taken before anything is configured, as packages do.
var tracer = otel.Tracer("faults")

// VisitStep is one span that a function makes, or one question that it asks.
type VisitStep struct {
	// Name of the span, or text of the question.
	Name string
	// Below is the number of the step that it is a part of; -1: none.
	Below int
	// How it is done: inline, goroutine or ask.
	How string
	// Key of an entry that is added to the baggage before; empty: none.
	Key string
	// Value of the entry.
	Value string
}

// VisitArgs are steps, each after the one that it is a part of.
type VisitArgs struct {
	// Steps to do.
	Steps []VisitStep
}

// asker asks the caller.
type asker = func(context.Context, Question) (int, error)

// visit does the steps that are a part of one, and waits for them.
func visit(ctx context.Context, steps []VisitStep, below int, ask asker) error {
	var goroutines sync.WaitGroup
	failures := make([]error, len(steps))
	for i, step := range steps {
		if step.Below != below {
			continue
		}
		within, err := addMember(ctx, step)
		if err != nil {
			return err
		}
		switch step.How {
		case "ask":
			_, err = ask(within, Question{i, step.Name})
		case "goroutine":
			goroutines.Add(1)
			gocore.Go(within, func(ctx context.Context) {
				defer goroutines.Done()
				failures[i] = makeSpan(ctx, steps, i, ask)
			})
		default:
			err = makeSpan(within, steps, i, ask)
		}
		if err != nil {
			failures[i] = err
		}
	}
	goroutines.Wait()
	return errors.Join(failures...)
}

func addMember(ctx context.Context, step VisitStep) (context.Context, error) {
	if step.Key == "" {
		return ctx, nil
	}
	member, err := baggage.NewMemberRaw(step.Key, step.Value)
	if err != nil {
		return nil, err
	}
	members, err := baggage.FromContext(ctx).SetMember(member)
	return baggage.ContextWithBaggage(ctx, members), err
}

// makeSpan makes the span of a step, which says what was seen, and does what is below.
func makeSpan(ctx context.Context, steps []VisitStep, i int, ask asker) error {
	ctx, span := tracer.Start(ctx, steps[i].Name)
	defer span.End()
	members := map[string]string{}
	for _, m := range baggage.FromContext(ctx).Members() {
		members[m.Key()] = m.Value()
	}
	seen, err := json.Marshal(members)
	if err != nil {
		return err
	}
	span.SetAttributes(
		attribute.Int("pid", os.Getpid()),
		attribute.Int("flags", int(span.SpanContext().TraceFlags())),
		attribute.String("baggage", string(seen)),
	)
	return visit(ctx, steps, i, ask)
}

// Visit makes spans and asks, all below its own.
func Visit(ctx context.Context, a VisitArgs, answer func(context.Context, Question) (int, error)) (None, error) {
	return None{}, visit(ctx, a.Steps, -1, answer)
}

// VisitLines makes spans, and gives the name of each that is a part of none.
func VisitLines(ctx context.Context, a VisitArgs) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for i, step := range a.Steps {
			if step.Below >= 0 {
				continue
			}
			within, err := addMember(ctx, step)
			if err == nil {
				err = makeSpan(within, a.Steps, i, nil)
			}
			if !yield(step.Name, err) {
				return
			}
		}
	}
}

// TraceArgs say in which span to look.
type TraceArgs struct {
	// Span to begin; empty: none.
	Span string `gostitch:"span,default="`
}

// Trace returns the headers of the trace context that the function sees, and what a program that it
// starts has of it in its environment.
func Trace(ctx context.Context, a TraceArgs) ([]string, error) {
	if a.Span != "" {
		var span trace.Span
		ctx, span = tracer.Start(ctx, a.Span)
		defer span.End()
	}
	t := gocore.TraceOf(ctx)
	command := gocore.Command(ctx, "sh", "-c", `printf '%s\n' "$TRACEPARENT" "$TRACESTATE" "$BAGGAGE"`)
	command.Stderr = os.Stderr
	out, err := command.Output()
	if exit, failed := err.(*exec.ExitError); failed {
		return nil, fmt.Errorf("sh: %w", exit)
	}
	return []string{t.Parent, t.State, t.Baggage, string(out)}, err
}

// BurstArgs say how many spans to make.
type BurstArgs struct {
	// Spans below the call's own.
	Spans int
	// Width is how many of them are below each that has any; 0: all below the call's.
	Width int `gostitch:"width,default=0"`
}

// Burst makes many spans in one call, each ended before the one above it, and returns how many.
func Burst(ctx context.Context, a BurstArgs) (int, error) {
	left := a.Spans
	for left > 0 {
		burst(ctx, &left, a.Width)
	}
	return a.Spans, nil
}

// burst makes one span, and below it as many as the width says, every other of which has as many.
func burst(ctx context.Context, left *int, width int) {
	*left--
	ctx, span := tracer.Start(ctx, "burst")
	defer span.End()
	for i := 0; i < width && *left > 0; i++ {
		below := 0
		if i%2 == 0 {
			below = width / 2
		}
		burst(ctx, left, below)
	}
}
