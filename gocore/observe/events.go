package observe

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/getsentry/sentry-go"
	"github.com/gostitch/gostitch/gocore"
	"github.com/gostitch/gostitch/gocore/codec"
	"github.com/tinylib/msgp/msgp"
)

// handOver is the transport of the library's client: what sentry-go has made goes to Python,
// through whose client it is sent, with all that is configured there. Its twin is
// python/gostitch/observe/_go_events.py.
type handOver struct {
	config SentryConfig
	once   sync.Once
	direct atomic.Pointer[sentry.HTTPTransport] // nil: Python has sent all
}

// ended tells that Python sends nothing any more.
var ended atomic.Bool

// SendEvent implements sentry.Transport.
func (h *handOver) SendEvent(event *sentry.Event) {
	owner := takeOwner(event)
	h.leaveToPython(event)
	mendFrames(event)
	tag(event, owner)
	if ended.Load() {
		h.sendAlone(event)
		return
	}
	frame, err := appendEvent(nil, event)
	if err != nil {
		slog.Warn(fmt.Sprintf("an event for Sentry cannot be written as JSON, and is dropped: %v", err))
		return
	}
	if owner != nil {
		err = owner.Send(frame)
	} else {
		err = gocore.SendEvent(frame)
	}
	if err == gocore.ErrNobody {
		h.sendAlone(event)
	}
}

// leaveToPython takes out what Python knows better.
func (h *handOver) leaveToPython(event *sentry.Event) {
	options := h.config.options()
	for _, each := range []struct {
		field *string
		ours  string
	}{
		{&event.Release, options.Release},
		{&event.Environment, options.Environment},
		{&event.ServerName, options.ServerName},
		{&event.Dist, options.Dist},
	} {
		if *each.field == each.ours {
			*each.field = ""
		}
	}
	if event.Type != transaction && event.Contexts["trace"]["trace_id"] == untraced.TraceID {
		delete(event.Contexts, "trace")
	}
}

// tag says whose event it is: the version of gostitch, and the function of the call. Tags of the
// program's own stay.
func tag(event *sentry.Event, owner *gocore.CallEvents) {
	if event.Type != "" && event.Type != transaction {
		return
	}
	own := event.Tags
	event.Tags = map[string]string{string(AttrVersion): gocore.Version}
	if owner != nil && owner.Function != "" {
		event.Tags[string(AttrCalled)] = owner.Function
	}
	maps.Copy(event.Tags, own)
}

// The types of events, as sentry-go has them.
const (
	transaction = "transaction"
	checkIn     = "check_in"
	logBatch    = "log"
	metricBatch = "trace_metric"
)

// appendEvent writes an event: [type, body, headers of the trace, attachments], where the
// body is what sentry-go would send, and an attachment is [name, type, bytes].
func appendEvent(out []byte, event *sentry.Event) ([]byte, error) {
	body, err := marshal(event)
	if err != nil {
		return nil, err
	}
	out = msgp.AppendArrayHeader(out, 4)
	out = codec.AppendString(out, event.Type)
	out = msgp.AppendBytes(out, body)
	headers := map[string]string{}
	if event.Type == transaction {
		headers = event.GetDynamicSamplingContext()
	}
	out = msgp.AppendMapHeader(out, uint32(len(headers)))
	for name, value := range headers {
		out = codec.AppendString(out, name)
		out = codec.AppendString(out, value)
	}
	out = msgp.AppendArrayHeader(out, uint32(len(event.Attachments)))
	for _, each := range event.Attachments {
		out = msgp.AppendArrayHeader(out, 3)
		out = codec.AppendString(out, each.Filename)
		out = codec.AppendString(out, each.ContentType)
		out = msgp.AppendBytes(out, each.Payload)
	}
	return out, nil
}

// marshal writes an event as JSON. What is in it is the user's, whose methods may panic.
func marshal(event *sentry.Event) (body []byte, err error) {
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("a method panicked: %v", value)
		}
	}()
	return json.Marshal(event)
}

// sendAlone sends an event of a process whose Python has ended, sampled as Python would. Whether
// logs and metrics are wanted, only Python's client knows.
func (h *handOver) sendAlone(event *sentry.Event) {
	if !h.config.Alone || event.Type == logBatch || event.Type == metricBatch {
		return
	}
	if event.Type == "" && rand.Float64() >= h.config.SampleRate {
		return
	}
	h.once.Do(func() {
		direct := sentry.NewHTTPTransport()
		direct.Configure(sentry.ClientOptions{Dsn: h.config.DSN})
		h.direct.Store(direct)
	})
	event.Release, event.Environment = h.config.Release, h.config.Environment
	event.ServerName, event.Dist = h.config.ServerName, h.config.Dist
	h.direct.Load().SendEvent(event)
}

// Flush implements sentry.Transport.
func (h *handOver) Flush(timeout time.Duration) bool {
	ctx, stop := context.WithTimeout(context.Background(), timeout)
	defer stop()
	return h.FlushWithContext(ctx)
}

// FlushWithContext implements sentry.Transport. Events of the call that asks for it wait for
// their caller no longer; what Python has, it sends.
func (h *handOver) FlushWithContext(ctx context.Context) bool {
	gocore.ReleaseEventsHere()
	direct := h.direct.Load()
	return direct == nil || direct.FlushWithContext(ctx)
}

// Configure implements sentry.Transport.
func (h *handOver) Configure(sentry.ClientOptions) {}

// Close implements sentry.Transport.
func (h *handOver) Close() {}

// FlushEvents hands all events to Python that wait for company or for a caller.
//
//gostitch:long
func FlushEvents(ctx context.Context, _ FlushConfig) (None, error) {
	if r := process.sentry.Load(); r != nil {
		r.client.FlushWithContext(ctx)
	}
	gocore.ReleaseEvents()
	return None{}, nil
}

// Number names a call that has ended.
type Number struct {
	// Number of its events.
	Number int
}

// TakeEvents gives the events of a call that has ended to its caller.
func TakeEvents(_ context.Context, n Number) ([][]byte, error) {
	return gocore.TakeEvents(uint32(n.Number)), nil
}
