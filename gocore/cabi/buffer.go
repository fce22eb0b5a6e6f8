package cabi

/*
#include "gostitch.h"
*/
import "C"

import (
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"
)

// buffer is Go memory that C holds: pinned, so that the collector neither
// frees it nor forbids that C keeps its address.
type buffer struct {
	pinner runtime.Pinner
}

// handles are the buffers and queues that C holds. Handles are numbers that
// are never used again, so releasing one twice is harmless.
var handles struct {
	last    atomic.Uint64
	byID    sync.Map // uint64 -> *buffer or *queue
	buffers atomic.Int64
	queues  atomic.Int64
}

// give hands Go memory to C and fills out with where it is.
func give(out *C.gostitch_out, payload []byte, held []unsafe.Pointer) {
	if len(payload) == 0 {
		fill(out, nil, 0, 0)
		return
	}
	data := unsafe.SliceData(payload)
	fill(out, unsafe.Pointer(data), len(payload), pin(append(held, unsafe.Pointer(data))))
}

// fill writes where a payload is.
//
// SAFETY: the address is stored as a number. A store as a pointer would have a
// write barrier, which shows the collector what stood there before: the address
// of an earlier payload, released and freed long ago, at which the runtime
// aborts the process.
func fill(out *C.gostitch_out, address unsafe.Pointer, length int, handle uint64) {
	*(*uintptr)(unsafe.Pointer(&out.data)) = uintptr(address)
	out.length, out.handle = C.uint64_t(length), C.uint64_t(handle)
}

// pin keeps memory where it is under a new handle; gostitch_release lets it go.
//
// SAFETY: it is Go memory (what lies in lent memory is copied by gocore), and Pin
// keeps it in place until Unpin in gostitch_release.
func pin(memory []unsafe.Pointer) (handle uint64) {
	b := &buffer{}
	for _, address := range memory {
		b.pinner.Pin(address)
	}
	handle = handles.last.Add(1)
	handles.byID.Store(handle, b)
	handles.buffers.Add(1)
	return handle
}

//export gostitch_release
func gostitch_release(handle C.uint64_t) {
	defer func() { endure(recover()) }()
	held, found := handles.byID.LoadAndDelete(uint64(handle))
	if !found {
		return
	}
	switch h := held.(type) {
	case *buffer:
		h.pinner.Unpin()
		handles.buffers.Add(-1)
	case *queue:
		h.close()
		handles.queues.Add(-1)
	}
}
