package observe

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/getsentry/sentry-go"
	"github.com/gostitch/gostitch/gocore"
	"github.com/gostitch/gostitch/gocore/internal/golden"
)

// receiver is a server of Sentry events that keeps what it was sent.
func receiver(t *testing.T) (dsn string, sent <-chan string) {
	t.Helper()
	bodies := make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies <- string(body)
		_, _ = w.Write([]byte(`{"id":"1"}`))
	}))
	t.Cleanup(server.Close)
	return strings.Replace(server.URL, "://", "://public@", 1) + "/1", bodies
}

// configured has every hub report as Python says, and none at the end of the test.
func configured(t *testing.T, c SentryConfig) {
	t.Helper()
	configure := func(c SentryConfig) {
		if _, err := Configure(context.Background(), Config{Sentry: &c}); err != nil {
			t.Fatal(err)
		}
	}
	configure(c)
	t.Cleanup(func() { configure(SentryConfig{}) })
}

// Go sends by itself what Python cannot any more, with Python's release, and only if it may.
func TestGoAlone(t *testing.T) {
	dsn, sent := receiver(t)
	send := func(c SentryConfig) {
		c.Active, c.DSN = true, dsn
		configured(t, c)
		sentry.CaptureException(errors.New("at the end"))
		if !sentry.Flush(5 * time.Second) {
			t.Error("the flush failed")
		}
	}
	gocore.SetHostQueue(nil)
	for _, c := range []SentryConfig{
		{Alone: true, SampleRate: 1, Release: "shop@1", Environment: "staging", ServerName: "host", Dist: "d", Ended: true},
		{Alone: true, SampleRate: 1, Release: "shop@1", Environment: "staging", ServerName: "host", Dist: "d"},
	} {
		send(c)
		select {
		case body := <-sent:
			for _, want := range []string{`"shop@1"`, `"staging"`, `"host"`, `"dist":"d"`, "at the end", `"version":"go1.`, `"modules":{"github.com/gostitch/gostitch"`, `"gostitch.version":`, `"gostitch.error.code":"unknown"`} {
				if !strings.Contains(body, want) {
					t.Errorf("%s is missing in %s", want, body)
				}
			}
		default:
			t.Error("nothing was sent")
		}
	}
	for _, c := range []SentryConfig{{SampleRate: 1}, {SampleRate: 1, Ended: true}, {Alone: true, SampleRate: 0}} {
		send(c)
		if len(sent) != 0 {
			t.Errorf("%+v sent %s", c, <-sent)
		}
	}
}

// What Python's client may not want at all is not sent past it.
func TestLogsAloneAreNotSent(t *testing.T) {
	dsn, sent := receiver(t)
	configured(t, SentryConfig{Active: true, DSN: dsn, Alone: true, SampleRate: 1, Ended: true})
	sentry.NewLogger(context.Background()).Info().Emit("private")
	sentry.NewMeter(context.Background()).Count("private", 1)
	sentry.CaptureMessage("last")
	if !sentry.Flush(5 * time.Second) {
		t.Error("the flush failed")
	}
	if body := <-sent; len(sent) != 0 || !strings.Contains(body, "last") {
		t.Errorf("%d more were sent than the message, or before it %s", len(sent), body)
	}
}

// While Python is there Go sends nothing, whatever it may.
func TestGoIsNotAlone(t *testing.T) {
	dsn, sent := receiver(t)
	queue := gocore.NewQueue(func() {})
	gocore.SetHostQueue(queue)
	defer gocore.SetHostQueue(nil)
	configured(t, SentryConfig{Active: true, DSN: dsn, Alone: true, SampleRate: 1})
	sentry.CaptureException(errors.New("any time"))
	sentry.Flush(time.Second)
	if queue.Len() != 1 || len(sent) != 0 {
		t.Errorf("%d records, %d requests", queue.Len(), len(sent))
	}
}

// A client that the program has made stays in its place, whatever Python's does.
func TestClientOfTheProgram(t *testing.T) {
	own := &sentry.MockTransport{}
	configured(t, SentryConfig{Active: true})
	if err := sentry.Init(sentry.ClientOptions{Transport: own, Release: "own"}); err != nil {
		t.Fatal(err)
	}
	defer sentry.CurrentHub().BindClient(nil)
	configured(t, SentryConfig{Active: true, Release: "later"})
	sentry.CaptureException(errors.New("x"))
	if got := own.Events(); len(got) != 1 || got[0].Release != "own" {
		t.Errorf("its client has %d events", len(got))
	}
}

