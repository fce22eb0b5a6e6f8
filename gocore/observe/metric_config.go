package observe

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/exemplar"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// MetricConfig is what Python's meter provider says.
type MetricConfig struct {
	// Readers of the provider; none: nothing is recorded.
	Readers []MetricReader
	// Views of the provider.
	Views []MetricView
	// Exemplars says which measurements may be exemplars: trace_based, always_on or always_off.
	Exemplars string
}

// MetricReader is one of Python's metric readers.
type MetricReader struct {
	// Number by which Python collects for it.
	Number int64
	// Kinds of instruments, each once, and what the reader prefers for them.
	Kinds []MetricKind
}

// MetricKind is what a reader prefers for a kind of instruments.
type MetricKind struct {
	// Kind of the instruments: counter, up_down_counter, histogram, gauge, observable_counter,
	// observable_up_down_counter or observable_gauge.
	Kind string
	// Delta has each collection tell of what was recorded since the one before.
	Delta bool
	// Aggregation of their measurements.
	Aggregation MetricAggregation
	// Cardinality is how many sets of attributes an instrument may have; others are summed in one more.
	Cardinality int
}

// MetricAggregation says what measurements become.
type MetricAggregation struct {
	// Kind of aggregation: default, drop, sum, last_value, explicit, exponential, or advised, which is
	// explicit with the boundaries that the instrument has.
	Kind string
	// Boundaries of the buckets, if those are explicit.
	Boundaries []float64
	// MinMax has a histogram tell its least and its greatest value.
	MinMax bool
	// MaxSize is how many buckets an exponential histogram may have.
	MaxSize int
	// MaxScale is the finest scale of an exponential histogram.
	MaxScale int
}

// MetricView is one of Python's views; an empty criterion is none.
type MetricView struct {
	// Kinds of instruments that it is for.
	Kinds []string
	// Name of the instrument, as a pattern of the shell.
	Name string
	// Renamed is the name of what it makes; empty: that of the instrument.
	Renamed string
	// Description of what it makes; empty: that of the instrument.
	Description string
	// Aggregation of the measurements.
	Aggregation MetricAggregation
	// Lost is what only Python can do of it, which is told when it is for an instrument of Go.
	Lost string
	// Unit of the instrument, as a pattern of the shell, or None.
	Unit *string `gostitch:"unit,default=None"`
	// Meter is the name of its meter, or None.
	Meter *string `gostitch:"meter,default=None"`
	// MeterVersion is the version of its meter, or None.
	MeterVersion *string `gostitch:"meter_version,default=None"`
	// MeterSchemaURL is the schema of its meter, or None.
	MeterSchemaURL *string `gostitch:"meter_schema_url,default=None"`
	// Keys of the attributes that are kept, or None for all.
	Keys *[]string `gostitch:"keys,default=None"`
}

// instrumentKinds are those of the SDK by their names in Python.
var instrumentKinds = map[string]sdkmetric.InstrumentKind{
	"counter":                    sdkmetric.InstrumentKindCounter,
	"up_down_counter":            sdkmetric.InstrumentKindUpDownCounter,
	"histogram":                  sdkmetric.InstrumentKindHistogram,
	"gauge":                      sdkmetric.InstrumentKindGauge,
	"observable_counter":         sdkmetric.InstrumentKindObservableCounter,
	"observable_up_down_counter": sdkmetric.InstrumentKindObservableUpDownCounter,
	"observable_gauge":           sdkmetric.InstrumentKindObservableGauge,
}

// exemplarFilters by their names in OTEL_METRICS_EXEMPLAR_FILTER.
var exemplarFilters = map[string]exemplar.Filter{
	"trace_based": exemplar.TraceBasedFilter,
	"always_on":   exemplar.AlwaysOnFilter,
	"always_off":  exemplar.AlwaysOffFilter,
}

// aggregation gives what the SDK has for it; nil for the default.
func (a MetricAggregation) aggregation() (sdkmetric.Aggregation, error) {
	switch a.Kind {
	case "default":
		return nil, nil
	case "drop":
		return sdkmetric.AggregationDrop{}, nil
	case "sum":
		return sdkmetric.AggregationSum{}, nil
	case "last_value":
		return sdkmetric.AggregationLastValue{}, nil
	case "explicit":
		return sdkmetric.AggregationExplicitBucketHistogram{Boundaries: append([]float64{}, a.Boundaries...), NoMinMax: !a.MinMax}, nil
	case "advised":
		return sdkmetric.AggregationExplicitBucketHistogram{NoMinMax: !a.MinMax}, nil
	case "exponential":
		return sdkmetric.AggregationBase2ExponentialHistogram{
			MaxSize: int32(a.MaxSize), MaxScale: int32(a.MaxScale), NoMinMax: !a.MinMax,
		}, nil
	}
	return nil, fmt.Errorf("unknown aggregation %q", a.Kind)
}

// preferences are those of a reader by the kinds of instruments.
type preferences struct {
	temporality map[sdkmetric.InstrumentKind]metricdata.Temporality
	aggregation map[sdkmetric.InstrumentKind]sdkmetric.Aggregation
	cardinality map[sdkmetric.InstrumentKind]int
}

