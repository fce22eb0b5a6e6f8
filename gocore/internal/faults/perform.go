package faults

import (
	"context"
	"encoding/json"
	"fmt"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/trace"
)

// What a program of python/tests/observe/performances.py makes, as it says it in JSON.
type (
	performance struct {
		Scopes []scope
		Spans  []performed
	}
	scope struct {
		Name, Version, Schema string
		Attributes            values
	}
	performed struct {
		Scope      int
		Name       string
		Kind       trace.SpanKind
		Attributes values
		Later      values // set after the start
		Events     []event
		Links      []link
		Status     string
		Text       string
		Logs       []logged
		Below      []performed
	}
	event struct {
		Name       string
		Attributes values
	}
	link struct {
		TraceID, SpanID, State string
		Flags                  byte
		Attributes             values
	}
	logged struct {
		Scope      int
		Severity   int
		Text       string
		Body       value
		Attributes values
		Event      string
	}
	values []struct {
		Key   string
		Value value
	}
	// value is an attribute of a type that JSON alone could not say.
	value struct {
		Type string
		Of   json.RawMessage
	}
)

// PerformArgs have a program.
type PerformArgs struct {
	// Program in JSON.
	Program string
}

// Perform makes the spans and log records of a program.
func Perform(ctx context.Context, a PerformArgs) (None, error) {
	var p performance
	if err := json.Unmarshal([]byte(a.Program), &p); err != nil {
		return None{}, err
	}
	for i := range p.Spans {
		if err := p.perform(ctx, &p.Spans[i]); err != nil {
			return None{}, err
		}
	}
	return None{}, nil
}

func (p *performance) perform(ctx context.Context, s *performed) error {
	of := p.Scopes[s.Scope]
	options := []trace.SpanStartOption{trace.WithSpanKind(s.Kind + 1), trace.WithAttributes(s.Attributes.all()...)}
	for _, l := range s.Links {
		to, err := l.context()
		if err != nil {
			return err
		}
		options = append(options, trace.WithLinks(trace.Link{SpanContext: to, Attributes: l.Attributes.all()}))
	}
	tracer := otel.Tracer(of.Name, trace.WithInstrumentationVersion(of.Version), trace.WithSchemaURL(of.Schema), trace.WithInstrumentationAttributes(of.Attributes.all()...))
	ctx, span := tracer.Start(ctx, s.Name, options...)
	defer span.End()
	for _, e := range s.Events {
		span.AddEvent(e.Name, trace.WithAttributes(e.Attributes.all()...))
	}
	for i := range s.Logs {
		p.log(ctx, &s.Logs[i])
	}
	for i := range s.Below {
		if err := p.perform(ctx, &s.Below[i]); err != nil {
			return err
		}
	}
	span.SetAttributes(s.Later.all()...)
	switch s.Status {
	case "error":
		span.SetStatus(codes.Error, s.Text)
	case "ok":
		span.SetStatus(codes.Ok, "")
	}
	return nil
}

func (p *performance) log(ctx context.Context, l *logged) {
	of := p.Scopes[l.Scope]
	var r log.Record
	r.SetSeverity(log.Severity(l.Severity))
	r.SetSeverityText(l.Text)
	r.SetBody(l.Body.attribute())
	r.AddAttributes(l.Attributes.all()...)
	r.SetEventName(l.Event)
	otel.Logger(of.Name, log.WithInstrumentationVersion(of.Version), log.WithSchemaURL(of.Schema), log.WithInstrumentationAttributes(of.Attributes.all()...)).Emit(ctx, r)
}

func (l *link) context() (trace.SpanContext, error) {
	traceID, err := trace.TraceIDFromHex(l.TraceID)
	if err != nil {
		return trace.SpanContext{}, err
	}
	spanID, err := trace.SpanIDFromHex(l.SpanID)
	if err != nil {
		return trace.SpanContext{}, err
	}
	state, err := trace.ParseTraceState(l.State)
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: traceID, SpanID: spanID, TraceFlags: trace.TraceFlags(l.Flags), TraceState: state, Remote: true,
	}), err
}

func (all values) all() []attribute.KeyValue {
	out := make([]attribute.KeyValue, len(all))
	for i, each := range all {
		out[i] = attribute.KeyValue{Key: attribute.Key(each.Key), Value: each.Value.attribute()}
	}
	return out
}

func of[T any](raw json.RawMessage) (out T) {
	if err := json.Unmarshal(raw, &out); err != nil {
		panic(err)
	}
	return out
}

func (v value) attribute() attribute.Value {
	switch v.Type {
	case "bool":
		return attribute.BoolValue(of[bool](v.Of))
	case "int":
		return attribute.Int64Value(of[int64](v.Of))
	case "float":
		return attribute.Float64Value(of[float64](v.Of))
	case "str":
		return attribute.StringValue(of[string](v.Of))
	case "bytes":
		return attribute.ByteSliceValue(of[[]byte](v.Of))
	case "bools":
		return attribute.BoolSliceValue(of[[]bool](v.Of))
	case "ints":
		return attribute.Int64SliceValue(of[[]int64](v.Of))
	case "floats":
		return attribute.Float64SliceValue(of[[]float64](v.Of))
	case "strs":
		return attribute.StringSliceValue(of[[]string](v.Of))
	case "list":
		var members []attribute.Value
		for _, each := range of[[]value](v.Of) {
			members = append(members, each.attribute())
		}
		return attribute.SliceValue(members...)
	case "map":
		return attribute.MapValue(of[values](v.Of).all()...)
	}
	panic(fmt.Sprintf("unknown type %q", v.Type))
}
