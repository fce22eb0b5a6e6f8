package gocore

import (
	"github.com/gostitch/gostitch/gocore/codec"
	"github.com/gostitch/gostitch/gocore/table"
)

// Element is what a Buffer is a sequence of: bool, integers and floats.
type Element = codec.Element

// Buffer is a slice that crosses without a copy.
//
// As a parameter it takes what has such memory in Python: a numpy array, an
// array.array, a memoryview. It is lent until the function returns and must
// neither be changed nor kept. As a result, or a part of one, it is a read-only
// memoryview in Python, and Go must not change it any more.
type Buffer[T Element] = codec.Buffer[T]

// Mutable is a parameter that the function writes to, in Python's own memory:
// Python sees at once what is written. It must not be kept beyond the call.
type Mutable[T Element] = codec.Mutable[T]

// Table is a result of typed columns, made by the package table. Python gets it
// where it is: pyarrow, polars, duckdb and whatever else reads Arrow streams do not copy it.
type Table = table.Table
