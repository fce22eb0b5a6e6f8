package codec

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"unsafe"

	"github.com/tinylib/msgp/msgp"
)

// MemoryExt is the MessagePack extension type that stands for memory of Go
// beside a frame for Python: its data is the address and the number of bytes.
const MemoryExt = 2

// CopyBelow is the size in bytes from which memory crosses where it is. Below it
// a copy is cheaper than pinning.
const CopyBelow = 4096

// Output is a frame being written, and the memory that it refers to: it must
// stay where it is, and unchanged, until Python releases the frame.
type Output struct {
	Frame []byte
	Held  []unsafe.Pointer
	Size  int // of what is held, in bytes

	in *Input
}

// NewOutput gives an output that continues a frame. What lies in the memory of
// the input is copied, since that is lent.
func NewOutput(frame []byte, in *Input) Output { return Output{Frame: frame, in: in} }

// Holds tells whether values of the type may refer to memory beside the frame.
func (pl *Plan) Holds() bool { return pl.ops.give != nil }

// Give writes the value at p, which must point to the type of the plan. Large
// buffers stay where they are.
func (pl *Plan) Give(out *Output, p unsafe.Pointer) {
	pl.ops.given()(out, p)
}

// given gives the direction to an Output: what holds no memory is written to the frame.
func (o ops) given() func(*Output, unsafe.Pointer) {
	if o.give != nil {
		return o.give
	}
	encode := o.encode
	return func(out *Output, p unsafe.Pointer) { out.Frame = encode(out.Frame, p) }
}

// give writes memory: into the frame if it is small, else where it is.
func (o *Output) give(data []byte) {
	if len(data) < CopyBelow {
		o.Frame = appendBytes(o.Frame, data)
		return
	}
	o.hold(data)
}

// hold writes where memory is, which must not be empty.
func (o *Output) hold(data []byte) {
	if o.in != nil && o.in.Lends(data) {
		data = bytes.Clone(data) // large, so the allocator aligns it well
	}
	address := unsafe.Pointer(unsafe.SliceData(data))
	o.Held = append(o.Held, address)
	o.Size += len(data)
	o.Frame = append(o.Frame, 0xd8, MemoryExt) // an extension of 16 bytes
	o.Frame = binary.BigEndian.AppendUint64(o.Frame, uint64(uintptr(address)))
	o.Frame = binary.BigEndian.AppendUint64(o.Frame, uint64(len(data)))
}

// The composite types, for elements that hold memory; as in ops.go otherwise.

func giveList(t reflect.Type, elem ops) func(*Output, unsafe.Pointer) {
	if elem.give == nil {
		return nil
	}
	size := t.Elem().Size()
	return func(out *Output, p unsafe.Pointer) {
		h := (*sliceHeader)(p)
		out.Frame = msgp.AppendArrayHeader(out.Frame, length32(h.len))
		for i := range h.len {
			elem.give(out, unsafe.Add(h.data, uintptr(i)*size))
		}
	}
}

func giveMap(t reflect.Type, elem ops) func(*Output, unsafe.Pointer) {
	if elem.give == nil {
		return nil
	}
	return func(out *Output, p unsafe.Pointer) {
		m := reflect.NewAt(t, p).Elem()
		out.Frame = msgp.AppendMapHeader(out.Frame, length32(m.Len()))
		value := reflect.New(t.Elem())
		for entry := m.MapRange(); entry.Next(); {
			out.Frame = AppendString(out.Frame, entry.Key().String())
			value.Elem().Set(entry.Value())
			elem.give(out, value.UnsafePointer())
		}
	}
}

func giveOptional(elem ops) func(*Output, unsafe.Pointer) {
	if elem.give == nil {
		return nil
	}
	return func(out *Output, p unsafe.Pointer) {
		if value := *(*unsafe.Pointer)(p); value != nil {
			elem.give(out, value)
			return
		}
		out.Frame = msgp.AppendNil(out.Frame)
	}
}

func giveStruct(fields []structField) func(*Output, unsafe.Pointer) {
	holds := false
	gives := make([]func(*Output, unsafe.Pointer), len(fields))
	for i := range fields {
		holds = holds || fields[i].ops.give != nil
		gives[i] = fields[i].ops.given()
	}
	if !holds {
		return nil
	}
	header := msgp.AppendArrayHeader(nil, length32(len(fields)))
	return func(out *Output, p unsafe.Pointer) {
		out.Frame = append(out.Frame, header...)
		for i, give := range gives {
			give(out, unsafe.Add(p, fields[i].offset))
		}
	}
}
