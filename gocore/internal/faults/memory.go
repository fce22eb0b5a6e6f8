package faults

import (
	"context"
	"errors"
	"iter"
	"unsafe"

	"github.com/gostitch/gostitch/gocore"
)

// FloatsArgs are a buffer of numbers.
type FloatsArgs struct {
	// Values are the numbers.
	Values gocore.Buffer[float64]
}

// AddressOfFloats tells where Go finds the numbers it was given; the sum is that of
// their whole parts.
func AddressOfFloats(_ context.Context, a FloatsArgs) (Memory, error) {
	m := Memory{Address: uint64(uintptr(unsafe.Pointer(unsafe.SliceData(a.Values)))), Length: len(a.Values)}
	for _, v := range a.Values {
		m.Sum += uint64(v)
	}
	return m, nil
}

// SumFloats adds numbers up.
func SumFloats(_ context.Context, a FloatsArgs) (float64, error) {
	sum := 0.0
	for _, v := range a.Values {
		sum += v
	}
	return sum, nil
}

// EchoFloats returns the very memory it was given.
func EchoFloats(_ context.Context, a FloatsArgs) (gocore.Buffer[float64], error) {
	return a.Values, nil
}

// Made is memory of Go, and where it is.
type Made struct {
	// Address of the first number.
	Address uint64
	// Values are the numbers from 0 up.
	Values gocore.Buffer[float64]
}

// MakeFloats returns the numbers from 0 up to the size, where Go made them.
func MakeFloats(_ context.Context, a SizeArgs) (Made, error) {
	values := make([]float64, a.Size)
	for i := range values {
		values[i] = float64(i)
	}
	return Made{Address: uint64(uintptr(unsafe.Pointer(unsafe.SliceData(values)))), Values: values}, nil
}

// CountFloats returns the numbers from 0 up to the size.
func CountFloats(ctx context.Context, a SizeArgs) (gocore.Buffer[float64], error) {
	made, err := MakeFloats(ctx, a)
	return made.Values, err
}

// EveryItemArgs have a buffer of each type of item.
type EveryItemArgs struct {
	// Bools are bools.
	Bools gocore.Buffer[bool] `gostitch:"bools,default="`
	// Int8s are numbers.
	Int8s gocore.Buffer[int8] `gostitch:"int8s,default="`
	// Int16s are numbers.
	Int16s gocore.Buffer[int16] `gostitch:"int16s,default="`
	// Int32s are numbers.
	Int32s gocore.Buffer[int32] `gostitch:"int32s,default="`
	// Int64s are numbers.
	Int64s gocore.Buffer[int64] `gostitch:"int64s,default="`
	// Ints are numbers of the machine's size.
	Ints gocore.Buffer[int] `gostitch:"ints,default="`
	// Uint8s are numbers.
	Uint8s gocore.Buffer[uint8] `gostitch:"uint8s,default="`
	// Uint16s are numbers.
	Uint16s gocore.Buffer[uint16] `gostitch:"uint16s,default="`
	// Uint32s are numbers.
	Uint32s gocore.Buffer[uint32] `gostitch:"uint32s,default="`
	// Uint64s are numbers.
	Uint64s gocore.Buffer[uint64] `gostitch:"uint64s,default="`
	// Uints are numbers of the machine's size.
	Uints gocore.Buffer[uint] `gostitch:"uints,default="`
	// Float32s are numbers.
	Float32s gocore.Buffer[float32] `gostitch:"float32s,default="`
	// Float64s are numbers.
	Float64s gocore.Buffer[float64] `gostitch:"float64s,default="`
	// Many are buffers in a list.
	Many []gocore.Buffer[int32] `gostitch:"many,default="`
	// Named are buffers by name.
	Named map[string]gocore.Buffer[int64] `gostitch:"named,default="`
	// Maybe is a buffer that may be missing.
	Maybe *gocore.Buffer[float32] `gostitch:"maybe,default=None"`
}

