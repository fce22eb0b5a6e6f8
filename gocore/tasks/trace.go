package tasks

import (
	"net/http"

	"github.com/gostitch/gostitch/gocore"
)

// traced sends requests with the trace context of what makes them. Baggage stays at
// home: a server that files are fetched from may be anybody's.
type traced struct{ next http.RoundTripper }

func withTrace(next http.RoundTripper) http.RoundTripper { return traced{next} }

// The names of the headers, as net/http has them.
const (
	parentHeader = "Traceparent"
	stateHeader  = "Tracestate"
)

// RoundTrip implements http.RoundTripper. A traceparent that the caller has given stays.
func (t traced) RoundTrip(r *http.Request) (*http.Response, error) {
	trace := gocore.TraceOf(r.Context())
	if trace.Parent == "" || r.Header.Get(parentHeader) != "" {
		return t.next.RoundTrip(r)
	}
	own := r.WithContext(r.Context()) // a round tripper may not change its request
	own.Header = r.Header.Clone()
	if own.Header == nil {
		own.Header = http.Header{}
	}
	own.Header.Set(parentHeader, trace.Parent)
	if trace.State != "" {
		own.Header.Set(stateHeader, trace.State)
	}
	return t.next.RoundTrip(own)
}
