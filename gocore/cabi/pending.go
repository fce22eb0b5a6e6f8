package cabi

/*
#include "gostitch.h"
*/
import "C"

import (
	"encoding/binary"
	"unsafe"

	"github.com/gostitch/gostitch/gocore"
	"github.com/tinylib/msgp/msgp"
)

// queue is a gocore.Queue with the descriptor that wakes its consumer.
type queue struct {
	*gocore.Queue
	roles C.int32_t
}

//export gostitch_queue
func gostitch_queue(wakeFD, roles C.int32_t) C.uint64_t {
	defer func() { endure(recover()) }()
	fd := int(wakeFD)
	q := &queue{Queue: gocore.NewQueue(func() { gocore.Wake(fd) }), roles: roles}
	q.serve()
	handle := handles.last.Add(1)
	handles.byID.Store(handle, q)
	handles.queues.Add(1)
	return C.uint64_t(handle)
}

func (q *queue) close() {
	gocore.LeaveQueue(q.Queue)
	q.Shut()
}

// serve has what belongs to no call go to this queue from now on, as far as it is for that.
func (q *queue) serve() {
	if q.roles&C.GOSTITCH_RECORDS != 0 {
		gocore.SetHostQueue(q.Queue)
	}
	if q.roles&C.GOSTITCH_QUESTIONS != 0 {
		gocore.SetQuestionQueue(q.Queue)
	}
}

func queueOf(handle uint64) (*gocore.Queue, error) {
	held, found := handles.byID.Load(handle)
	if q, isQueue := held.(*queue); found && isQueue {
		return q.Queue, nil
	}
	return nil, gocore.Errorf(gocore.CodeClosed, "queue %d is not open", handle)
}

// recordOverhead bounds the bytes of a record besides its payload: the header
// and the length of the payload, or its [address, length, handle].
const recordOverhead = 64

// arrayHeader is the size of the array header that counts the records, in its
// longest form since the count is not known before.
const arrayHeader = 5

// copyBelow is the size from which a payload crosses where it is rather than
// by a copy into the scratch memory, as one that refers to memory always does.
const copyBelow = 16 << 10

//export gostitch_drain
func gostitch_drain(handle C.uint64_t, scratch *C.uint8_t, capacity C.uint64_t, more *C.int32_t) C.int64_t {
	defer func() { endure(recover()) }()
	*more = 0
	q, err := queueOf(uint64(handle))
	if err != nil {
		return 0
	}
	room := unsafe.Slice((*byte)(unsafe.Pointer(scratch)), int(capacity))
	out, count := room[:arrayHeader], uint32(0)
	remain := q.Drain(func(r *gocore.Record) bool {
		size := len(r.Payload)
		external := size >= copyBelow || len(r.Held) > 0 || arrayHeader+recordOverhead+size > len(room)
		if external {
			size = 0
		}
		if len(out)+recordOverhead+size > len(room) {
			return false
		}
		out = r.AppendHeader(out)
		if external {
			out = appendHeld(out, r.Payload, r.Held)
		} else {
			out = msgp.AppendBytes(out, r.Payload)
		}
		count++
		return true
	})
	if remain {
		*more = 1
	}
	if count == 0 {
		return 0
	}
	room[0] = 0xdd // array 32
	binary.BigEndian.PutUint32(room[1:], count)
	return C.int64_t(len(out))
}

// appendHeld writes where a payload is that is too large to copy.
func appendHeld(out, payload []byte, held []unsafe.Pointer) []byte {
	data := unsafe.Pointer(unsafe.SliceData(payload))
	handle := pin(append(held, data))
	out = msgp.AppendArrayHeader(out, 3)
	out = msgp.AppendUint64(out, uint64(uintptr(data)))
	out = msgp.AppendUint64(out, uint64(len(payload)))
	return msgp.AppendUint64(out, handle)
}