// EveryItem is a buffer of each type of item.
type EveryItem struct {
	// Bools are bools.
	Bools gocore.Buffer[bool]
	// Int8s are numbers.
	Int8s gocore.Buffer[int8] `gostitch:"int8s"`
	// Int16s are numbers.
	Int16s gocore.Buffer[int16] `gostitch:"int16s"`
	// Int32s are numbers.
	Int32s gocore.Buffer[int32] `gostitch:"int32s"`
	// Int64s are numbers.
	Int64s gocore.Buffer[int64] `gostitch:"int64s"`
	// Ints are numbers of the machine's size.
	Ints gocore.Buffer[int]
	// Uint8s are numbers.
	Uint8s gocore.Buffer[uint8] `gostitch:"uint8s"`
	// Uint16s are numbers.
	Uint16s gocore.Buffer[uint16] `gostitch:"uint16s"`
	// Uint32s are numbers.
	Uint32s gocore.Buffer[uint32] `gostitch:"uint32s"`
	// Uint64s are numbers.
	Uint64s gocore.Buffer[uint64] `gostitch:"uint64s"`
	// Uints are numbers of the machine's size.
	Uints gocore.Buffer[uint]
	// Float32s are numbers.
	Float32s gocore.Buffer[float32] `gostitch:"float32s"`
	// Float64s are numbers.
	Float64s gocore.Buffer[float64] `gostitch:"float64s"`
	// Many are buffers in a list.
	Many []gocore.Buffer[int32]
	// Named are buffers by name.
	Named map[string]gocore.Buffer[int64]
	// Maybe is a buffer that may be missing.
	Maybe *gocore.Buffer[float32]
}

// EchoItems returns buffers of each type, which lie in the memory it was given.
func EchoItems(_ context.Context, a EveryItemArgs) (EveryItem, error) {
	return EveryItem(a), nil
}

// ScaleArgs are numbers to be changed.
type ScaleArgs struct {
	// Values are multiplied where they are.
	Values gocore.Mutable[float64]
	// By is the factor.
	By float64
}

// Scale multiplies numbers in place.
func Scale(_ context.Context, a ScaleArgs) (struct{}, error) {
	for i := range a.Values {
		a.Values[i] *= a.By
	}
	return struct{}{}, nil
}

// FillArgs are bytes to be written, each as it is sent.
type FillArgs struct {
	// Room is where they are written.
	Room gocore.Mutable[uint8]
	// Also may be written to as well.
	Also *gocore.Mutable[int32] `gostitch:"also,default=None"`
}

// FillAsTold writes what it receives, message by message, until the room is full,
// and goes on to the end of a message when its context has ended.
func FillAsTold(ctx context.Context, a FillArgs) (int, error) {
	written := 0
	for written < len(a.Room) {
		message, err := gocore.Receive(ctx)
		if err != nil {
			return written, err
		}
		written += copy(a.Room[written:], message)
		if a.Also != nil {
			(*a.Also)[0] = int32(written)
		}
	}
	return written, nil
}

// StreamFloats gives buffers of the numbers from 0 up to the size, one after the other.
func StreamFloats(_ context.Context, a SizeArgs) iter.Seq2[gocore.Buffer[float64], error] {
	return func(yield func(gocore.Buffer[float64], error) bool) {
		for i := 0; ; i++ {
			values := make([]float64, a.Size)
			for k := range values {
				values[k] = float64(i)
			}
			if !yield(values, nil) {
				return
			}
		}
	}
}

// SendFloats sends one buffer of so many numbers.
func SendFloats(_ context.Context, a SizeArgs, send func(gocore.Buffer[float64])) (struct{}, error) {
	send(make([]float64, a.Size))
	return struct{}{}, nil
}

// AskFloats asks with a buffer of so many numbers, and returns the sum of the answer.
func AskFloats(ctx context.Context, a SizeArgs, ask func(context.Context, gocore.Buffer[float64]) (gocore.Buffer[float64], error)) (float64, error) {
	answer, err := ask(ctx, make([]float64, a.Size))
	if err != nil {
		return 0, err
	}
	return SumFloats(ctx, FloatsArgs{answer})
}

// FailWithFloats fails after it has made so many numbers.
func FailWithFloats(_ context.Context, a SizeArgs) (gocore.Buffer[float64], error) {
	return make([]float64, a.Size), errors.New("no numbers")
}

// ScribbleArgs are memory to be written to again and again.
type ScribbleArgs struct {
	// Room is where it is done.
	Room gocore.Mutable[uint8]
}

// ScribbleIgnoringContext writes to its memory until the process ends.
func ScribbleIgnoringContext(_ context.Context, a ScribbleArgs) (struct{}, error) {
	for i := 0; ; i++ {
		a.Room[i%len(a.Room)] = byte(i)
	}
}

// kept is what a function must not keep.
var kept gocore.Buffer[float64]

// KeepFloats keeps the numbers that it was lent, which is a mistake.
func KeepFloats(_ context.Context, a FloatsArgs) (struct{}, error) {
	kept = a.Values
	return struct{}{}, nil
}

// SumKeptFloats adds up numbers that were kept by mistake.
func SumKeptFloats(ctx context.Context, _ NoArgs) (float64, error) {
	return SumFloats(ctx, FloatsArgs{kept})
}

// WriteToLent writes to what it may only read, which is a mistake.
func WriteToLent(_ context.Context, a BytesArgs) (struct{}, error) {
	a.Data[len(a.Data)-1] = 1
	return struct{}{}, nil
}
