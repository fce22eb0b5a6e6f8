package gocore

import (
	"context"
	"encoding/binary"
	"iter"
	"reflect"
	"sync"
	"unsafe"

	"github.com/gostitch/gostitch/gocore/codec"
)

// RegisterStream is Register for a function that gives many results, one after
// the other: Python iterates over them, with for or async for. The sequence
// is only drawn from as fast as Python takes the results; an error ends it.
// When Python stops early, the context ends and the next yield returns false.
func RegisterStream[A, T any](name string, f func(context.Context, A) iter.Seq2[T, error]) {
	register(name, reflect.ValueOf(f), func() (*Function, error) {
		item, err := codec.Compile[T]()
		if err != nil {
			return nil, Errorf(CodeInvalidArgument, "result %w", err)
		}
		function, err := compile(name, func(ctx context.Context, c *Call, args A) (struct{}, error) {
			return struct{}{}, stream(c, item, f(ctx, args))
		})
		if err == nil {
			function.Contract.Result, function.Contract.Stream = item.Schema, true
			function.recycle = nil
			function.open = func(c *Call) { c.window = &window{wake: make(chan struct{}, 1)} }
		}
		return function, err
	})
}

// stream sends what a sequence yields until it ends, fails, or nobody wants
// more.
func stream[T any](c *Call, item *codec.Plan, results iter.Seq2[T, error]) error {
	if c.window == nil {
		return Errorf(CodeInvalidArgument, "%s gives a stream; submit it and take its messages", c.Function.Name)
	}
	var failed error
	done := c.context.Load().Done()
	for result, err := range results {
		if err != nil {
			failed = err
			break
		}
		output := codec.NewOutput(nil, &c.input)
		item.Give(&output, unsafe.Pointer(&result))
		if !c.window.enter(len(output.Frame)+output.Size, done) {
			failed = c.context.Load().Err()
			break
		}
		c.outbox.queue.push(Record{Kind: RecordMessage, Token: c.Token, Payload: output.Frame, Held: output.Held})
	}
	return failed
}

// How far a stream runs ahead of its consumer. The number of results is known
// to Python too (_stream.py), which says when it has taken half of them.
const (
	windowResults = 64
	windowBytes   = 4 << 20
)

// window counts the results that are under way to the consumer. It holds back
// the function when there are too many or they are too large, so a consumer
// that is slow costs no memory.
type window struct {
	wake chan struct{} // holds one token when the consumer has taken something

	mu    sync.Mutex
	sizes []int // guarded by mu: of the results under way, oldest first
	bytes int   // guarded by mu: their sum
}

// enter waits for room for a result; false if the call has ended. One result
// always fits, however large it is.
func (w *window) enter(size int, done <-chan struct{}) bool {
	for {
		select {
		case <-done:
			return false
		default:
		}
		w.mu.Lock()
		if len(w.sizes) == 0 || len(w.sizes) < windowResults && w.bytes+size <= windowBytes {
			w.sizes = append(w.sizes, size)
			w.bytes += size
			w.mu.Unlock()
			return true
		}
		w.mu.Unlock()
		select {
		case <-w.wake:
		case <-done:
			return false
		}
	}
}

// taken makes room: the consumer has taken so many results, 4 bytes,
// little-endian.
func (w *window) taken(message []byte) error {
	if len(message) != 4 {
		return Errorf(CodeInvalidArgument, "a stream is told how many results were taken in 4 bytes, not %d", len(message))
	}
	count := int(binary.LittleEndian.Uint32(message))
	w.mu.Lock()
	count = min(count, len(w.sizes))
	for _, size := range w.sizes[:count] {
		w.bytes -= size
	}
	w.sizes = append(w.sizes[:0], w.sizes[count:]...)
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
	return nil
}
