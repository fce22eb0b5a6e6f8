package codec

import (
	"errors"
	"reflect"
	"unsafe"

	"github.com/gostitch/gostitch/gocore/table"
	"github.com/tinylib/msgp/msgp"
)

var tableType = reflect.TypeFor[table.Table]()

var errTableTaken = errors.New("type table.Table is for results; take a gocore.Buffer for each column here")

func (c *compiler) compileTable() (*Schema, ops, error) {
	if c.taken {
		return nil, ops{}, errTableTaken
	}
	return &Schema{Kind: KindTable}, tableOps, nil
}

// A table crosses as [fields, batches]: a field is [name, format, nullable, the field
// of its values or nil], a batch [rows, columns], and a column [length, nulls,
// buffers, the column of its values or nil]. A buffer is nil if there is none.
// Its twin is python/native/table.c.
var tableOps = ops{
	decode: func(*Input, unsafe.Pointer) error { return &ValueError{Reason: errTableTaken.Error()} },
	encode: func(out []byte, p unsafe.Pointer) []byte {
		o := Output{Frame: out}
		o.table((*table.Table)(p), func(data []byte) { o.Frame = appendBytes(o.Frame, data) })
		return o.Frame
	},
	give: func(o *Output, p unsafe.Pointer) { o.table((*table.Table)(p), o.give) },
}

func (o *Output) table(t *table.Table, put func([]byte)) {
	o.Frame = msgp.AppendArrayHeader(o.Frame, 2)
	fields, batches := t.Fields(), t.Batches()
	o.Frame = msgp.AppendArrayHeader(o.Frame, length32(len(fields)))
	for i := range fields {
		o.field(&fields[i])
	}
	o.Frame = msgp.AppendArrayHeader(o.Frame, length32(len(batches)))
	for _, batch := range batches {
		o.Frame = msgp.AppendArrayHeader(o.Frame, 2)
		o.Frame = msgp.AppendInt(o.Frame, batch.Rows)
		o.Frame = msgp.AppendArrayHeader(o.Frame, length32(len(batch.Columns)))
		for i := range batch.Columns {
			o.column(&batch.Columns[i], put)
		}
	}
}

func (o *Output) field(f *table.Field) {
	if f == nil {
		o.Frame = msgp.AppendNil(o.Frame)
		return
	}
	o.Frame = msgp.AppendArrayHeader(o.Frame, 4)
	o.Frame = msgp.AppendString(o.Frame, f.Name)
	o.Frame = msgp.AppendString(o.Frame, f.Format)
	o.Frame = msgp.AppendBool(o.Frame, f.Nullable)
	o.field(f.Values)
}

func (o *Output) column(d *table.Data, put func([]byte)) {
	if d == nil {
		o.Frame = msgp.AppendNil(o.Frame)
		return
	}
	o.Frame = msgp.AppendArrayHeader(o.Frame, 4)
	o.Frame = msgp.AppendInt(o.Frame, d.Length)
	o.Frame = msgp.AppendInt(o.Frame, d.Nulls)
	o.Frame = msgp.AppendArrayHeader(o.Frame, length32(len(d.Buffers)))
	for _, buffer := range d.Buffers {
		if buffer == nil {
			o.Frame = msgp.AppendNil(o.Frame)
		} else {
			put(buffer)
		}
	}
	o.column(d.Values, put)
}
