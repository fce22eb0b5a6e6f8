package observe

import (
	"context"
	"crypto/x509"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/grpc/credentials"
)

// batchDelay is how long a finished span waits for company. Python's default
// of five seconds would make a trace look broken for as long.
const batchDelay = time.Second

// newTraces builds the tracer provider that serves Python's configuration.
func newTraces(ctx context.Context, c TraceConfig) (*traces, error) {
	exporter, err := newExporter(ctx, c)
	if err != nil {
		return nil, err
	}
	attributes, err := resourceAttributes(c.Resource)
	if err != nil {
		return nil, err
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithResource(resource.NewWithAttributes(c.ResourceSchemaURL, attributes...)),
		// The root decision is Python's; a trace that begins in Go (a goroutine
		// that outlives its call) is kept.
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.AlwaysSample())),
		sdktrace.WithSpanProcessor(sideProcessor{}),
		sdktrace.WithBatcher(exporter, sdktrace.WithBatchTimeout(batchDelay)),
	)
	otel.SetTracerProvider(provider)
	otel.SetTextMapPropagator(propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{}))
	return &traces{provider: provider, tracer: provider.Tracer(tracerName)}, nil
}

// newExporter sends spans where Python's exporter does, or to Python itself if
// that has none which Go can stand in for.
func newExporter(ctx context.Context, c TraceConfig) (sdktrace.SpanExporter, error) {
	if c.Endpoint == "" {
		return recordExporter{}, nil
	}
	options, err := exporterOptions(c)
	if err != nil {
		return nil, err
	}
	exporter, err := otlptracegrpc.New(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("the OTLP exporter cannot be made: %w", err)
	}
	return exporter, nil
}

func exporterOptions(c TraceConfig) ([]otlptracegrpc.Option, error) {
	options := []otlptracegrpc.Option{
		otlptracegrpc.WithEndpoint(c.Endpoint),
		otlptracegrpc.WithHeaders(c.Headers),
		otlptracegrpc.WithTimeout(time.Duration(c.TimeoutS * float64(time.Second))),
	}
	if c.Gzip {
		options = append(options, otlptracegrpc.WithCompressor("gzip"))
	}
	if c.Insecure {
		return append(options, otlptracegrpc.WithInsecure()), nil
	}
	roots, err := certificates(c.CertificateFile)
	if err != nil {
		return nil, err
	}
	return append(options, otlptracegrpc.WithTLSCredentials(credentials.NewClientTLSFromCert(roots, ""))), nil
}

// certificates reads the authorities to trust; nil means those of the system.
func certificates(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_CERTIFICATE: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_CERTIFICATE: %s holds no certificate in PEM form", file)
	}
	return roots, nil
}

// resourceAttributes makes Go's resource the same as Python's, types included.
func resourceAttributes(from []Attribute) ([]attribute.KeyValue, error) {
	out := make([]attribute.KeyValue, 0, len(from))
	for _, a := range from {
		value, err := attributeValue(a)
		if err != nil {
			return nil, fmt.Errorf("resource attribute %s: %w", a.Key, err)
		}
		out = append(out, attribute.KeyValue{Key: attribute.Key(a.Key), Value: value})
	}
	return out, nil
}

func attributeValue(a Attribute) (attribute.Value, error) {
	kind, isList := strings.CutPrefix(a.Kind, "list of ")
	if !isList && len(a.Values) != 1 {
		return attribute.Value{}, fmt.Errorf("%d values for one %s", len(a.Values), a.Kind)
	}
	switch kind {
	case "str":
		if isList {
			return attribute.StringSliceValue(a.Values), nil
		}
		return attribute.StringValue(a.Values[0]), nil
	case "bool":
		return parsed(a.Values, isList, strconv.ParseBool, attribute.BoolValue, attribute.BoolSliceValue)
	case "int":
		return parsed(a.Values, isList, parseInt, attribute.Int64Value, attribute.Int64SliceValue)
	case "float":
		return parsed(a.Values, isList, parseFloat, attribute.Float64Value, attribute.Float64SliceValue)
	}
	return attribute.Value{}, fmt.Errorf("unknown kind %q", a.Kind)
}

func parseInt(s string) (int64, error) { return strconv.ParseInt(s, 10, 64) }

func parseFloat(s string) (float64, error) { return strconv.ParseFloat(s, 64) }

func parsed[T any](values []string, isList bool, parse func(string) (T, error), one func(T) attribute.Value, list func([]T) attribute.Value) (attribute.Value, error) {
	out := make([]T, len(values))
	for i, value := range values {
		var err error
		if out[i], err = parse(value); err != nil {
			return attribute.Value{}, err
		}
	}
	if isList {
		return list(out), nil
	}
	return one(out[0]), nil
}

// sideProcessor marks every span made by Go, a user's own too.
type sideProcessor struct{}

// OnStart implements sdktrace.SpanProcessor.
func (sideProcessor) OnStart(_ context.Context, s sdktrace.ReadWriteSpan) {
	s.SetAttributes(AttrSide.String(SideGo))
}

// OnEnd implements sdktrace.SpanProcessor.
func (sideProcessor) OnEnd(sdktrace.ReadOnlySpan) {}

// Shutdown implements sdktrace.SpanProcessor.
func (sideProcessor) Shutdown(context.Context) error { return nil }

// ForceFlush implements sdktrace.SpanProcessor.
func (sideProcessor) ForceFlush(context.Context) error { return nil }
