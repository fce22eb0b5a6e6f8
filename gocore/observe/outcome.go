package observe

import (
	"context"

	"github.com/gostitch/gostitch/gocore"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/trace"
)

// exceptionSignal says how exceptions are told: as events of spans, which is the default, as log
// records, or as both (OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN).
type exceptionSignal string

const (
	exceptionsInLogs exceptionSignal = "logs"
	exceptionsInBoth exceptionSignal = "logs/dup"
)

// endSpan records how the call ended. One that its caller has cancelled has not failed.
func (t *traces) endSpan(ctx context.Context, span trace.Span, err error) {
	defer span.End()
	if err == nil {
		return
	}
	code := gocore.CodeOf(err)
	span.SetAttributes(AttrCode.String(string(code)))
	if code == gocore.CodeCancelled {
		return
	}
	span.SetStatus(codes.Error, gocore.MessageOf(err))
	span.SetAttributes(attrErrorType.String(gocore.ErrorType(err)))
	told := exception(err)
	if t.exceptions != exceptionsInLogs {
		span.AddEvent(exceptionEvent, trace.WithAttributes(told...))
	}
	if t.exceptions == exceptionsInLogs || t.exceptions == exceptionsInBoth {
		var r log.Record
		r.SetEventName(exceptionEvent)
		r.SetSeverity(log.SeverityError)
		r.AddAttributes(told...)
		processLoggers.Logger(tracerName, log.WithInstrumentationVersion(gocore.Version), log.WithSchemaURL(schemaURL)).Emit(ctx, r)
	}
}

func exception(err error) []attribute.KeyValue {
	attrs := []attribute.KeyValue{
		attrExceptionType.String(gocore.TypeOf(gocore.UsefulError(err))),
		attrExceptionMessage.String(gocore.MessageOf(err)),
	}
	if stack := gocore.StackOf(err); len(stack) > 0 {
		attrs = append(attrs, attrExceptionStacktrace.String(gocore.FormatStack(stack)))
	}
	return attrs
}
