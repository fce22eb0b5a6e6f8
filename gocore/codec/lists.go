package codec

import (
	"reflect"
	"unsafe"

	"github.com/tinylib/msgp/msgp"
)

// plainLists are the lists that are so common that they are worth a loop of
// their own: of 20 numbers, the general one costs as much as the rest of a
// small call (benchmark call.structured). Named types share the memory layout.
var plainLists = map[reflect.Kind]ops{
	reflect.Int:     intList,
	reflect.Int64:   intList,
	reflect.Float64: plainList((*Input).float, msgp.AppendFloat64),
	reflect.String:  plainList((*Input).string, AppendString),
}

// pathList is the list of a field that holds paths.
var pathList = plainList((*Input).string, appendPath)

var intList = ops{
	decode: func(in *Input, p unsafe.Pointer) error {
		n, err := in.listHeader()
		if err != nil {
			return err
		}
		values := make([]int64, n)
		for i := range values {
			if len(in.rest) > 0 && in.rest[0] < 0x80 { // most numbers are small
				values[i] = int64(in.rest[0])
				in.rest = in.rest[1:]
				continue
			}
			if values[i], err = in.int(); err != nil {
				return atIndex(i, err)
			}
		}
		*(*[]int64)(p) = values
		return nil
	},
	encode: func(out []byte, p unsafe.Pointer) []byte {
		values := *(*[]int64)(p)
		out = msgp.AppendArrayHeader(out, length32(len(values)))
		for _, v := range values {
			out = msgp.AppendInt64(out, v)
		}
		return out
	},
}

func plainList[T any](read func(*Input) (T, error), write func([]byte, T) []byte) ops {
	return ops{
		decode: func(in *Input, p unsafe.Pointer) error {
			n, err := in.listHeader()
			if err != nil {
				return err
			}
			values := make([]T, n)
			for i := range values {
				if values[i], err = read(in); err != nil {
					return atIndex(i, err)
				}
			}
			*(*[]T)(p) = values
			return nil
		},
		encode: func(out []byte, p unsafe.Pointer) []byte {
			values := *(*[]T)(p)
			out = msgp.AppendArrayHeader(out, length32(len(values)))
			for _, v := range values {
				out = write(out, v)
			}
			return out
		},
	}
}