// Roots follow the rate, what has a parent its decision; and are below the span of OpenTelemetry.
func TestSampler(t *testing.T) {
	configured(t, SentryConfig{Active: true, TracesSampleRate: 0})
	ctx, _ := contextWithTrace(context.Background(), []byte(header))
	below := sentry.StartSpan(ctx, "op")
	if below.TraceID.String() != "0102030405060708090a0b0c0d0e0f10" || below.ParentSpanID.String() != "1112131415161718" || !below.Sampled.Bool() {
		t.Errorf("the span is %s below %s, sampled %s", below.TraceID, below.ParentSpanID, below.Sampled)
	}
	if child := below.StartChild("part"); child.ParentSpanID != below.SpanID || !child.Sampled.Bool() {
		t.Error("a child is not below it")
	}
	unsampled, _ := contextWithTrace(context.Background(), []byte(strings.Replace(header, "-03", "-00", 1)))
	continued := sentry.ContinueFromHeaders("0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1", "")
	for want, span := range map[string]*sentry.Span{
		"SampledFalse root":     sentry.StartSpan(context.Background(), "op"),
		"SampledFalse below":    sentry.StartSpan(unsampled, "op"),
		"SampledTrue continued": sentry.StartSpan(ctx, "op", continued),
	} {
		if got := span.Sampled.String(); !strings.HasPrefix(want, got+" ") {
			t.Errorf("%s: %s", want, got)
		}
	}
	configured(t, SentryConfig{Active: true, TracesSampleRate: -1})
	if sentry.StartSpan(ctx, "op").Sampled.Bool() {
		t.Error("there is tracing where Python has none")
	}
}

// An event is what Python reads.
func TestGoldenEvent(t *testing.T) {
	frame, err := appendEvent(nil, &sentry.Event{
		EventID:     "0123456789abcdef0123456789abcdef",
		Level:       sentry.LevelWarning,
		Message:     "text",
		Platform:    "go",
		Timestamp:   time.Unix(1_700_000_000, 123456789).UTC(),
		Breadcrumbs: []*sentry.Breadcrumb{{Message: "before", Timestamp: time.Unix(1_699_999_999, 0).In(time.FixedZone("", 3600))}},
		Exception:   []sentry.Exception{{Type: "*errors.errorString", Value: "it failed"}},
		Attachments: []*sentry.Attachment{{Filename: "a.txt", ContentType: "text/plain", Payload: []byte("\xff")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "event", frame)
}

// panics is a value whose text is a panic.
type panics struct{}

func (panics) MarshalJSON() ([]byte, error) { panic("hostile") }

// What is in an event may be anything: what cannot be written is an error.
func TestHostileEvent(t *testing.T) {
	t.Parallel()
	for _, value := range []any{make(chan int), panics{}} {
		event := sentry.NewEvent()
		event.Contexts["x"] = sentry.Context{"y": value}
		if frame, err := appendEvent(nil, event); err == nil {
			t.Errorf("%T became %q", value, bytes.TrimSpace(frame))
		}
	}
}

// The user's own code is neither Go's nor another module's. sentry-go looks at folders alone.
func TestInApp(t *testing.T) {
	t.Parallel()
	for _, each := range []struct {
		frame sentry.Frame
		want  bool
	}{
		{sentry.Frame{Module: "example.com/shop", Function: "Sell", Filename: "example.com/shop/shop.go"}, true},
		{sentry.Frame{Module: "main", Function: "main", Filename: "example.com/shop/cmd/shop/main.go"}, true},
		{sentry.Frame{Module: "net/http", Function: "Get", Filename: "net/http/client.go"}, false},
		{sentry.Frame{Module: "example.com/other", Function: "F", Filename: "example.com/other@v0.1.0/b.go"}, false},
		{sentry.Frame{Module: "example.com/other", Function: "F", AbsPath: "/go/pkg/mod/example.com/other@v1/b.go"}, false},
		{sentry.Frame{Module: "example.com/shop/vendor/x", Function: "F"}, false},
		{sentry.Frame{Module: "example.com/shop/third_party/x", Function: "F"}, false},
	} {
		if got := isInApp(&each.frame); got != each.want {
			t.Errorf("%+v: %v", each.frame, got)
		}
	}
}
