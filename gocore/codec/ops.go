package codec

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/tinylib/msgp/msgp"
)

// compiledScalar is a kind that needs no compiling.
type compiledScalar struct {
	schema *Schema
	ops    ops
}

// scalarOps serve every type of the kind, named ones too: the memory is alike.
var scalarOps = map[reflect.Kind]compiledScalar{
	reflect.Bool: {&Schema{Kind: KindBool}, ops{
		decode: func(in *Input, p unsafe.Pointer) (err error) { *(*bool)(p), err = in.bool(); return },
		encode: func(out []byte, p unsafe.Pointer) []byte { return msgp.AppendBool(out, *(*bool)(p)) },
	}},
	reflect.String: {&Schema{Kind: KindString}, ops{
		decode: func(in *Input, p unsafe.Pointer) (err error) { *(*string)(p), err = in.string(); return },
		encode: func(out []byte, p unsafe.Pointer) []byte { return AppendString(out, *(*string)(p)) },
	}},
	reflect.Int:     intOps[int](),
	reflect.Int8:    intOps[int8](),
	reflect.Int16:   intOps[int16](),
	reflect.Int32:   intOps[int32](),
	reflect.Int64:   intOps[int64](),
	reflect.Uint:    uintOps[uint](),
	reflect.Uint8:   uintOps[uint8](),
	reflect.Uint16:  uintOps[uint16](),
	reflect.Uint32:  uintOps[uint32](),
	reflect.Uint64:  uintOps[uint64](),
	reflect.Float32: floatOps[float32](),
	reflect.Float64: floatOps[float64](),
}

func intOps[T int | int8 | int16 | int32 | int64]() compiledScalar {
	bits := int(unsafe.Sizeof(T(0))) * 8
	return compiledScalar{&Schema{Kind: KindInt, Bits: bits}, ops{
		decode: func(in *Input, p unsafe.Pointer) error {
			v, err := in.int()
			if err != nil {
				return err
			}
			if int64(T(v)) != v {
				return rangeError(v, "int", bits)
			}
			*(*T)(p) = T(v)
			return nil
		},
		encode: func(out []byte, p unsafe.Pointer) []byte { return msgp.AppendInt64(out, int64(*(*T)(p))) },
	}}
}

func uintOps[T uint | uint8 | uint16 | uint32 | uint64]() compiledScalar {
	bits := int(unsafe.Sizeof(T(0))) * 8
	return compiledScalar{&Schema{Kind: KindUint, Bits: bits}, ops{
		decode: func(in *Input, p unsafe.Pointer) error {
			v, err := in.uint()
			if err != nil {
				return err
			}
			if uint64(T(v)) != v {
				return rangeError(v, "uint", bits)
			}
			*(*T)(p) = T(v)
			return nil
		},
		encode: func(out []byte, p unsafe.Pointer) []byte { return msgp.AppendUint64(out, uint64(*(*T)(p))) },
	}}
}

func floatOps[T float32 | float64]() compiledScalar {
	bits := int(unsafe.Sizeof(T(0))) * 8
	return compiledScalar{&Schema{Kind: KindFloat, Bits: bits}, ops{
		decode: func(in *Input, p unsafe.Pointer) error {
			v, err := in.float()
			if err != nil {
				return err
			}
			if bits == 32 && !math.IsInf(v, 0) && math.Abs(v) > math.MaxFloat32 {
				return rangeError(v, "float", bits)
			}
			*(*T)(p) = T(v)
			return nil
		},
		encode: func(out []byte, p unsafe.Pointer) []byte { return msgp.AppendFloat64(out, float64(*(*T)(p))) },
	}}
}

// pathOps are those of a string that is a path.
var pathOps = ops{
	decode: scalarOps[reflect.String].ops.decode,
	encode: func(out []byte, p unsafe.Pointer) []byte { return appendPath(out, *(*string)(p)) },
}

// appendPath writes a path. A file name may hold any bytes, and Python has a way
// to keep them in a str, so what is not UTF-8 crosses as bytes, both ways.
func appendPath(out []byte, path string) []byte {
	if !utf8.ValidString(path) {
		return msgp.AppendBytes(out, []byte(path))
	}
	return msgp.AppendString(out, path)
}

// AppendString writes text. Python refuses text that is not UTF-8, so what is
// not UTF-8 becomes U+FFFD.
func AppendString(out []byte, s string) []byte {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	return msgp.AppendString(out, s)
}