func newPreferences(of MetricReader) (preferences, error) {
	out := preferences{
		map[sdkmetric.InstrumentKind]metricdata.Temporality{}, map[sdkmetric.InstrumentKind]sdkmetric.Aggregation{}, map[sdkmetric.InstrumentKind]int{},
	}
	for name, kind := range instrumentKinds {
		out.temporality[kind] = metricdata.CumulativeTemporality
		for _, each := range of.Kinds {
			if each.Kind != name {
				continue
			}
			if each.Delta {
				out.temporality[kind] = metricdata.DeltaTemporality
			}
			made, err := each.Aggregation.aggregation()
			if err != nil {
				return out, err
			}
			out.aggregation[kind] = made
			out.cardinality[kind] = each.Cardinality + 1 // the SDK of Go counts the one more, too
		}
	}
	return out, nil
}

// view is one of Python's views.
type view struct {
	MetricView
	name, unit  *regexp.Regexp // nil: any
	kinds       map[sdkmetric.InstrumentKind]bool
	aggregation sdkmetric.Aggregation // nil: the reader's
}

func newView(of MetricView) (made view, err error) {
	made = view{MetricView: of, kinds: map[sdkmetric.InstrumentKind]bool{}}
	for _, name := range of.Kinds {
		made.kinds[instrumentKinds[name]] = true
	}
	var failed [3]error
	if of.Name != "" {
		made.name, failed[0] = pattern(strings.ToLower(of.Name))
	}
	if of.Unit != nil {
		made.unit, failed[1] = pattern(*of.Unit)
	}
	made.aggregation, failed[2] = of.Aggregation.aggregation()
	return made, errors.Join(failed[:]...)
}

// matches tells whether the view is for an instrument, by the rules of Python's SDK.
func (v *view) matches(i sdkmetric.Instrument) bool {
	is := func(wanted *string, found string) bool { return wanted == nil || *wanted == found }
	return v.kinds[i.Kind] &&
		(v.name == nil || v.name.MatchString(strings.ToLower(i.Name))) &&
		(v.unit == nil || v.unit.MatchString(i.Unit)) &&
		is(v.Meter, i.Scope.Name) && is(v.MeterVersion, i.Scope.Version) && is(v.MeterSchemaURL, i.Scope.SchemaURL) &&
		!(isHistogram(v.aggregation) && isAsynchronous(i.Kind))
}

func isHistogram(a sdkmetric.Aggregation) bool {
	switch a.(type) {
	case sdkmetric.AggregationExplicitBucketHistogram, sdkmetric.AggregationBase2ExponentialHistogram:
		return true
	}
	return false
}

// isAdvised tells whether the boundaries are those of the instrument.
func isAdvised(a sdkmetric.Aggregation) bool {
	explicit, is := a.(sdkmetric.AggregationExplicitBucketHistogram)
	return is && explicit.Boundaries == nil
}

func isAsynchronous(kind sdkmetric.InstrumentKind) bool {
	return kind == sdkmetric.InstrumentKindObservableCounter || kind == sdkmetric.InstrumentKindObservableUpDownCounter || kind == sdkmetric.InstrumentKindObservableGauge
}

// pattern reads one of the shell (fnmatch of Python).
func pattern(of string) (*regexp.Regexp, error) {
	var out strings.Builder
	out.WriteString(`(?s)\A`)
	for rest := of; rest != ""; {
		at := rest[:1]
		rest = rest[1:]
		switch end := endOfSet(strings.TrimPrefix(rest, "!")); {
		case at == "*":
			out.WriteString(".*")
		case at == "?":
			out.WriteString(".")
		case at == "[" && end > 0:
			set, isNot := strings.CutPrefix(rest, "!")
			out.WriteString(class(set[:end], isNot))
			rest = set[end+1:]
		default:
			out.WriteString(regexp.QuoteMeta(at))
		}
	}
	return regexp.Compile(out.String() + `\z`)
}

// endOfSet gives where a set of characters ends, the first of which may be its own end; -1: nowhere.
func endOfSet(text string) int {
	if text == "" {
		return -1
	}
	end := strings.IndexByte(text[1:], ']')
	if end < 0 {
		return -1
	}
	return 1 + end
}

// class gives a set of characters, or of all others, as a regular expression has it. A range whose end
// comes before its beginning is empty.
func class(set string, isNot bool) string {
	var out strings.Builder
	for left := []rune(set); len(left) > 0; {
		first, last, taken := left[0], left[0], 1
		if len(left) > 2 && left[1] == '-' {
			last, taken = left[2], 3
		}
		left = left[taken:]
		if first <= last {
			fmt.Fprintf(&out, `\x{%x}-\x{%x}`, first, last)
		}
	}
	switch {
	case isNot && out.Len() == 0:
		return "."
	case isNot:
		return "[^" + out.String() + "]"
	case out.Len() == 0:
		return `[^\x{0}-\x{10ffff}]`
	}
	return "[" + out.String() + "]"
}
