package observe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gostitch/gostitch/gocore"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/gzip"
)

// newTraces builds the tracer provider that serves Python's configuration; nil if that records nothing.
func newTraces(ctx context.Context, c TraceConfig) (*traces, error) {
	l := limits{
		queue:   max(c.QueueSize, 1),
		batch:   max(min(c.BatchSize, c.QueueSize), 1),
		delay:   seconds(c.DelayS),
		timeout: seconds(c.TimeoutS),
	}
	sampler, err := newSampler(c.Samplers)
	if err != nil {
		return nil, err
	}
	made := &traces{ids: &ids{isRandom: c.RandomIDs}, exceptions: exceptionSignal(c.Exceptions), roots: c.Roots, recordsUnsampled: recordsBelowUnsampled(c.Samplers, 0)}
	switch c.Export {
	case exportOff:
		return nil, nil
	case exportEnded:
		made.sender = nowhere{}
	case exportPython:
		made.handover = newHandover(describingTo(c, resource.Empty()), l)
		made.sender = made.handover
	default:
		made.sender, err = newDirect(ctx, c, l)
		if err != nil {
			return nil, err
		}
	}
	made.provide(withStart(made.sender, c.StartBaggage), sdktrace.WithRawSpanLimits(spanLimits(c)), sdktrace.WithSampler(sampler))
	return made, nil
}

func withStart(to sender, baggage bool) sdktrace.SpanProcessor {
	if baggage {
		return withBaggage{others{to}}
	}
	return others{to}
}

// newDirect makes the sender that sends where Python's exporter does.
func newDirect(ctx context.Context, c TraceConfig, l limits) (sender, error) {
	exporter, err := newExporter(ctx, c)
	if err != nil {
		return nil, err
	}
	attributes, err := resourceAttributes(c.Resource)
	if err != nil {
		return nil, err
	}
	return newBatcher(exporter, describingTo(c, resource.NewWithAttributes(c.ResourceSchemaURL, attributes...)), l), nil
}

// spanLimits are Python's. Where spans bear baggage, which is an attribute until they are
// there, Python itself applies those of attributes.
func spanLimits(c TraceConfig) sdktrace.SpanLimits {
	out := sdktrace.SpanLimits{
		AttributeCountLimit:         c.Limits.Attributes,
		AttributeValueLengthLimit:   c.Limits.AttributeLength,
		EventCountLimit:             c.Limits.Events,
		AttributePerEventCountLimit: c.Limits.EventAttributes,
		LinkCountLimit:              c.Limits.Links,
		AttributePerLinkCountLimit:  c.Limits.LinkAttributes,
	}
	// One is kept, and dropped when the span is sent: of a span without any the SDK forgets how many
	// there were.
	out.EventCountLimit, out.LinkCountLimit = atLeastOne(out.EventCountLimit), atLeastOne(out.LinkCountLimit)
	if c.StartBaggage {
		out.AttributeValueLengthLimit, out.AttributeCountLimit = -1, -1
	}
	return out
}

func atLeastOne(limit int) int {
	if limit == 0 {
		return 1
	}
	return limit
}

// describingTo has the limits that hold for all attributes of a span.
func describingTo(c TraceConfig, of *resource.Resource) describing {
	limits := spanLimits(c)
	return describing{
		of, limits.AttributeCountLimit, texts(limits.AttributeValueLengthLimit), texts(c.Limits.InnerLength),
		c.Limits.Events == 0, c.Limits.Links == 0,
	}
}

// provide makes the provider, whose spans go to the processor.
func (t *traces) provide(to sdktrace.SpanProcessor, options ...sdktrace.TracerProviderOption) {
	making.Store(true)
	defer making.Store(false)
	t.provider = sdktrace.NewTracerProvider(append(options,
		// The sender has the one that counts.
		sdktrace.WithResource(resource.Empty()),
		sdktrace.WithIDGenerator(t.ids),
		sdktrace.WithSpanProcessor(to),
	)...)
	t.tracer = t.provider.Tracer(tracerName, trace.WithInstrumentationVersion(gocore.Version), trace.WithSchemaURL(schemaURL))
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// newExporter sends spans where Python's exporter does.
func newExporter(ctx context.Context, c TraceConfig) (sdktrace.SpanExporter, error) {
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

// firstRetry is when Python's exporter tries again, too.
const firstRetry = time.Second

// exporterOptions say everything that OTEL_* variables could say otherwise:
// Python's exporter has read them already, and knows what was set explicitly.
func exporterOptions(c TraceConfig) ([]otlptracegrpc.Option, error) {
	transport, err := transportCredentials(c)
	if err != nil {
		return nil, err
	}
	timeout := seconds(c.TimeoutS)
	compressor := encoding.Identity
	if c.Gzip {
		compressor = gzip.Name
	}
	return []otlptracegrpc.Option{
		otlptracegrpc.WithEndpoint(c.Endpoint),
		otlptracegrpc.WithHeaders(c.Headers),
		otlptracegrpc.WithTimeout(timeout),
		otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{
			Enabled: true, InitialInterval: firstRetry, MaxInterval: timeout, MaxElapsedTime: timeout,
		}),
		otlptracegrpc.WithDialOption(grpc.WithDefaultCallOptions(grpc.UseCompressor(compressor)), grpc.WithChainUnaryInterceptor(readAnswer)),
		otlptracegrpc.WithTLSCredentials(transport),
	}, nil
}

// transportCredentials are Python's, as far as it has any.
func transportCredentials(c TraceConfig) (credentials.TransportCredentials, error) {
	if c.Insecure {
		return insecure.NewCredentials(), nil
	}
	config := &tls.Config{ServerName: c.ServerName, MinVersion: tls.VersionTLS12}
	if c.Certificates != "" {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM([]byte(c.Certificates)) {
			return nil, errors.New("the exporter's root certificates (OTEL_EXPORTER_OTLP_CERTIFICATE) hold no certificate in PEM form; correct them")
		}
	}
	if c.ClientCertificate != "" {
		pair, err := tls.X509KeyPair([]byte(c.ClientCertificate), []byte(c.ClientKey))
		if err != nil {
			return nil, fmt.Errorf("the exporter's client certificate and key (OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE, _KEY) do not fit: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return credentials.NewTLS(config), nil
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
