package gocore

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gostitch/gostitch/gocore/internal/golden"
)

// told is a record of an event, as Python reads it.
func told(token uint64, number uint32, event string) string {
	e := &CallEvents{number: number}
	if token != 0 {
		e.call = &Call{Token: token}
	}
	return string(e.frame([]byte(event)))
}

// drained gives the payloads of what waits in a queue, by kind.
func drained(q *Queue) (events []string, replies int) {
	q.Drain(func(r *Record) bool {
		if r.Kind == RecordEvent {
			events = append(events, string(r.Payload))
		} else {
			replies++
		}
		return true
	})
	return events, replies
}

// wanting has events wanted, and gives the queue for those of no call.
func wanting(t *testing.T) *Queue {
	t.Helper()
	host := NewQueue(func() {})
	WantEvents(true)
	SetHostQueue(host)
	t.Cleanup(func() { WantEvents(false); SetHostQueue(nil) })
	return host
}

var captures func(context.Context) error

func init() {
	Register("test.captures", func(ctx context.Context, _ addArgs) (int64, error) { return 7, captures(ctx) })
}

// What a call has to say that a thread waits for is taken by that thread when it has ended;
// what comes later bears the call's number.
func TestEventsOfAWaitedCall(t *testing.T) {
	host := wanting(t)
	var events *CallEvents
	captures = func(ctx context.Context) error {
		events = EventsOf(ctx)
		return errors.Join(events.Send([]byte("one")), EventsOf(context.WithoutCancel(ctx)).Send([]byte("two")))
	}
	r := Request{Function: numberOf(t, "test.captures"), Frame: twoThree}
	if _, status := Execute(&r, nil); status != StatusOK || r.Events == 0 {
		t.Fatalf("status %d, events %d", status, r.Events)
	}
	if before, _ := drained(host); len(before) != 0 {
		t.Errorf("%q did not wait", before)
	}
	if got := TakeEvents(r.Events); len(got) != 2 || string(got[0])+string(got[1]) != "onetwo" {
		t.Errorf("took %q", got)
	}
	if again := TakeEvents(r.Events); again != nil {
		t.Errorf("took %q again", again)
	}
	if err := events.Send([]byte("late")); err != nil {
		t.Error(err)
	}
	if got, _ := drained(host); len(got) != 1 || got[0] != told(0, r.Events, "late") {
		t.Errorf("late: %q", got)
	}
}

// A call that reports nothing has no number, nor has any where nobody wants events.
func TestNoEvents(t *testing.T) {
	wanting(t)
	captures = func(context.Context) error { return nil }
	r := Request{Function: numberOf(t, "test.captures"), Frame: twoThree}
	if Execute(&r, nil); r.Events != 0 {
		t.Errorf("number %d", r.Events)
	}
	WantEvents(false)
	captures = func(ctx context.Context) error { EventsOf(ctx); return nil }
	if Execute(&r, nil); r.Events != 0 {
		t.Errorf("number %d", r.Events)
	}
	if EventsOf(context.Background()) != nil {
		t.Error("there are events of no call")
	}
}

// A submitted call first says on its own queue that it may report something; what it
// reports comes before its reply, and later on the queue for what belongs to no call.
func TestEventsOfASubmittedCall(t *testing.T) {
	host, queue := wanting(t), NewQueue(func() {})
	ended := make(chan *CallEvents, 1)
	captures = func(ctx context.Context) error {
		events := EventsOf(ctx)
		defer func() { ended <- events }()
		return events.Send([]byte("one"))
	}
	r := Request{Function: numberOf(t, "test.captures"), Frame: twoThree}
	if err := Submit(&r, 4711, queue, false); err != nil {
		t.Fatal(err)
	}
	events := <-ended
	for queue.Len() < 3 {
		time.Sleep(time.Millisecond)
	}
	if got, replies := drained(queue); len(got) != 2 || got[0] != told(4711, 0, "") || got[1] != told(4711, 0, "one") || replies != 1 {
		t.Errorf("%q and %d replies", got, replies)
	}
	if err := events.Send([]byte("late")); err != nil {
		t.Error(err)
	}
	if got, _ := drained(host); len(got) != 1 || got[0] != told(4711, 0, "late") {
		t.Errorf("late: %q", got)
	}
}

