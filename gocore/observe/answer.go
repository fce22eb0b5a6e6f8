package observe

import (
	"context"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
)

// answer is what a receiver says of a batch that it took a part of. The exporter makes an error
// of it that only names the number.
type answer struct {
	isPartial bool
	rejected  int64
}

type answerKey struct{}

// withAnswer gives a context for sending a batch, and where the answer to that will be.
func withAnswer(ctx context.Context) (context.Context, *answer) {
	a := &answer{}
	return context.WithValue(ctx, answerKey{}, a), a
}

// readAnswer is the interceptor that reads it.
func readAnswer(ctx context.Context, method string, request, reply any, to *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	err := invoke(ctx, method, request, reply, to, options...)
	a, isAsked := ctx.Value(answerKey{}).(*answer)
	if response, isOurs := reply.(*collector.ExportTraceServiceResponse); err == nil && isAsked && isOurs {
		a.isPartial = response.GetPartialSuccess() != nil
		a.rejected = response.GetPartialSuccess().GetRejectedSpans()
	}
	return err
}
