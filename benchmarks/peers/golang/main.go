// Package main is what one would write without gostitch: a Go library with
// exported C functions for ctypes, JSON for whatever has a structure, and
// memory that the caller gives back. Its meaning is that of
// gocore/internal/faults/bench.go.
package main

/*
#include <stdlib.h>
#include <stdint.h>
#include <string.h>
*/
import "C"

import (
	"encoding/json"
	"strconv"
	"unsafe"
)

type request struct {
	Name    string  `json:"name"`
	Numbers []int64 `json:"numbers"`
	Inner   struct {
		ID    int64  `json:"id"`
		Label string `json:"label"`
	} `json:"inner"`
}

type reply struct {
	Total int64    `json:"total"`
	Words []string `json:"words"`
	Error string   `json:"error,omitempty"`
}

//export nothing
func nothing() {}

//export add
func add(a, b C.int64_t) C.int64_t { return a + b }

// structured takes and gives JSON; the caller frees the reply with release.
//
//export structured
func structured(data *C.char, size C.int64_t) *C.char {
	var r request
	// SAFETY: the caller keeps the bytes until this returns.
	if err := json.Unmarshal(unsafe.Slice((*byte)(unsafe.Pointer(data)), size), &r); err != nil {
		return encode(reply{Error: err.Error()})
	}
	total := r.Inner.ID
	for _, n := range r.Numbers {
		total += n
	}
	return encode(reply{Total: total, Words: []string{
		r.Name,
		r.Inner.Label,
		r.Name + "/" + r.Inner.Label,
		strconv.Itoa(len(r.Numbers)),
		strconv.FormatInt(total, 10),
	}})
}

func encode(r reply) *C.char {
	data, err := json.Marshal(r)
	if err != nil {
		return C.CString(`{"error":"the reply cannot be encoded"}`)
	}
	return C.CString(string(data))
}

//export bytes_in
func bytes_in(data *C.char, size C.int64_t) C.int64_t {
	if size == 0 {
		return 0
	}
	// SAFETY: the caller keeps the bytes until this returns.
	return size + C.int64_t(unsafe.Slice((*byte)(unsafe.Pointer(data)), size)[size-1])
}

//export floats_in
func floats_in(values *C.double, size C.int64_t) C.double {
	if size == 0 {
		return 0
	}
	// SAFETY: the caller keeps the numbers until this returns.
	return C.double(size) + unsafe.Slice(values, size)[size-1]
}

// bytes_out gives memory of C, all bytes 7; the caller frees it with release.
//
//export bytes_out
func bytes_out(size C.int64_t) *C.char {
	return (*C.char)(C.memset(C.malloc(C.size_t(size)), 7, C.size_t(size)))
}

//export release
func release(memory *C.char) { C.free(unsafe.Pointer(memory)) }

func main() {}
