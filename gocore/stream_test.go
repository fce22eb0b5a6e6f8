package gocore

import (
	"context"
	"encoding/binary"
	"errors"
	"testing"
	"time"
	"unsafe"

	"github.com/gostitch/gostitch/gocore/codec"
)

func report(count uint32) []byte { return binary.LittleEndian.AppendUint32(nil, count) }

// A window lets so many results through, or so many bytes, then waits for the
// consumer; one result always fits.
func TestWindow(t *testing.T) {
	t.Parallel()
	open := func() *window { return &window{wake: make(chan struct{}, 1)} }
	// full tells whether one more has to wait.
	full := func(w *window) bool {
		done := make(chan struct{})
		entered := make(chan bool, 1)
		go func() { entered <- w.enter(1, done) }()
		select {
		case <-entered:
			return false
		case <-time.After(20 * time.Millisecond):
			close(done)
			return !<-entered
		}
	}
	small := open()
	for range windowResults {
		small.enter(1, nil)
	}
	if !full(small) {
		t.Error("one more found room")
	}
	if err := small.taken(report(1)); err != nil || full(small) {
		t.Errorf("after one was taken there is no room: %v", err)
	}
	large := open()
	inTime(t, "entering", func() {
		if !large.enter(2*windowBytes, nil) || !full(large) {
			t.Error("a large result must enter an empty window, and fill it")
		}
	})
	ended := make(chan struct{})
	close(ended)
	if open().enter(1, ended) {
		t.Error("a call that has ended found room")
	}
	if err := large.taken(report(1000)); err != nil || large.bytes != 0 || !large.enter(1, nil) {
		t.Errorf("more taken than sent: %v", err)
	}
	if err := large.taken([]byte{1}); CodeOf(err) != CodeInvalidArgument {
		t.Errorf("a malformed report gave %v", err)
	}
}

// A stream or a function that asks, run by a caller that cannot take part,
// says so instead of waiting.
func TestConversationsNeedACaller(t *testing.T) {
	t.Parallel()
	c := newTestCall(0)
	if err := stream(c, nil, func(func(int, error) bool) {}); CodeOf(err) != CodeInvalidArgument {
		t.Errorf("the stream gave %v", err)
	}
	if _, err := c.ask(c.Context(), nil); CodeOf(err) != CodeInvalidArgument {
		t.Errorf("asking gave %v", err)
	}
}

// inTime fails the test if something does not end.
func inTime(t *testing.T, what string, run func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		run()
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatalf("%s does not end", what)
	}
}

// Who asks waits no longer than its own context, and leaves nothing behind.
func TestAskingUntilAContextEnds(t *testing.T) {
	t.Parallel()
	c := newTestCall(0)
	c.outbox, c.answers = newOutbox(NewQueue(func() {})), &answers{waiting: map[uint32]chan []byte{}}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	inTime(t, "asking", func() {
		if _, err := c.ask(ctx, &codec.Output{}); !errors.Is(err, context.Canceled) {
			t.Errorf("asking gave %v", err)
		}
	})
	if len(c.answers.waiting) != 0 {
		t.Errorf("%d questions still wait", len(c.answers.waiting))
	}
}

// A goroutine that outlives its call sends nothing.
func TestSendingAfterTheEnd(t *testing.T) {
	t.Parallel()
	plan, err := codec.Compile[int]()
	if err != nil {
		t.Fatal(err)
	}
	c, number := newTestCall(0), 7
	c.outbox = newOutbox(NewQueue(func() {}))
	c.send(plan, unsafe.Pointer(&number))
	c.closed.Store(true)
	c.send(plan, unsafe.Pointer(&number))
	if waiting := c.outbox.queue.Len(); waiting != 1 {
		t.Errorf("%d messages wait", waiting)
	}
}

// An answer reaches who asked; others are dropped, and malformed ones refused.
func TestAnswers(t *testing.T) {
	t.Parallel()
	a := &answers{waiting: map[uint32]chan []byte{}}
	number, reply := a.expect()
	if err := a.take(append(report(number+1), answerValue)); err != nil {
		t.Errorf("an answer to nobody gave %v", err)
	}
	if err := a.take(append(report(number), answerValue, 7)); err != nil {
		t.Fatal(err)
	}
	inTime(t, "answering twice", func() {
		if err := a.take(append(report(number), answerValue, 8)); err != nil {
			t.Errorf("a second answer gave %v", err)
		}
	})
	if frame, err := readAnswer(number, <-reply); err != nil || len(frame) != 1 || frame[0] != 7 {
		t.Errorf("the answer is %v, %v", frame, err)
	}
	if err := a.take([]byte{1, 2}); CodeOf(err) != CodeInvalidArgument {
		t.Errorf("a malformed answer gave %v", err)
	}
	if _, err := readAnswer(1, append(report(1), answerError, 0xc0)); CodeOf(err) != CodeUnknown {
		t.Errorf("a malformed exception gave %v", err)
	}
}
