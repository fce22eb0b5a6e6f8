package gocore

import (
	"context"
	"encoding/binary"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gostitch/gostitch/gocore/codec"
)

type addArgs struct{ A, B int64 }

func add(_ context.Context, a addArgs) (int64, error) { return a.A + a.B, nil }

func countTo(ctx context.Context, a addArgs, send func(int64)) (int64, error) {
	for i := range a.A {
		send(i)
	}
	return a.A, ctx.Err()
}

func waitForEnd(ctx context.Context, _ addArgs) (int64, error) {
	<-ctx.Done()
	return 0, ctx.Err()
}

func init() {
	Register("test.add", add)
	RegisterMessages("test.count_to", countTo)
	Register("test.wait", waitForEnd)
	Register("test.bound", (&counter{step: 2}).next)
	Register("test.generic", zero[string])
}

type counter struct{ step int64 }

func (c *counter) next(_ context.Context, a addArgs) (int64, error) { return a.A + c.step, nil }

func zero[T any](context.Context, addArgs) (value T, err error) { return value, nil }

// A method of a value and a generic function have the names that they have in
// the source, and no file that nobody wrote.
func TestNamesOfMethodsAndGenericFunctions(t *testing.T) {
	t.Parallel()
	bound, generic := Functions()[numberOf(t, "test.bound")], Functions()[numberOf(t, "test.generic")]
	if want := "gocore.(*counter).next"; !strings.HasSuffix(bound.GoName, want) || bound.File != "" {
		t.Errorf("got %s in %q, want ...%s", bound.GoName, bound.File, want)
	}
	if want := "gocore.zero[...]"; !strings.HasSuffix(generic.GoName, want) || !strings.HasSuffix(generic.File, "registry_test.go") {
		t.Errorf("got %s in %q, want ...%s", generic.GoName, generic.File, want)
	}
	reply, status := Execute(&Request{Function: numberOf(t, "test.bound"), Frame: twoThree}, nil)
	if status != StatusOK || string(reply) != "\x04" {
		t.Errorf("got % x, status %d", reply, status)
	}
}

func numberOf(t *testing.T, name string) uint32 {
	t.Helper()
	for i, f := range Functions() {
		if f.Name == name {
			return uint32(i)
		}
	}
	t.Fatalf("%s is not registered", name)
	return 0
}

// [2, 3]
var twoThree = []byte{0x92, 2, 3}

// A call by number runs the function and writes the reply into the room given.
func TestExecute(t *testing.T) {
	room := make([]byte, 64)
	reply, status := Execute(&Request{Function: numberOf(t, "test.add"), Frame: twoThree}, room[:0])
	if status != StatusOK || string(reply) != "\x05" || &reply[0] != &room[0] {
		t.Errorf("got % x, status %d", reply, status)
	}
	if _, status := Execute(&Request{Function: 9999}, nil); status != StatusError {
		t.Error("a function that does not exist was called")
	}
	if _, status := Execute(&Request{Function: numberOf(t, "test.add"), Frame: []byte{0x91, 2}}, nil); status != StatusError {
		t.Error("a frame with a field missing was accepted")
	}
}

// A submitted call replies on its queue after its messages, in order; it waits while
// as many as fit were not handled, whether they were drained or not.
func TestSubmitWithMessages(t *testing.T) {
	woken := make(chan struct{}, 100)
	q := NewQueue(func() { woken <- struct{}{} })
	const many = 3 * outboxSize
	frame := []byte{0x92, 0xcd, many >> 8, many & 0xff, 0}
	if err := Submit(&Request{Function: numberOf(t, "test.count_to"), Frame: frame}, 7, q, true); err != nil {
		t.Fatal(err)
	}
	var messages, handled int
	for replied := false; !replied; {
		if messages == handled+outboxSize && messages < many {
			if err := Send(7|Handled, binary.LittleEndian.AppendUint32(nil, outboxSize)); err != nil {
				t.Fatal(err)
			}
			handled = messages
		}
		<-woken
		q.Drain(func(r *Record) bool {
			if r.Token != 7 {
				t.Errorf("token %d", r.Token)
			}
			if r.Kind == RecordMessage {
				messages++
			}
			if messages > handled+outboxSize {
				t.Errorf("%d messages came, and %d were handled", messages, handled)
			}
			replied = r.Kind == RecordReply
			return true
		})
	}
	if messages != many {
		t.Errorf("%d messages of %d", messages, many)
	}
}

// Cancelling a token ends its call; a token in use cannot be used again; Close
// cancels what runs.
func TestCancelAndClose(t *testing.T) {
	woken := make(chan struct{}, 10)
	q := NewQueue(func() { woken <- struct{}{} })
	request := &Request{Function: numberOf(t, "test.wait"), Frame: twoThree}
	for token, end := range map[uint64]func(){
		100: func() { Cancel(100) },
		101: func() {
			if left := Close(10*time.Second, false); left != 0 {
				t.Errorf("%d calls left", left)
			}
		},
	} {
		if err := Submit(request, token, q, false); err != nil {
			t.Fatal(err)
		}
		if err := Submit(request, token, q, false); err == nil {
			t.Error("a token was used twice")
		}
		end()
		<-woken
		q.Drain(func(r *Record) bool {
			if r.Status != StatusError || !strings.Contains(string(r.Payload), "was cancelled") {
				t.Errorf("replied %q", r.Payload)
			}
			return true
		})
	}
	Cancel(999)
}

// Close cancels the calls that threads wait for if all shall end, and only then.
func TestCloseAll(t *testing.T) {
	ended := make(chan string, 1)
	request := &Request{Function: numberOf(t, "test.wait"), Frame: twoThree, Started: 1}
	go func() {
		payload, _ := Execute(request, nil)
		ended <- string(payload)
	}()
	for countRunning() == 0 {
		runtime.Gosched()
	}
	if left := Close(10*time.Second, false); left != 1 {
		t.Errorf("%d calls left", left)
	}
	Close(10*time.Second, true)
	if payload := <-ended; !strings.Contains(payload, "was cancelled") {
		t.Errorf("replied %q", payload)
	}
}

// What is wrong with a registration is an error to be reported, not a panic.
func TestRegisterRecordsErrors(t *testing.T) {
	saved := registry.errs
	registry.errs = nil
	defer func() { registry.errs = saved }()
	Register("test.add", add)
	Register("Bad Name", add)
	Register("test.none", (func(context.Context, addArgs) (int64, error))(nil))
	Register("test.channel", func(context.Context, struct{ C chan int }) (int64, error) { return 0, nil })
	Register("test.scalar", func(context.Context, int) (int64, error) { return 0, nil })
	text := RegistrationError().Error()
	for _, want := range []string{
		`"test.add": the name is registered twice`, `"Bad Name": a name must look like`,
		`"test.none": the function is nil`, "chan int", "the arguments must be a struct",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
}

// The contract's checksum changes with what crosses, and with nothing else.
func TestChecksum(t *testing.T) {
	t.Parallel()
	base := codec.Contract{Name: "a.b", Args: &codec.Schema{Kind: codec.KindStruct}, Result: &codec.Schema{Kind: codec.KindBool}}
	same, other := base, base
	other.Result = &codec.Schema{Kind: codec.KindString}
	if base.Checksum() != same.Checksum() || base.Checksum() == other.Checksum() {
		t.Error("the checksum does not follow the contract")
	}
}
