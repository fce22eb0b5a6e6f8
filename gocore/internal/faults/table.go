package faults

import (
	"context"
	"iter"
	"strconv"
	"time"
	"unsafe"

	"github.com/gostitch/gostitch/gocore"
	"github.com/gostitch/gostitch/gocore/table"
)

// RowsArgs say how large a table is.
type RowsArgs struct {
	// Rows in each batch.
	Rows int
	// Batches of rows.
	Batches int `gostitch:"batches,default=1"`
	// Nulls are every third value of each column.
	Nulls bool `gostitch:"nulls,default=false"`
}

// EveryColumn gives a table with a column of each type.
func EveryColumn(_ context.Context, a RowsArgs) (gocore.Table, error) {
	var batches []gocore.Table
	for b := range a.Batches {
		t, err := everyColumn(b*a.Rows, a.Rows, a.Nulls)
		if err != nil {
			return gocore.Table{}, err
		}
		batches = append(batches, t)
	}
	return table.Join(batches...)
}

func numbers[T table.Number](from, count int) []T {
	values := make([]T, count)
	for i := range values {
		values[i] = T((from + i) % 100)
	}
	return values
}

func each[T any](from, count int, value func(i int) T) []T {
	values := make([]T, count)
	for i := range values {
		values[i] = value(from + i)
	}
	return values
}

func everyColumn(from, count int, nulls bool) (gocore.Table, error) {
	columns := []table.Column{
		table.Numbers("int8", numbers[int8](from, count)),
		table.Numbers("int16", numbers[int16](from, count)),
		table.Numbers("int32", numbers[int32](from, count)),
		table.Numbers("int64", numbers[int64](from, count)),
		table.Numbers("uint8", numbers[uint8](from, count)),
		table.Numbers("uint16", numbers[uint16](from, count)),
		table.Numbers("uint32", numbers[uint32](from, count)),
		table.Numbers("uint64", numbers[uint64](from, count)),
		table.Numbers("float32", numbers[float32](from, count)),
		table.Numbers("float64", numbers[float64](from, count)),
		table.Bools("bool", each(from, count, func(i int) bool { return i%2 == 0 })),
		table.Strings("text", each(from, count, func(i int) string { return "grüße " + strconv.Itoa(i) })),
		table.Blobs("blob", each(from, count, func(i int) []byte { return []byte{0, byte(i), 255} })),
		table.Times("time", each(from, count, func(i int) time.Time { return time.Unix(int64(i), 5000) })),
		table.Durations("duration", each(from, count, func(i int) time.Duration { return time.Duration(i) * time.Millisecond })),
		table.Categories("category", each(from, count, func(i int) int32 { return int32(i % 3) }), []string{"red", "green", "blue"}),
	}
	if nulls {
		valid := each(from, count, func(i int) bool { return i%3 != 2 })
		for i := range columns {
			columns[i] = columns[i].Valid(valid)
		}
	}
	return table.New(columns...)
}

// Located is a table of one column, and where that is.
type Located struct {
	// Address of the first number.
	Address uint64
	// Table has the column numbers.
	Table gocore.Table
}

// LocatedTable gives a table of the numbers from 0 up, and where Go has them.
func LocatedTable(_ context.Context, a SizeArgs) (Located, error) {
	values := make([]int64, a.Size)
	for i := range values {
		values[i] = int64(i)
	}
	t, err := table.New(table.Numbers("numbers", values))
	return Located{uint64(uintptr(unsafe.Pointer(unsafe.SliceData(values)))), t}, err
}

// NoColumns gives the table that has none.
func NoColumns(context.Context, NoArgs) (gocore.Table, error) { return gocore.Table{}, nil }

// TableOf gives a table of the very numbers it was given.
func TableOf(_ context.Context, a FloatsArgs) (gocore.Table, error) {
	return table.New(table.Numbers("values", a.Values))
}

// BrokenTable gives columns that do not fit together.
func BrokenTable(context.Context, NoArgs) (gocore.Table, error) {
	return table.New(table.Numbers("long", []int{1, 2}), table.Numbers("short", []int{1}))
}

// StreamTables gives a table of so many rows again and again.
func StreamTables(_ context.Context, a SizeArgs) iter.Seq2[gocore.Table, error] {
	return func(yield func(gocore.Table, error) bool) {
		for i := 0; ; i++ {
			t, err := table.New(table.Numbers("number", each(i*a.Size, a.Size, func(i int) int64 { return int64(i) })))
			if !yield(t, err) {
				return
			}
		}
	}
}

// MaybeTable gives a table or none.
func MaybeTable(_ context.Context, a SizeArgs) (*gocore.Table, error) {
	if a.Size == 0 {
		return nil, nil
	}
	t, err := table.New(table.Strings("text", make([]string, a.Size)))
	return &t, err
}
