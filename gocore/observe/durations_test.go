package observe

import (
	"sync"
	"testing"
	"time"

	"github.com/gostitch/gostitch/gocore"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/exemplar"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// A collection in the middle of calls has whole ones: count, sum, least and greatest are of the same
// calls, and each call is in one collection.
func TestCollectionsAmongCalls(t *testing.T) {
	const each, threads, took = 100_000, 3, time.Millisecond
	d := newCallDurations([]sdkmetric.Stream{{}}, true, 2000, exemplar.AlwaysOffFilter)
	f := &gocore.Function{Name: "a.b"}
	var calls sync.WaitGroup
	for range threads {
		calls.Go(func() {
			for range each {
				d.record(t.Context(), f, gocore.Measurement{Took: took, Lagged: -1})
			}
		})
	}
	ended, all := make(chan struct{}), uint64(0)
	go func() { calls.Wait(); close(ended) }()
	collect := func() {
		for _, s := range d.produce() {
			p := s.Metrics[0].Data.(metricdata.Histogram[float64]).DataPoints[0]
			all += p.Count
			least, _ := p.Min.Value()
			greatest, _ := p.Max.Value()
			if sum := time.Duration(p.Sum*1e9 + 0.5); sum != time.Duration(p.Count)*took || least != took.Seconds() || greatest != took.Seconds() {
				t.Fatalf("%d calls of %s took %s, %g to %g s", p.Count, took, sum, least, greatest)
			}
		}
	}
	for {
		collect()
		select {
		case <-ended:
			collect()
			if all != each*threads {
				t.Errorf("%d calls, not %d", all, each*threads)
			}
			return
		default:
		}
	}
}
