package tasks

import (
	"net/http"
	"slices"

	"github.com/gostitch/gostitch/gocore"
)

// traced sends requests with the trace context of what makes them. Baggage stays at
// home: a server that files are fetched from may be anybody's.
type traced struct{ next http.RoundTripper }

func withTrace(next http.RoundTripper) http.RoundTripper { return traced{next} }

// RoundTrip implements http.RoundTripper. Headers that the caller has given stay, and so
// does without what belongs to them.
func (t traced) RoundTrip(r *http.Request) (*http.Response, error) {
	propagated := slices.DeleteFunc(gocore.HeadersOf(r.Context()), func(p gocore.Propagated) bool {
		return p.IsBaggage || slices.ContainsFunc(p.Headers, func(h gocore.Header) bool { return r.Header.Get(h.Name) != "" })
	})
	if len(propagated) == 0 {
		return t.next.RoundTrip(r)
	}
	own := r.WithContext(r.Context()) // a round tripper may not change its request
	own.Header = r.Header.Clone()
	if own.Header == nil {
		own.Header = http.Header{}
	}
	for _, p := range propagated {
		for _, h := range p.Headers {
			if h.Value != "" {
				own.Header.Set(h.Name, h.Value)
			}
		}
	}
	return t.next.RoundTrip(own)
}
