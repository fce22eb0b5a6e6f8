package faults

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
)

// EmitArgs describe a log record.
type EmitArgs struct {
	// Text of its body.
	Text string
	// Severity of OpenTelemetry, from 1 to 24.
	Severity int `gostitch:"severity,default=9"`
	// Event is its name, or empty.
	Event string `gostitch:"event,default="`
	// Error that it tells of, or empty.
	Error string `gostitch:"error,default="`
	// Bridge has slog's bridge write it.
	Bridge bool `gostitch:"bridge,default=False"`
}

var (
	emitter = otel.Logger("faults.logs", log.WithInstrumentationVersion("1.2.3"), log.WithSchemaURL("https://example.com/1"),
		log.WithInstrumentationAttributes(attribute.String("part", "tests")))
	bridge = otelslog.NewLogger("faults.bridge")
)

// Emit writes a log record through OpenTelemetry's API, and returns whether somebody takes it.
func Emit(ctx context.Context, a EmitArgs) (bool, error) {
	if a.Bridge {
		bridge.LogAttrs(ctx, slog.LevelWarn, a.Text, slog.Int("count", 3), slog.Group("in", slog.Bool("side", true)))
		return bridge.Enabled(ctx, slog.LevelWarn), nil
	}
	var r log.Record
	r.SetTimestamp(time.Unix(1_700_000_000, 5))
	r.SetSeverity(log.Severity(a.Severity))
	r.SetSeverityText("custom")
	r.SetBody(attribute.MapValue(attribute.String("text", a.Text), attribute.Slice("list", attribute.IntValue(1), attribute.BoolValue(true))))
	r.AddAttributes(attribute.Int("i", 1), attribute.Float64("f", 0.5), attribute.StringSlice("s", []string{"a", "b"}),
		attribute.ByteSlice("b", []byte{0, 255}))
	r.SetEventName(a.Event)
	if a.Error != "" {
		r.SetErr(errors.New(a.Error))
	}
	emitter.Emit(ctx, r)
	return emitter.Enabled(ctx, log.EnabledParameters{}), nil
}
