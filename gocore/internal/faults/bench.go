package faults

import (
	"context"
	"strconv"
	"strings"
	"unsafe"
)

// The functions that the benchmarks call. Their twins are in benchmarks/peers:
// what one would write without gostitch, with the same meaning.

// Nothing returns at once: the bare crossing.
func Nothing(context.Context, NoArgs) (None, error) { return None{}, nil }

// Inner is a record inside the arguments of Structured.
type Inner struct {
	// ID is a number.
	ID int64
	// Label is a text.
	Label string
}

// StructuredArgs are what a small business call takes.
type StructuredArgs struct {
	// Name is a text.
	Name string
	// Numbers is a list.
	Numbers []int64
	// Inner is a record.
	Inner Inner
}

// Reply is what a small business call gives.
type Reply struct {
	// Total of the numbers and the record's id.
	Total int64
	// Words are five: the name, the label, both joined, the number of numbers and the total.
	Words []string
}

// Structured takes a record and gives one.
func Structured(_ context.Context, a StructuredArgs) (Reply, error) {
	total := a.Inner.ID
	for _, n := range a.Numbers {
		total += n
	}
	return Reply{Total: total, Words: []string{
		a.Name,
		a.Inner.Label,
		a.Name + "/" + a.Inner.Label,
		strconv.Itoa(len(a.Numbers)),
		strconv.FormatInt(total, 10),
	}}, nil
}

// BytesIn reads bytes where they are: their number plus the last of them.
func BytesIn(_ context.Context, a BytesArgs) (int, error) {
	if len(a.Data) == 0 {
		return 0, nil
	}
	return len(a.Data) + int(a.Data[len(a.Data)-1]), nil
}

// BytesOut gives so many bytes, all of them 7.
//
// It writes each byte once, as its peers do, and lets the collector stop it between two pieces. While
// bytes.Repeat fills 64 MiB, the collector cannot stop it, and sends it a signal every few microseconds:
// a benchmark of it times those.
func BytesOut(_ context.Context, a SizeArgs) ([]byte, error) {
	piece := strings.Repeat("\a", min(a.Size, 64<<10))
	var out strings.Builder
	out.Grow(a.Size)
	for out.Len() < a.Size {
		add(&out, piece[:min(len(piece), a.Size-out.Len())])
	}
	return unsafe.Slice(unsafe.StringData(out.String()), out.Len()), nil
}

// add is a call, before which Go can stop its caller.
//
//go:noinline
func add(to *strings.Builder, piece string) { to.WriteString(piece) }

// FloatsIn reads numbers where they are: how many they are plus the last of them.
func FloatsIn(_ context.Context, a FloatsArgs) (float64, error) {
	if len(a.Values) == 0 {
		return 0, nil
	}
	return float64(len(a.Values)) + a.Values[len(a.Values)-1], nil
}