// bytesOps lend the caller's memory to the function: no copy is made, so the
// function must neither change nor keep the slice. A nil slice crosses as
// empty bytes.
var bytesOps = ops{
	decode: func(in *Input, p unsafe.Pointer) (err error) { *(*[]byte)(p), err = in.bytes(); return },
	encode: func(out []byte, p unsafe.Pointer) []byte { return msgp.AppendBytes(out, *(*[]byte)(p)) },
}

// sliceHeader is the memory of any slice.
type sliceHeader struct {
	data unsafe.Pointer
	len  int
	cap  int
}

func listOps(t reflect.Type, elem ops) ops {
	size := t.Elem().Size()
	return ops{
		give: giveList(t, elem),
		decode: func(in *Input, p unsafe.Pointer) error {
			n, err := in.listHeader()
			if err != nil {
				return err
			}
			slice := reflect.NewAt(t, p).Elem()
			slice.Set(reflect.MakeSlice(t, n, n))
			data := slice.UnsafePointer()
			for i := range n {
				if err := elem.decode(in, unsafe.Add(data, uintptr(i)*size)); err != nil {
					return atIndex(i, err)
				}
			}
			return nil
		},
		encode: func(out []byte, p unsafe.Pointer) []byte {
			h := (*sliceHeader)(p)
			out = msgp.AppendArrayHeader(out, length32(h.len))
			for i := range h.len {
				out = elem.encode(out, unsafe.Add(h.data, uintptr(i)*size))
			}
			return out
		},
	}
}

func mapOps(t reflect.Type, elem ops) ops {
	return ops{
		give: giveMap(t, elem),
		decode: func(in *Input, p unsafe.Pointer) error {
			n, err := in.mapHeader()
			if err != nil {
				return err
			}
			m := reflect.MakeMapWithSize(t, n)
			for range n {
				key, err := in.string()
				if err != nil {
					return err
				}
				value := reflect.New(t.Elem())
				if err := elem.decode(in, value.UnsafePointer()); err != nil {
					return atField("["+key+"]", err)
				}
				m.SetMapIndex(reflect.ValueOf(key).Convert(t.Key()), value.Elem())
			}
			reflect.NewAt(t, p).Elem().Set(m)
			return nil
		},
		encode: func(out []byte, p unsafe.Pointer) []byte {
			m := reflect.NewAt(t, p).Elem()
			out = msgp.AppendMapHeader(out, length32(m.Len()))
			value := reflect.New(t.Elem())
			for entry := m.MapRange(); entry.Next(); {
				out = AppendString(out, entry.Key().String())
				value.Elem().Set(entry.Value())
				out = elem.encode(out, value.UnsafePointer())
			}
			return out
		},
	}
}

func optionalOps(elemType reflect.Type, elem ops) ops {
	return ops{
		give: giveOptional(elem),
		decode: func(in *Input, p unsafe.Pointer) error {
			if in.skipNil() {
				*(*unsafe.Pointer)(p) = nil
				return nil
			}
			value := reflect.New(elemType).UnsafePointer()
			*(*unsafe.Pointer)(p) = value
			return elem.decode(in, value)
		},
		encode: func(out []byte, p unsafe.Pointer) []byte {
			if value := *(*unsafe.Pointer)(p); value != nil {
				return elem.encode(out, value)
			}
			return msgp.AppendNil(out)
		},
	}
}

// structField is one field that crosses.
type structField struct {
	name   string
	offset uintptr
	ops    ops
}

func structOps(fields []structField) ops {
	header := msgp.AppendArrayHeader(nil, length32(len(fields)))
	return ops{
		give: giveStruct(fields),
		decode: func(in *Input, p unsafe.Pointer) error {
			n, err := in.listHeader()
			if err != nil {
				return err
			}
			if n != len(fields) {
				return fieldCountError(n, len(fields))
			}
			for i := range fields {
				f := &fields[i]
				if err := f.ops.decode(in, unsafe.Add(p, f.offset)); err != nil {
					return atField(f.name, err)
				}
			}
			return nil
		},
		encode: func(out []byte, p unsafe.Pointer) []byte {
			out = append(out, header...)
			for i := range fields {
				f := &fields[i]
				out = f.ops.encode(out, unsafe.Add(p, f.offset))
			}
			return out
		},
	}
}

// length32 narrows a length to what MessagePack can say. More than 4 G
// elements cannot be encoded in memory anyone has; the panic is recovered by
// the guard and names the cause.
func length32(n int) uint32 {
	if n > math.MaxUint32 {
		panic(errors.New("codec: a list or map of more than 4294967295 elements cannot cross"))
	}
	return uint32(n)
}
