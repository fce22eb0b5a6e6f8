package cabi

/*
#include "gostitch.h"
*/
import "C"

import (
	"time"
	"unsafe"

	"github.com/gostitch/gostitch/gocore"
)

// lent makes a slice of memory that C lends for the duration of a call.
//
// SAFETY: the caller of the export guarantees data[:length] until it returns
// (gostitch.h, Memory); a nil pointer comes with length 0.
func lent(data *C.gostitch_const_byte, length C.uint64_t) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(data)), int(length))
}

func requestOf(r *C.gostitch_const_request) gocore.Request {
	request := gocore.Request{
		Function: uint32(r.function),
		Timeout:  time.Duration(r.timeout_ns),
		Trace:    lent(r.trace, r.trace_length),
		Frame:    lent(r.frame, r.frame_length),
		Started:  int64(r.started_ns),
		Number:   uint64(r.number),
		Thread:   int(r.thread),
	}
	if r.buffer_count > 0 {
		request.Buffers = make([][]byte, r.buffer_count)
		for i, v := range unsafe.Slice(r.buffers, int(r.buffer_count)) {
			request.Buffers[i] = lent(v.data, v.length)
		}
	}
	return request
}

// mend ends an export. If the bridge itself panicked there is an error reply, since
// nothing may unwind into C. The thread is about to leave Go.
func mend(value any, out *C.gostitch_out, status *C.int32_t) {
	gocore.KeepMonitorAwake()
	if value == nil {
		return
	}
	*status = giveResult(out, nil, gocore.Break(value))
}

// endure does so for an export that has no reply.
func endure(value any) {
	gocore.KeepMonitorAwake()
	if value != nil {
		_ = gocore.Break(value) // later calls tell
	}
}

//export gostitch_call
func gostitch_call(r *C.gostitch_const_request, scratch *C.uint8_t, capacity C.uint64_t, out *C.gostitch_out) (reply C.int64_t) {
	defer func() {
		gocore.KeepMonitorAwake()
		if value := recover(); value != nil {
			giveResult(out, nil, gocore.Break(value))
			reply = -1
		}
	}()
	gocore.KeepMonitorAwake() // for what the function waits for outside of Go
	request := requestOf(r)
	room := unsafe.Slice((*byte)(unsafe.Pointer(scratch)), int(capacity))
	payload, status := gocore.Execute(&request, room[:0])
	out.spans, out.events = C.int32_t(request.Spans), C.uint32_t(request.Events)
	inScratch := len(payload) == 0 || unsafe.SliceData(payload) == unsafe.SliceData(room)
	switch {
	case inScratch && len(request.Held) > 0:
		fill(out, unsafe.Pointer(scratch), len(payload), pin(request.Held))
	case inScratch && status == gocore.StatusOK:
		return C.int64_t(len(payload))
	case inScratch:
		fill(out, unsafe.Pointer(scratch), len(payload), 0)
	default:
		give(out, payload, request.Held)
	}
	out.status = C.int32_t(status)
	return -1
}

//export gostitch_submit
func gostitch_submit(r *C.gostitch_const_request, token, queue C.uint64_t, out *C.gostitch_out) (status C.int32_t) {
	defer func() { mend(recover(), out, &status) }()
	request := requestOf(r)
	q, err := queueOf(uint64(queue))
	if err == nil {
		err = gocore.Submit(&request, uint64(token), q, r.flags&C.GOSTITCH_MESSAGES != 0)
	}
	return giveResult(out, nil, err)
}

//export gostitch_send
func gostitch_send(token C.uint64_t, data *C.gostitch_const_byte, length C.uint64_t, out *C.gostitch_out) (status C.int32_t) {
	defer func() { mend(recover(), out, &status) }()
	message := append([]byte(nil), lent(data, length)...)
	return giveResult(out, nil, gocore.Send(uint64(token), message))
}

//export gostitch_cancel
func gostitch_cancel(token C.uint64_t) {
	defer func() { endure(recover()) }()
	gocore.Cancel(uint64(token))
}

//export gostitch_catalogue
func gostitch_catalogue(out *C.gostitch_out) (status C.int32_t) {
	defer func() { mend(recover(), out, &status) }()
	return giveResult(out, gocore.AppendCatalogue(nil), nil)
}

// giveResult hands over a payload or an error.
func giveResult(out *C.gostitch_out, payload []byte, err error) C.int32_t {
	status := C.int32_t(C.GOSTITCH_OK)
	if err != nil {
		payload, status = gocore.AppendError(nil, err), C.GOSTITCH_ERROR
	}
	give(out, payload, nil)
	out.status = status
	return status
}
