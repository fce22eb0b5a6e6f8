package observe

import (
	"github.com/gostitch/gostitch/gocore/codec"
	"github.com/tinylib/msgp/msgp"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// The kinds of data, as they cross.
const (
	kindSum         = "sum"
	kindGauge       = "gauge"
	kindHistogram   = "histogram"
	kindExponential = "exponential"
)

// appendPoints writes [scope, metrics] for each scope. Its twin is python/gostitch/observe/_points.py.
func appendPoints(out []byte, scopes []metricdata.ScopeMetrics) []byte {
	out = msgp.AppendArrayHeader(out, uint32(len(scopes)))
	for _, each := range scopes {
		out = msgp.AppendArrayHeader(out, 2)
		out = appendScope(out, each.Scope)
		out = appendList(out, each.Metrics, appendMetric)
	}
	return out
}

// appendMetric writes [name, description, unit, kind, whether it is of the time since the last
// collection, whether it only grows, points].
func appendMetric(out []byte, m metricdata.Metrics) []byte {
	out = msgp.AppendArrayHeader(out, 7)
	out = codec.AppendString(out, m.Name)
	out = codec.AppendString(out, m.Description)
	out = codec.AppendString(out, m.Unit)
	switch data := m.Data.(type) {
	case metricdata.Sum[int64]:
		out = appendKind(out, kindSum, data.Temporality, data.IsMonotonic)
		return appendList(out, data.DataPoints, appendNumber)
	case metricdata.Sum[float64]:
		out = appendKind(out, kindSum, data.Temporality, data.IsMonotonic)
		return appendList(out, data.DataPoints, appendNumber)
	case metricdata.Gauge[int64]:
		out = appendKind(out, kindGauge, metricdata.CumulativeTemporality, false)
		return appendList(out, data.DataPoints, appendNumber)
	case metricdata.Gauge[float64]:
		out = appendKind(out, kindGauge, metricdata.CumulativeTemporality, false)
		return appendList(out, data.DataPoints, appendNumber)
	case metricdata.Histogram[int64]:
		out = appendKind(out, kindHistogram, data.Temporality, false)
		return appendList(out, data.DataPoints, appendHistogram)
	case metricdata.Histogram[float64]:
		out = appendKind(out, kindHistogram, data.Temporality, false)
		return appendList(out, data.DataPoints, appendHistogram)
	case metricdata.ExponentialHistogram[int64]:
		out = appendKind(out, kindExponential, data.Temporality, false)
		return appendList(out, data.DataPoints, appendExponential)
	case metricdata.ExponentialHistogram[float64]:
		out = appendKind(out, kindExponential, data.Temporality, false)
		return appendList(out, data.DataPoints, appendExponential)
	}
	out = appendKind(out, kindGauge, metricdata.CumulativeTemporality, false) // nothing that the SDK makes
	return msgp.AppendArrayHeader(out, 0)
}

func appendKind(out []byte, kind string, temporality metricdata.Temporality, grows bool) []byte {
	out = codec.AppendString(out, kind)
	out = msgp.AppendBool(out, temporality == metricdata.DeltaTemporality)
	return msgp.AppendBool(out, grows)
}

// appendNumber writes [attributes, start, time, exemplars, value].
func appendNumber[N int64 | float64](out []byte, p metricdata.DataPoint[N]) []byte {
	out = msgp.AppendArrayHeader(out, 5)
	out = appendAttributes(out, p.Attributes.ToSlice())
	out = msgp.AppendInt64(out, nanoseconds(p.StartTime))
	out = msgp.AppendInt64(out, nanoseconds(p.Time))
	out = appendList(out, p.Exemplars, appendExemplar)
	return appendNumeral(out, p.Value)
}

// appendHistogram writes [attributes, start, time, exemplars, count, sum, least, greatest, bounds,
// counts]; least and greatest are nil where they are not known.
func appendHistogram[N int64 | float64](out []byte, p metricdata.HistogramDataPoint[N]) []byte {
	out = msgp.AppendArrayHeader(out, 10)
	out = appendAttributes(out, p.Attributes.ToSlice())
	out = msgp.AppendInt64(out, nanoseconds(p.StartTime))
	out = msgp.AppendInt64(out, nanoseconds(p.Time))
	out = appendList(out, p.Exemplars, appendExemplar)
	out = msgp.AppendUint64(out, p.Count)
	out = appendNumeral(out, p.Sum)
	out = appendExtremum(out, p.Min)
	out = appendExtremum(out, p.Max)
	out = appendList(out, p.Bounds, msgp.AppendFloat64)
	return appendList(out, p.BucketCounts, msgp.AppendUint64)
}

// appendExponential writes [attributes, start, time, exemplars, count, sum, least, greatest, scale, how
// many were zero, positive buckets, negative ones].
func appendExponential[N int64 | float64](out []byte, p metricdata.ExponentialHistogramDataPoint[N]) []byte {
	out = msgp.AppendArrayHeader(out, 12)
	out = appendAttributes(out, p.Attributes.ToSlice())
	out = msgp.AppendInt64(out, nanoseconds(p.StartTime))
	out = msgp.AppendInt64(out, nanoseconds(p.Time))
	out = appendList(out, p.Exemplars, appendExemplar)
	out = msgp.AppendUint64(out, p.Count)
	out = appendNumeral(out, p.Sum)
	out = appendExtremum(out, p.Min)
	out = appendExtremum(out, p.Max)
	out = msgp.AppendInt64(out, int64(p.Scale))
	out = msgp.AppendUint64(out, p.ZeroCount)
	out = appendBuckets(out, p.PositiveBucket)
	return appendBuckets(out, p.NegativeBucket)
}

// appendBuckets writes [offset, counts].
func appendBuckets(out []byte, b metricdata.ExponentialBucket) []byte {
	out = msgp.AppendArrayHeader(out, 2)
	out = msgp.AppendInt64(out, int64(b.Offset))
	return appendList(out, b.Counts, msgp.AppendUint64)
}

// appendExemplar writes [attributes that the point has not, time, trace id, span id, value].
func appendExemplar[N int64 | float64](out []byte, e metricdata.Exemplar[N]) []byte {
	out = msgp.AppendArrayHeader(out, 5)
	out = appendAttributes(out, e.FilteredAttributes)
	out = msgp.AppendInt64(out, nanoseconds(e.Time))
	out = msgp.AppendBytes(out, e.TraceID)
	out = msgp.AppendBytes(out, e.SpanID)
	return appendNumeral(out, e.Value)
}

func appendExtremum[N int64 | float64](out []byte, e metricdata.Extrema[N]) []byte {
	value, isKnown := e.Value()
	if !isKnown {
		return msgp.AppendNil(out)
	}
	return appendNumeral(out, value)
}

func appendNumeral[N int64 | float64](out []byte, n N) []byte {
	switch n := any(n).(type) {
	case int64:
		return msgp.AppendInt64(out, n)
	case float64:
		return msgp.AppendFloat64(out, n)
	}
	return out
}
