package gocore

import (
	"github.com/gostitch/gostitch/gocore/codec"
	"github.com/tinylib/msgp/msgp"
)

// AppendCatalogue writes what the library offers, in order of number: for each
// function [name, contract checksum].
func AppendCatalogue(out []byte) []byte {
	functions := Functions()
	out = msgp.AppendArrayHeader(out, uint32(len(functions)))
	for _, f := range functions {
		out = msgp.AppendArrayHeader(out, 2)
		out = codec.AppendString(out, f.Name)
		out = codec.AppendString(out, f.Contract.Checksum())
	}
	return out
}
