package gocore

import (
	"github.com/gostitch/gostitch/gocore/codec"
	"github.com/tinylib/msgp/msgp"
)

// AppendCatalogue writes what the library offers, in order of number: for each
// function [name, contract checksum, whether the result is plain bytes].
func AppendCatalogue(out []byte) []byte {
	functions := Functions()
	out = msgp.AppendArrayHeader(out, uint32(len(functions)))
	for _, f := range functions {
		out = msgp.AppendArrayHeader(out, 3)
		out = codec.AppendString(out, f.Name)
		out = codec.AppendString(out, f.Contract.Checksum())
		out = msgp.AppendBool(out, f.BytesResult)
	}
	return out
}
