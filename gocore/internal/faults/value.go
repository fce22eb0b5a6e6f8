package faults

import (
	"context"
	"os"
	"unsafe"
)

// Point is a record inside the arguments.
type Point struct {
	// X is a number.
	X float64
	// Label is a text.
	Label string
	// Data is bytes inside a record.
	Data []byte `gostitch:"data,default="`
}

// EchoArgs has one argument of each kind that crosses.
type EchoArgs struct {
	// Flag is a bool.
	Flag bool `gostitch:"flag,default=false"`
	// Int is a number of the machine's size.
	Int int `gostitch:"number,default=0"`
	// Int8 is an 8-bit number.
	Int8 int8 `gostitch:"int8,default=0"`
	// Int16 is a 16-bit number.
	Int16 int16 `gostitch:"int16,default=0"`
	// Int32 is a 32-bit number.
	Int32 int32 `gostitch:"int32,default=0"`
	// Int64 is a 64-bit number.
	Int64 int64 `gostitch:"int64,default=0"`
	// Uint is an unsigned number of the machine's size.
	Uint uint `gostitch:"count,default=0"`
	// Uint8 is an unsigned 8-bit number.
	Uint8 uint8 `gostitch:"uint8,default=0"`
	// Uint16 is an unsigned 16-bit number.
	Uint16 uint16 `gostitch:"uint16,default=0"`
	// Uint32 is an unsigned 32-bit number.
	Uint32 uint32 `gostitch:"uint32,default=0"`
	// Uint64 is an unsigned 64-bit number.
	Uint64 uint64 `gostitch:"uint64,default=0"`
	// Float32 is a number of single precision.
	Float32 float32 `gostitch:"float32,default=0"`
	// Float64 is a number of double precision.
	Float64 float64 `gostitch:"float64,default=0"`
	// Text is a string.
	Text string `gostitch:"text,default="`
	// File is a path.
	File string `gostitch:"file,path,default="`
	// Data is bytes.
	Data []byte `gostitch:"data,default="`
	// More is bytes again: a call may lend several buffers.
	More []byte `gostitch:"more,default="`
	// Numbers is a list.
	Numbers []int64 `gostitch:"numbers,default="`
	// Matrix is a list of lists.
	Matrix [][]float64 `gostitch:"matrix,default="`
	// Chunks is a list of bytes.
	Chunks [][]byte `gostitch:"chunks,default="`
	// Table is a map.
	Table map[string]int64 `gostitch:"table,default="`
	// Points is a list of records.
	Points []Point `gostitch:"points,default="`
	// Origin is a record that may be missing.
	Origin *Point `gostitch:"origin,default=None"`
	// Maybe is a number that may be missing.
	Maybe *int64 `gostitch:"maybe,default=None"`
	// MaybeText is a string that may be missing.
	MaybeText *string `gostitch:"maybe_text,default=None"`
}

// EchoedPoint is a Point on its way back.
type EchoedPoint struct {
	// X is a number.
	X float64
	// Label is a text.
	Label string
	// Data is bytes inside a record.
	Data []byte
}

// Echoed has what Echo was given.
type Echoed struct {
	// Flag is a bool.
	Flag bool
	// Int is a number of the machine's size.
	Int int `gostitch:"number"`
	// Int8 is an 8-bit number.
	Int8 int8
	// Int16 is a 16-bit number.
	Int16 int16
	// Int32 is a 32-bit number.
	Int32 int32
	// Int64 is a 64-bit number.
	Int64 int64
	// Uint is an unsigned number of the machine's size.
	Uint uint `gostitch:"count"`
	// Uint8 is an unsigned 8-bit number.
	Uint8 uint8
	// Uint16 is an unsigned 16-bit number.
	Uint16 uint16
	// Uint32 is an unsigned 32-bit number.
	Uint32 uint32
	// Uint64 is an unsigned 64-bit number.
	Uint64 uint64
	// Float32 is a number of single precision.
	Float32 float32
	// Float64 is a number of double precision.
	Float64 float64
	// Text is a string.
	Text string
	// File is a path.
	File string
	// Data is bytes.
	Data []byte
	// More is bytes again.
	More []byte
	// Numbers is a list.
	Numbers []int64
	// Matrix is a list of lists.
	Matrix [][]float64
	// Chunks is a list of bytes.
	Chunks [][]byte
	// Table is a map.
	Table map[string]int64
	// Points is a list of records.
	Points []EchoedPoint
	// Origin is a record that may be missing.
	Origin *EchoedPoint
	// Maybe is a number that may be missing.
	Maybe *int64
	// MaybeText is a string that may be missing.
	MaybeText *string
}

