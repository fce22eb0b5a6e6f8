package codec

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"unsafe"

	"github.com/tinylib/msgp/msgp"
)

// Element is what a buffer is a sequence of: what has the same memory in Go, in
// Python's buffer protocol and in numpy.
type Element interface {
	~bool | ~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~float32 | ~float64
}

// Buffer is a slice that crosses without a copy.
//
// As an argument it is memory of Python (a numpy array, an array.array, a
// memoryview), lent until the function returns: it must neither be changed nor
// kept. As a result it is handed over to Python, where it is a read-only
// memoryview: nobody may change it any more.
type Buffer[T Element] []T

// Mutable is a parameter that the function writes to: memory of Python, which
// sees what is written as it is written. It must not be kept beyond the call.
type Mutable[T Element] []T

func (Buffer[T]) crossesAsBuffer() Kind  { return KindBuffer }
func (Mutable[T]) crossesAsBuffer() Kind { return KindMutable }

// buffer is implemented by the two types above and no other: types that are
// made of them do not inherit the method.
type buffer interface{ crossesAsBuffer() Kind }

// bufferKind tells whether a type is one of the two, and which.
func bufferKind(t reflect.Type) (Kind, bool) {
	if t.Kind() != reflect.Slice {
		return KindInvalid, false
	}
	b, isBuffer := reflect.Zero(t).Interface().(buffer)
	if !isBuffer {
		return KindInvalid, false
	}
	return b.crossesAsBuffer(), true
}

func (c *compiler) compileBuffer(t reflect.Type, kind Kind) (*Schema, ops, error) {
	if kind == KindMutable && !c.mutable {
		return nil, ops{}, fmt.Errorf("type %s is for a parameter, which is a field of the arguments' struct itself; use gocore.Buffer here", t)
	}
	elem := scalarOps[t.Elem().Kind()].schema
	b := &bufferCodec{size: int(t.Elem().Size()), elem: elem, mutable: kind == KindMutable}
	return &Schema{Kind: kind, Elem: elem}, ops{decode: b.decode, encode: b.encode, give: b.give}, nil
}

// bufferCodec moves the memory of slices with elements of one type.
type bufferCodec struct {
	size    int // of an element, which is its alignment too
	elem    *Schema
	mutable bool
}

func (b *bufferCodec) decode(in *Input, p unsafe.Pointer) error {
	data, err := in.memory(b)
	if err != nil {
		return err
	}
	*(*sliceHeader)(p) = sliceHeader{
		data: unsafe.Pointer(unsafe.SliceData(data)),
		len:  len(data) / b.size,
		cap:  len(data) / b.size,
	}
	return nil
}

// memory gives the memory that an argument refers to.
func (in *Input) memory(b *bufferCodec) ([]byte, error) {
	data, lent, err := in.lent(b.mutable)
	switch {
	case err != nil:
		return nil, err
	case len(data)%b.size != 0:
		return nil, &ValueError{Reason: fmt.Sprintf("%d bytes are no whole number of %s", len(data), b.elem)}
	case len(data) == 0:
		return nil, nil
	case !lent && b.mutable:
		return nil, &ValueError{Reason: "what a function writes to must cross beside the frame"}
	case !lent:
		// In the frame it may stand at any address.
		data = alignedCopy(data)
	case uintptr(unsafe.Pointer(unsafe.SliceData(data)))%uintptr(b.size) != 0:
		return nil, &ValueError{Reason: fmt.Sprintf("the memory is not aligned to %d bytes", b.size)}
	}
	if b.elem.Kind == KindBool && !areBools(data) {
		// Go takes for granted that a bool is 0 or 1, and may index with it.
		return nil, &ValueError{Reason: "a bool of the buffer is neither 0 nor 1"}
	}
	return data, nil
}

// lent gives memory of Python, or bytes of the frame.
func (in *Input) lent(mutable bool) (data []byte, lent bool, err error) {
	if msgp.NextType(in.rest) != msgp.ExtensionType {
		data, err = in.bytes()
		return data, false, err
	}
	index, err := in.bufferIndex()
	if err != nil {
		return nil, true, err
	}
	if mutable && in.opened != nil {
		in.opened(index)
	}
	return in.buffers[index], true, nil
}

// areBools tells whether every byte is 0 or 1.
func areBools(data []byte) bool {
	const others = 0xfefefefefefefefe
	var found uint64
	for ; len(data) >= 8; data = data[8:] {
		found |= binary.NativeEndian.Uint64(data)
	}
	for _, b := range data {
		found |= uint64(b)
	}
	return found&others == 0
}

// alignment is enough for every element.
const alignment = 8

func alignedCopy(data []byte) []byte {
	words := make([]uint64, (len(data)+alignment-1)/alignment)
	aligned := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), len(data))
	copy(aligned, data)
	return aligned
}

// bytesOf gives the memory of the slice at p.
func (b *bufferCodec) bytesOf(p unsafe.Pointer) []byte {
	h := (*sliceHeader)(p)
	return unsafe.Slice((*byte)(h.data), h.len*b.size)
}

func (b *bufferCodec) encode(out []byte, p unsafe.Pointer) []byte {
	return appendBytes(out, b.bytesOf(p))
}

func (b *bufferCodec) give(out *Output, p unsafe.Pointer) { out.give(b.bytesOf(p)) }

// appendBytes writes bytes into the frame.
func appendBytes(out, data []byte) []byte {
	length32(len(data))
	return msgp.AppendBytes(out, data)
}
