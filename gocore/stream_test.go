package gocore

import (
	"encoding/binary"
	"testing"
	"time"
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
	if !large.enter(2*windowBytes, nil) || !full(large) {
		t.Error("a large result must enter an empty window, and fill it")
	}
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
