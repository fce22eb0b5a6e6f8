package observe

import (
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// The names of the attributes that gostitch sets. Each stands here once; those
// of code.* follow the OpenTelemetry semantic conventions.
const (
	// AttrSide says which language made a span; SideGo on each one of ours.
	AttrSide     = attribute.Key("gostitch.side")
	SideGo       = "go"
	AttrFunction = attribute.Key("code.function.name")
	AttrFile     = attribute.Key("code.file.path")
	AttrLine     = attribute.Key("code.line.number")
	// AttrCallee is the name that Python calls a function by, in metrics and log records.
	AttrCallee = attribute.Key("gostitch.function")
	// AttrCode is the code of the error that ended a call (gocore.Code).
	AttrCode = attribute.Key("gostitch.error.code")
	// AttrVersion is that of gostitch, and AttrCalled the function of a call, as callers name it; both are
	// tags of Sentry events.
	AttrVersion = attribute.Key("gostitch.version")
	AttrCalled  = attribute.Key("gostitch.function")
	// AttrMarshalIn is how long the decoding of a call's arguments took, in ns.
	AttrMarshalIn = attribute.Key("gostitch.call.marshal_in_ns")
	// AttrRun is how long the function itself took, in ns.
	AttrRun = attribute.Key("gostitch.call.run_ns")
	// AttrMarshalOut is how long the encoding of the result took, in ns.
	AttrMarshalOut = attribute.Key("gostitch.call.marshal_out_ns")

	// attrStartBaggage is the baggage that a span began with, on its way to Python; it is
	// on no span that is sent.
	attrStartBaggage = attribute.Key("gostitch.start_baggage")

	// AttrRequests is how many HTTP requests a call has made, or are summed.
	AttrRequests = attribute.Key("gostitch.http.requests")
	// AttrRequestErrors is how many of them have failed.
	AttrRequestErrors = attribute.Key("gostitch.http.errors")
	// AttrRequestResends is how many of them were sent again, as retries or because of redirects.
	AttrRequestResends = attribute.Key("gostitch.http.resends")

	attrMethod         = attribute.Key("http.request.method")
	attrMethodOriginal = attribute.Key("http.request.method_original")
	attrResends        = attribute.Key("http.request.resend_count")
	attrStatus         = attribute.Key("http.response.status_code")
	attrProtocol       = attribute.Key("network.protocol.version")
	attrServer         = attribute.Key("server.address")
	attrPort           = attribute.Key("server.port")
	attrURL            = attribute.Key("url.full")

	attrDirection = attribute.Key("gostitch.direction")

	attrErrorType           = attribute.Key("error.type")
	attrExceptionType       = attribute.Key("exception.type")
	attrExceptionMessage    = attribute.Key("exception.message")
	attrExceptionStacktrace = attribute.Key("exception.stacktrace")
)

// exceptionEvent is the name of an event or a log record that tells of an error.
const exceptionEvent = "exception"

// schemaURL is that of the conventions that these names follow.
const schemaURL = semconv.SchemaURL

// tracerName is the instrumentation scope of the call spans; its version is gocore.Version.
const tracerName = "github.com/gostitch/gostitch"