// Who waits for too long, or is asked to wait for too much, goes without.
func TestEventsDoNotWaitForEver(t *testing.T) {
	host := wanting(t)
	defer func(before time.Duration) { eventPatience = before }(eventPatience)
	eventPatience = 10 * time.Millisecond
	captures = func(ctx context.Context) error {
		if err := EventsOf(ctx).Send([]byte("one")); err != nil {
			return err
		}
		for host.Len() == 0 {
			time.Sleep(time.Millisecond)
		}
		return EventsOf(ctx).Send([]byte("two"))
	}
	r := Request{Function: numberOf(t, "test.captures"), Frame: twoThree}
	Execute(&r, nil)
	if got, _ := drained(host); len(got) != 2 || got[1] != told(0, r.Events, "two") {
		t.Errorf("%q", got)
	}
	TakeEvents(r.Events)

	eventPatience = time.Hour
	captures = func(ctx context.Context) error {
		for range maxHeldEvents + 3 {
			_ = EventsOf(ctx).Send(nil)
		}
		return nil
	}
	Execute(&r, nil)
	if got, _ := drained(host); len(got) != maxHeldEvents+3 {
		t.Errorf("%d of %d", len(got), maxHeldEvents+3)
	}
	TakeEvents(r.Events)
}

// An error, or the value of a panic, that the function has reported is marked when it
// crosses; one that wraps it, or is equal, is not.
func TestCapturedErrors(t *testing.T) {
	wanting(t)
	one := errors.New("one")
	for name, c := range map[string]struct {
		captured any
		end      func() error
		status   int
	}{
		"the same":           {one, func() error { return one }, StatusCaptured},
		"an equal one":       {errors.New("one"), func() error { return one }, StatusError},
		"wrapped":            {one, func() error { return errors.Join(one) }, StatusError},
		"a panic":            {"value", func() error { panic("value") }, StatusCaptured},
		"another panic":      {"other", func() error { panic("value") }, StatusError},
		"not to be compared": {[]int{1}, func() error { panic([]int{1}) }, StatusError},
	} {
		captures = func(ctx context.Context) error { EventsOf(ctx).Captured(c.captured); return c.end() }
		r := Request{Function: numberOf(t, "test.captures"), Frame: twoThree}
		if _, status := Execute(&r, nil); status != c.status {
			t.Errorf("%s: status %d, want %d", name, status, c.status)
		}
		TakeEvents(r.Events)
	}
}

// What has no context is the call's whose goroutine it is.
func TestEventsHere(t *testing.T) {
	wanting(t)
	if err := ShowLabels(); err != nil {
		t.Fatal(err)
	}
	queue := NewQueue(func() {})
	found, own := make(chan *CallEvents, 2), make(chan *CallEvents, 1)
	captures = func(ctx context.Context) error {
		found <- EventsHere()
		own <- EventsOf(ctx)
		started := make(chan *CallEvents)
		go func() { started <- EventsHere() }()
		found <- <-started
		return nil
	}
	for _, trace := range []string{"", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\n\n"} {
		r := Request{Function: numberOf(t, "test.captures"), Frame: twoThree, Trace: []byte(trace)}
		if err := Submit(&r, 4712, queue, false); err != nil {
			t.Fatal(err)
		}
		e := <-own
		if got := <-found; got != e {
			t.Errorf("with trace %q the call has %p, not %p", trace, got, e)
		}
		// In no trace, a goroutine may be that of a call which has ended.
		want := e
		if trace == "" {
			want = nil
		}
		if got := <-found; got != want {
			t.Errorf("with trace %q its goroutine has %p, not %p", trace, got, want)
		}
		for replies := 0; replies == 0; {
			_, replies = drained(queue)
		}
	}
	if e := EventsHere(); e != nil {
		t.Errorf("outside of calls there is %p", e)
	}
}

// Where Python is gone, who sends an event is told so, and does it by itself.
func TestEventsOfNobody(t *testing.T) {
	SetHostQueue(nil)
	before := RecordsDropped()
	if err := SendEvent([]byte("x")); err != ErrNobody {
		t.Errorf("got %v", err)
	}
	if RecordsDropped() != before {
		t.Error("it is counted as dropped")
	}
}

// A record of an event is what Python reads.
func TestGoldenEvent(t *testing.T) {
	golden.Check(t, "call_event", []byte(told(3, 0, "what happened")))
}
