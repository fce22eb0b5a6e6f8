package gocore

import (
	"encoding/binary"
	"slices"
	"sync"
	"unsafe"

	"github.com/gostitch/gostitch/gocore/codec"
	"github.com/tinylib/msgp/msgp"
)

// RecordKind tells what a drained record is. The numbers are part of the
// boundary (gostitch.h) and have twins in python/gostitch/_codec.py.
type RecordKind uint8

// The kinds of record.
const (
	RecordReply    RecordKind = 1 // the end of a submitted call
	RecordMessage  RecordKind = 2 // a message or a stream's result of a running call
	RecordSpans    RecordKind = 3 // finished spans for Python's processors, or that some wait (SpanSource)
	RecordLog      RecordKind = 4 // a log record of slog
	RecordQuestion RecordKind = 5 // a question of a running call; the status is its number
	RecordTrace    RecordKind = 6 // the trace context of the question with that number; 0: of all messages of the call
	RecordEvent    RecordKind = 7 // what is to be reported as an error, or a sign that there may be such (CallEvents)
	RecordIDs      RecordKind = 8 // ids for spans of Go run out
	RecordEntry    RecordKind = 9 // a log record of the API that an observer offers
)

// The status of a reply, sent or returned.
const (
	StatusOK       = 0 // the payload is the result
	StatusError    = 1 // the payload is an error frame
	StatusCaptured = 3 // the same, and the function has reported that error itself
)

// Record is one thing that waits for Python.
type Record struct {
	Kind    RecordKind
	Token   uint64 // of the call; 0 for what is of none, or of one that has ended
	Status  int    // of a reply; the number of a question
	Payload []byte
	Held    []unsafe.Pointer // memory that the payload refers to
	taken   func()           // frees the sender's slot or room; may be nil
}

// AppendHeader writes the frame around a record's payload: the array header,
// kind, token and status; the payload follows as bytes, or as [address,
// length, handle] when it is too large to be copied.
func (r *Record) AppendHeader(out []byte) []byte {
	out = msgp.AppendArrayHeader(out, 4)
	out = msgp.AppendUint8(out, uint8(r.Kind))
	out = msgp.AppendUint64(out, r.Token)
	return msgp.AppendInt(out, r.Status)
}

// Queue holds the records for one consumer in Python (an event loop, or the
// thread that serves plain futures). It is safe for concurrent use.
type Queue struct {
	wake func() // tells the consumer once that records wait

	mu        sync.Mutex
	records   []Record // guarded by mu; records[head:] wait
	head      int      // guarded by mu
	signalled bool     // guarded by mu: wake was called and Drain has not emptied the queue since
	shut      bool     // guarded by mu
}

// compactAt is how many taken records may stand before those that wait.
const compactAt = 1024

// NewQueue makes a queue; wake must not block.
func NewQueue(wake func()) *Queue { return &Queue{wake: wake} }

// push adds a record. After Shut it is dropped, as nobody will ask for it, and push false.
func (q *Queue) push(r Record) bool {
	q.mu.Lock()
	if q.shut {
		q.mu.Unlock()
		if r.taken != nil {
			r.taken()
		}
		return false
	}
	q.records = append(q.records, r)
	signal := !q.signalled
	q.signalled = true
	if signal {
		// Under the lock, so that a queue is never woken after Shut returned:
		// the descriptor may be another file's by then.
		q.wake()
	}
	q.mu.Unlock()
	return true
}

// Drain gives waiting records to take, oldest first, until it returns false
// or none is left. It reports whether records remain.
func (q *Queue) Drain(take func(*Record) bool) (more bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.head < len(q.records) {
		r := &q.records[q.head]
		if !take(r) {
			return true
		}
		if r.taken != nil {
			r.taken()
		}
		*r = Record{}
		q.head++
		if q.head >= compactAt && 2*q.head >= len(q.records) {
			// A queue that is never empty must not grow for ever.
			q.records = slices.Delete(q.records, 0, q.head)
			q.head = 0
		}
	}
	q.records, q.head = q.records[:0], 0
	q.signalled = false
	return false
}

// Len gives the number of records that wait.
func (q *Queue) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.records) - q.head
}

// Shut drops what waits; the queue never wakes its consumer again.
func (q *Queue) Shut() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, r := range q.records[q.head:] {
		if r.taken != nil {
			r.taken()
		}
	}
	q.records, q.head, q.shut = nil, 0, true
}

// outboxSize is how many messages of one call Python may not have handled yet
// before the function that sends them has to wait. Python says when it has
// handled a quarter of them (_queue.py).
const outboxSize = 256

// outbox is where a call's messages go. Each has a slot until Python has
// handled it, not until it was drained: an event loop that is blocked may have
// its queue drained by another thread, and takes nothing.
type outbox struct {
	queue *Queue
	slots chan struct{}
}

// handled frees the slots of messages that Python has handled: their number, 4
// bytes, little-endian.
func (o *outbox) handled(message []byte) error {
	if len(message) != 4 {
		return Errorf(CodeInvalidArgument, "a function is told how many messages were handled in 4 bytes, not %d", len(message))
	}
	for range binary.LittleEndian.Uint32(message) {
		select {
		case <-o.slots:
		default:
			return nil // more than were sent
		}
	}
	return nil
}

func newOutbox(q *Queue) *outbox {
	return &outbox{queue: q, slots: make(chan struct{}, outboxSize)}
}

// sendsMessages tells whether somebody handles the messages of the call, and is
// neither asked nor draws results.
func (c *Call) sendsMessages() bool {
	return c.outbox != nil && c.answers == nil && c.window == nil
}

// send encodes a message and queues it, waiting while the outbox is full.
func (c *Call) send(plan *codec.Plan, message unsafe.Pointer) {
	if c.outbox == nil || c.closed.Load() {
		return
	}
	select {
	case c.outbox.slots <- struct{}{}:
	case <-c.context.Load().Done():
		return
	}
	output := codec.NewOutput(nil, &c.input)
	plan.Give(&output, message)
	c.outbox.queue.push(Record{
		Kind:    RecordMessage,
		Token:   c.Token,
		Payload: output.Frame,
		Held:    output.Held,
	})
}