// Echo returns its arguments, each in a field of its own.
func Echo(_ context.Context, a EchoArgs) (Echoed, error) {
	points := make([]EchoedPoint, len(a.Points))
	for i, p := range a.Points {
		points[i] = EchoedPoint(p)
	}
	return Echoed{
		Flag: a.Flag, Int: a.Int, Int8: a.Int8, Int16: a.Int16, Int32: a.Int32, Int64: a.Int64,
		Uint: a.Uint, Uint8: a.Uint8, Uint16: a.Uint16, Uint32: a.Uint32, Uint64: a.Uint64,
		Float32: a.Float32, Float64: a.Float64, Text: a.Text, File: a.File, Data: a.Data, More: a.More,
		Numbers: a.Numbers, Matrix: a.Matrix, Chunks: a.Chunks, Table: a.Table,
		Points: points, Origin: (*EchoedPoint)(a.Origin), Maybe: a.Maybe, MaybeText: a.MaybeText,
	}, nil
}

// AddArgs are two numbers.
type AddArgs struct {
	// A is a number.
	A int64
	// B is another.
	B int64
}

// Add returns the sum of two numbers.
func Add(_ context.Context, a AddArgs) (int64, error) { return a.A + a.B, nil }

// BytesArgs are some bytes.
type BytesArgs struct {
	// Data is any bytes.
	Data []byte
}

// EchoBytes returns the very memory it was given.
func EchoBytes(_ context.Context, a BytesArgs) ([]byte, error) { return a.Data, nil }

// SliceArgs are some bytes and a part of them.
type SliceArgs struct {
	// Data is any bytes.
	Data []byte
	// Start is where the part begins.
	Start int
	// Stop is where the part ends.
	Stop int
}

// SliceBytes returns a part of the memory it was given.
func SliceBytes(_ context.Context, a SliceArgs) ([]byte, error) { return a.Data[a.Start:a.Stop], nil }

// OptionalBytesArgs are bytes that may be missing.
type OptionalBytesArgs struct {
	// Data is any bytes, or None.
	Data *[]byte `gostitch:"data,default=None"`
}

// EchoOptionalBytes returns the bytes it was given, or none.
func EchoOptionalBytes(_ context.Context, a OptionalBytesArgs) (*[]byte, error) { return a.Data, nil }

// Memory tells where bytes are.
type Memory struct {
	// Address of the first byte, 0 if there is none.
	Address uint64
	// Length is the number of bytes.
	Length int
	// Sum of the bytes.
	Sum uint64
}

// AddressOf tells where Go finds the bytes it was given.
func AddressOf(_ context.Context, a BytesArgs) (Memory, error) {
	m := Memory{Address: uint64(uintptr(unsafe.Pointer(unsafe.SliceData(a.Data)))), Length: len(a.Data)}
	for _, b := range a.Data {
		m.Sum += uint64(b)
	}
	return m, nil
}

// SizeArgs are a number of something.
type SizeArgs struct {
	// Size is the number.
	Size int
}

// MakeBytes returns so many bytes, which count from 0 to 255 again and again.
func MakeBytes(_ context.Context, a SizeArgs) ([]byte, error) {
	data := make([]byte, a.Size)
	for i := range data {
		data[i] = byte(i)
	}
	return data, nil
}

// MakeList returns the numbers from 0 up to the size.
func MakeList(_ context.Context, a SizeArgs) ([]int64, error) {
	list := make([]int64, a.Size)
	for i := range list {
		list[i] = int64(i)
	}
	return list, nil
}

// ListArgs are a list of numbers.
type ListArgs struct {
	// Numbers is any list.
	Numbers []int64
}

// EchoList returns the list it was given.
func EchoList(_ context.Context, a ListArgs) ([]int64, error) { return a.Numbers, nil }

// EnvironmentArgs name a variable.
type EnvironmentArgs struct {
	// Name of the variable.
	Name string
}

// Environment returns what Go sees of an environment variable.
func Environment(_ context.Context, a EnvironmentArgs) (string, error) { return os.Getenv(a.Name), nil }
