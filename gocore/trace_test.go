package gocore

import (
	"context"
	"slices"
	"testing"
	"time"
)

// sending is an observer that has something to send.
type sending struct {
	recordingObserver
	trace TraceContext
	sent  []Propagated
}

func (o *sending) Trace(context.Context) TraceContext { return o.trace }
func (o *sending) StartRequest(ctx context.Context, _ Outgoing) (context.Context, func(Answer)) {
	return ctx, func(Answer) {}
}

func (o *sending) Retry(context.Context, error, int, time.Duration) {}

func (o *sending) Headers(context.Context) []Propagated { return o.sent }

// A program gets headers as OpenTelemetry's convention for environments names them; empty ones
// hide what was inherited, and baggage alone is no reason to change anything.
func TestEnvironmentOf(t *testing.T) {
	defer observer.Store(nil)
	baggage := Propagated{Headers: []Header{{"baggage", "a=1"}}, IsBaggage: true}
	own := Propagated{Headers: []Header{{"X-Amzn-Trace-Id", "Root=1"}, {"x.b-3_é", ""}, {"3rd", "3"}}}
	for _, c := range []struct {
		parent string
		sent   []Propagated
		want   []string
	}{
		{"", nil, nil},
		{"", []Propagated{baggage}, nil},
		{"00-1-1-01", []Propagated{baggage}, []string{"BAGGAGE=a=1"}},
		{"", []Propagated{own, baggage}, []string{"X_AMZN_TRACE_ID=Root=1", "X_B_3__=", "_3RD=3", "BAGGAGE=a=1"}},
		{"00-1-1-01", nil, nil},
	} {
		SetObserver(&sending{trace: TraceContext{Parent: c.parent}, sent: c.sent})
		if got := environmentOf(context.Background()); !slices.Equal(got, c.want) {
			t.Errorf("%+v gave %q", c, got)
		}
	}
}
