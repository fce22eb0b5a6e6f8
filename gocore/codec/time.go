package codec

import (
	"reflect"
	"time"
	"unsafe"

	"github.com/tinylib/msgp/msgp"
)

var (
	timeType     = reflect.TypeFor[time.Time]()
	durationType = reflect.TypeFor[time.Duration]()
)

// timeOps carry a point in time as [seconds, nanoseconds] since 1970 in UTC: a
// time zone is a name that means something on one machine only. A duration
// crosses as its nanoseconds.
var timeOps = ops{
	decode: func(in *Input, p unsafe.Pointer) error {
		n, err := in.listHeader()
		if err != nil {
			return err
		}
		if n != 2 {
			return fieldCountError(n, 2)
		}
		seconds, err := in.int()
		if err != nil {
			return err
		}
		nanoseconds, err := in.int()
		if err != nil {
			return err
		}
		*(*time.Time)(p) = time.Unix(seconds, nanoseconds).UTC()
		return nil
	},
	encode: func(out []byte, p unsafe.Pointer) []byte {
		t := (*time.Time)(p)
		out = msgp.AppendArrayHeader(out, 2)
		out = msgp.AppendInt64(out, t.Unix())
		return msgp.AppendInt64(out, int64(t.Nanosecond()))
	},
}
