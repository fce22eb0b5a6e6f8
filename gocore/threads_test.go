package gocore

import (
	"context"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

// own is what Go prints of the goroutine that calls.
func own() string {
	text := make([]byte, 4096)
	return string(text[:runtime.Stack(text, false)])
}

func init() {
	Register("test.keep_thread", func(context.Context, addArgs) (int64, error) { runtime.LockOSThread(); return 0, nil })
	Register("test.has_kept_thread", func(context.Context, addArgs) (bool, error) {
		return strings.Contains(own(), "locked to thread"), nil
	})
}

// A function that keeps its thread has changed it: no other call may run there.
func TestThreadsThatFunctionsKeep(t *testing.T) {
	t.Parallel()
	for round := range uint64(2 * firstLooks) {
		submitAndWait(t, "test.keep_thread", twoThree, 7000+round)
		record := submitAndWait(t, "test.has_kept_thread", twoThree, 7000+round)
		if record.Status != StatusOK || record.Payload[0] != 0xc2 {
			t.Fatalf("replied %x in round %d", record.Payload, round)
		}
	}
}

// Of calls that come together, too.
func TestThreadsThatFunctionsKeepAmongOthers(t *testing.T) {
	t.Parallel()
	q := NewQueue(func() {})
	for i := range uint64(1000) {
		name := "test.has_kept_thread"
		if i%3 == 0 {
			name = "test.keep_thread"
		}
		if err := Submit(&Request{Function: numberOf(t, name), Frame: twoThree}, 8000+i, q, false); err != nil {
			t.Fatal(err)
		}
	}
	for replies := 0; replies < 1000; {
		runtime.Gosched()
		q.Drain(func(r *Record) bool {
			replies++
			if r.Payload[0] == 0xc3 {
				t.Errorf("call %d ran on a thread that another has kept", r.Token)
			}
			return true
		})
	}
}

// Whoever keeps a thread unnoticed ends its goroutine when that has nothing to run.
func TestWorkersThatWaitHaveKeptNoThread(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPool()
		p.run(runtime.LockOSThread)
		synctest.Wait()
		if p.idle != 0 {
			t.Errorf("%d goroutines wait", p.idle)
		}
		p.dismiss()
	})
}

// A dump must not show calls that have ended, nor those of the thread that started a goroutine.
func TestLabelsEndWithTheirCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPool()
		c := NewCall(Functions()[numberOf(t, "test.add")], 0)
		var both sync.WaitGroup
		both.Add(2)
		for range 2 {
			p.run(func() { c.label(); both.Done(); both.Wait() })
		}
		synctest.Wait()
		var profile strings.Builder
		_ = pprof.Lookup("goroutine").WriteTo(&profile, 1)
		for group := range strings.SplitSeq(profile.String(), "\n\n") {
			if strings.Contains(group, "(*Cond).Wait") && strings.Contains(group, labelCall) {
				t.Errorf("goroutines that wait are shown as\n%s", group)
			}
		}
		c.finish()
		p.dismiss()
	})
}
