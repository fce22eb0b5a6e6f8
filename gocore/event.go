package gocore

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tinylib/msgp/msgp"
)

// maxHeldEvents is how many events of a call wait for its caller; more go without.
const maxHeldEvents = 100

// eventPatience is how long an event waits for its caller, who is in Go and can take it
// only afterwards. A variable for tests.
var eventPatience = 5 * time.Second

// CallEvents are the events of one call on their way to Python, where its error reporting
// adds what belongs to the caller. Those of a call that a thread of Python waits for are
// handed to that thread when the call has ended; others go to a queue at once. It serves what
// outlives its call too, and is safe for concurrent use.
type CallEvents struct {
	// Own is the observer's, made once.
	Own  any
	Once sync.Once
	// Function is the name of the call's, as callers say it; empty for no call.
	Function string

	call   *Call  // a submitted one; nil: any other
	number uint32 // of a call that a thread waits for; 0: any other

	mu       sync.Mutex
	waiting  bool        // guarded by mu: the caller is to take the events
	held     [][]byte    // guarded by mu: for the caller
	patience *time.Timer // guarded by mu; nil: nothing is held
	captured []any       // guarded by mu: errors and values of panics that are in events
}

// maxCaptured is how many errors in events a call remembers.
const maxCaptured = 16

// eventsWanted tells that Python reports events.
var eventsWanted atomic.Bool

// WantEvents says whether Python reports events. Where it does not, no call is noted for them.
func WantEvents(yes bool) { eventsWanted.Store(yes) }

// lastOfWaited numbers the events of calls that threads wait for; untaken are those whose
// call has ended.
var (
	lastOfWaited atomic.Uint32
	untaken      sync.Map // uint32 -> *CallEvents
)

// eventsKey finds the CallEvents in a context derived from that of a call.
type eventsKey struct{}

// EventsOf gives the events of the call that a context belongs to; nil for no call. One
// that has ended has none any more unless it had some before.
func EventsOf(ctx context.Context) *CallEvents {
	e, _ := ctx.Value(eventsKey{}).(*CallEvents)
	return e
}

// eventsOf gives those of the context's call, which are made now.
func (x *callContext) eventsOf() *CallEvents {
	if e := x.events.Load(); e != nil {
		return e
	}
	c := x.enter()
	defer c.mu.Unlock()
	if e := x.events.Load(); e != nil {
		return e
	}
	e := &CallEvents{Function: c.Function.Name}
	switch {
	case !eventsWanted.Load():
	case c == c.Function.ended || c.over.Load(): // too late to be known to Python
	case c.Token != 0:
		e.call = c
		c.queue.push(Record{Kind: RecordEvent, Token: c.Token, Payload: e.frame(nil)})
	default:
		for e.number == 0 {
			e.number = lastOfWaited.Add(1)
		}
		e.waiting = true
	}
	x.events.Store(e)
	return e
}

// Send hands an event to Python. It fails if nobody is there, or there is no room.
func (e *CallEvents) Send(event []byte) error {
	e.mu.Lock()
	if !e.waiting {
		e.mu.Unlock()
		return e.push(event)
	}
	e.held = append(e.held, event)
	if e.patience == nil {
		e.patience = time.AfterFunc(eventPatience, e.Release)
	}
	full := len(e.held) == maxHeldEvents
	e.mu.Unlock()
	if full {
		e.Release()
	}
	return nil
}

// SendEvent hands an event of no call to Python, as CallEvents.Send does.
func SendEvent(event []byte) error { return (&CallEvents{}).push(event) }

// push queues an event, or counts it as dropped if there is no room: where nobody is there, who made it sends it.
func (e *CallEvents) push(event []byte) error {
	frame, err := e.frame(event), ErrNobody
	if c := e.call; c != nil && !c.closed.Load() {
		// Before the reply, at which Python forgets the caller.
		err = pushTo(c.queue, Record{Kind: RecordEvent, Token: c.Token, Payload: frame})
	}
	if err == ErrNobody {
		err = pushTo(hostQueue.Load(), Record{Kind: RecordEvent, Payload: frame})
	}
	if err == ErrNoRoom {
		recordsDropped.Add(1)
	}
	return err
}

// frame is what crosses: [token, number, event]; an empty event only tells that there may
// be some later, when the call has ended.
func (e *CallEvents) frame(event []byte) []byte {
	var token uint64
	if e.call != nil {
		token = e.call.Token
	}
	out := make([]byte, 0, len(event)+32)
	out = msgp.AppendArrayHeader(out, 3)
	out = msgp.AppendUint64(out, token)
	out = msgp.AppendUint32(out, e.number)
	return msgp.AppendBytes(out, event)
}

// Release has nothing wait for the caller any more.
func (e *CallEvents) Release() {
	for _, event := range e.take() {
		_ = e.push(event) // what is dropped is counted
	}
}

// ReleaseEvents does so for all calls.
func ReleaseEvents() {
	eachRunning(func(c *Call) {
		if e := c.context.Load().events.Load(); e != nil {
			e.Release()
		}
	})
	untaken.Range(func(_, e any) bool {
		e.(*CallEvents).Release()
		return true
	})
}

// ReleaseEventsHere does so for the call that this goroutine belongs to.
func ReleaseEventsHere() {
	if c := callHere(); c != nil {
		if e := c.context.Load().events.Load(); e != nil {
			e.Release()
		}
	}
}

func (e *CallEvents) take() [][]byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.patience != nil {
		e.patience.Stop()
	}
	held := e.held
	e.waiting, e.held, e.patience = false, nil, nil
	return held
}

// ended gives the number by which the caller takes the events, as the call has ended.
func (e *CallEvents) ended() uint32 {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.number == 0 {
		return 0
	}
	untaken.Store(e.number, e)
	if e.patience != nil {
		e.patience.Stop()
	}
	e.patience = time.AfterFunc(eventPatience, func() { untaken.Delete(e.number); e.Release() })
	return e.number
}

// TakeEvents gives the events of a call that has ended to its caller. Later ones bear its number.
func TakeEvents(number uint32) [][]byte {
	found, has := untaken.LoadAndDelete(number)
	if !has {
		return nil
	}
	return found.(*CallEvents).take()
}

// Captured notes an error, or the value of a panic, that is in an event.
func (e *CallEvents) Captured(what any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.captured = append(e.captured, what)
	if len(e.captured) > maxCaptured {
		e.captured = e.captured[1:]
	}
}

// hasCaptured tells whether the error of the call is in an event already.
func (c *Call) hasCaptured(err error) bool {
	e := c.context.Load().events.Load()
	if e == nil {
		return false
	}
	var of any = err
	if p, isPanic := err.(*PanicError); isPanic {
		of = p.Value
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.ContainsFunc(e.captured, func(each any) bool { return isSame(each, of) })
}

// isSame compares what may be of a type that cannot be compared.
func isSame(a, b any) (is bool) {
	defer func() { _ = recover() }()
	return a == b
}
