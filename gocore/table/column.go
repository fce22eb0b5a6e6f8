package table

import (
	"fmt"
	"time"
	"unsafe"
)

// Column is a named sequence of values. What is wrong with one is said by New.
type Column struct {
	field Field
	data  Data
	err   error
}

// Number is what a column of numbers holds.
type Number interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~float32 | ~float64
}

// Formats by the size of a number in bytes.
var (
	signedFormats   = [...]string{1: "c", 2: "s", 4: "i", 8: "l"}
	unsignedFormats = [...]string{1: "C", 2: "S", 4: "I", 8: "L"}
	floatFormats    = [...]string{4: "f", 8: "g"}
)

func formatOf[T Number]() string {
	var zero T
	size := unsafe.Sizeof(zero)
	switch {
	case T(1)/T(2) != 0:
		return floatFormats[size]
	case zero-1 > zero:
		return unsignedFormats[size]
	default:
		return signedFormats[size]
	}
}

// bytesOf gives the memory of a slice of numbers.
func bytesOf[T Number](values []T) []byte {
	var zero T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(values))), len(values)*int(unsafe.Sizeof(zero)))
}

// column makes one without missing values.
func column(name, format string, rows int, buffers ...[]byte) Column {
	return Column{
		field: Field{Name: name, Format: format},
		data:  Data{Length: rows, Buffers: append([][]byte{nil}, buffers...)},
	}
}

// Numbers makes a column of numbers, where they are.
func Numbers[T Number](name string, values []T) Column {
	return column(name, formatOf[T](), len(values), bytesOf(values))
}

// Bools makes a column of bools, of a bit each.
func Bools(name string, values []bool) Column {
	bits, _ := packed(values)
	return column(name, "b", len(values), bits)
}

// Microseconds, as Python's datetime and timedelta have them.
const (
	timesFormat     = "tsu:UTC"
	durationsFormat = "tDu"
)

// Times makes a column of points in time, in microseconds and UTC.
func Times(name string, values []time.Time) Column {
	since := make([]int64, len(values))
	for i, t := range values {
		since[i] = t.UnixMicro()
	}
	return column(name, timesFormat, len(values), bytesOf(since))
}

// Durations makes a column of durations, in microseconds.
func Durations(name string, values []time.Duration) Column {
	took := make([]int64, len(values))
	for i, d := range values {
		took[i] = d.Microseconds()
	}
	return column(name, durationsFormat, len(values), bytesOf(took))
}

// Categories makes a column of texts that repeat: each row has the number of one
// of the values (an Arrow dictionary, a categorical of pandas and polars).
func Categories(name string, codes []int32, values []string) Column {
	c := column(name, formatOf[int32](), len(codes), bytesOf(codes))
	of := Strings("", values)
	c.field.Values, c.data.Values, c.err = &of.field, &of.data, of.err
	for i, code := range codes {
		if int(code) >= len(values) || code < 0 {
			c.err = fmt.Errorf("the code %d of row %d is none of %d values", code, i, len(values))
			break
		}
	}
	return c
}

// Valid says which values there are; the others are missing: None, null.
func (c Column) Valid(valid []bool) Column {
	if c.err != nil {
		return c
	}
	if len(valid) != c.data.Length {
		c.err = fmt.Errorf("%d values, and %d bools that say which of them are valid", c.data.Length, len(valid))
		return c
	}
	bits, count := packed(valid)
	return c.withValidity(bits, len(valid)-count)
}

func (c Column) withValidity(bits []byte, nulls int) Column {
	c.field.Nullable = true
	if nulls > 0 {
		c.data.Nulls = nulls
		c.data.Buffers = append([][]byte{bits}, c.data.Buffers[1:]...)
	}
	return c
}

// packed gives bools as bits, the first lowest, with the number of true ones.
func packed(values []bool) (bits []byte, count int) {
	bits = make([]byte, (len(values)+7)/8)
	for i, v := range values {
		if v {
			bits[i/8] |= 1 << (i % 8)
			count++
		}
	}
	return bits, count
}
