package gocore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"testing"
	"time"
	"unsafe"

	"github.com/gostitch/gostitch/gocore/codec"
	"github.com/gostitch/gostitch/gocore/internal/golden"
)

// withStack is an error that carries a stack of its own.
type withStack struct{ error }

func (withStack) Callers() []uintptr { return nil }

// An error of each code, and the ways errors hold each other, are the golden
// frames, from which Python builds its exceptions.
func TestGoldenErrors(t *testing.T) {
	t.Parallel()
	for _, code := range Codes() {
		golden.Check(t, "error_"+string(code), AppendError(nil, Errorf(code, "about %s", code).With("path", "/p")))
	}
	cause := Errorf(CodeIO, "inner").With("errno", 5)
	golden.Check(t, "error_wrapped", AppendError(nil, fmt.Errorf("outer: %w", cause)))
	golden.Check(t, "error_joined", AppendError(nil, errors.Join(errors.New("one"), cause)))
	golden.Check(t, "error_own_code", AppendError(nil, Errorf("sold_out", "no more").With("left", 0).With("exact", true)))
	panicked := &PanicError{Value: "boom", Stack: []Frame{{Function: "pkg.F", File: "pkg/f.go", Line: 7}, {Function: "main.main", File: "main.go", Line: 1}}}
	golden.Check(t, "error_panic_with_stack", AppendError(nil, panicked))
	called := &Function{Name: "m.f", GoName: "pkg.F", File: "pkg/f.go", Line: 7}
	golden.Check(t, "error_of_a_call", appendCallError(nil, called, fmt.Errorf("outer: %w", io.EOF)))
}

// A log record of slog crosses with its time, level, text and flat attributes.
func TestGoldenLog(t *testing.T) {
	queue := NewQueue(func() {})
	SetHostQueue(queue)
	defer SetHostQueue(nil)
	SetObserver(&recordingObserver{})
	defer observer.Store(nil)
	handler := NewLogHandler(new(slog.LevelVar)).WithGroup("g").WithAttrs([]slog.Attr{slog.Int("n", 1)})
	record := slog.NewRecord(time.Unix(1_700_000_000, 123456789), slog.LevelWarn, "text", 0)
	record.AddAttrs(slog.Bool("b", true), slog.Group("in", slog.String("s", "x"), slog.Float64("f", 1.5)))
	if err := handler.Handle(context.Background(), record); err != nil {
		t.Fatal(err)
	}
	queue.Drain(func(r *Record) bool {
		golden.Check(t, "log", r.Payload)
		return true
	})
}

// The catalogue and the counts are what Python decodes them as.
func TestGoldenCatalogueAndStats(t *testing.T) {
	stats := Stats{
		1, 2, 3, 4, 5, 6, 7, 8, 9,
		[]Running{{"m.f", time.Second, "0af7651916cd43dd8448eb211c80319c", true, false}},
		[]Limited{{"m.f", 4, 3, 2, 1}},
		Resources{2, 1 << 30, -1},
		4,
		[]time.Duration{2 * time.Second, time.Second},
	}
	plan, err := codec.Compile[Stats]()
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "stats", plan.Append(nil, unsafe.Pointer(&stats)))
}

// What the standard library's errors mean is known, whoever wraps them.
func TestCodeOf(t *testing.T) {
	t.Parallel()
	for want, err := range map[Code]error{
		CodeNotFound:   fmt.Errorf("x: %w", fs.ErrNotExist),
		CodePermission: &fs.PathError{Op: "open", Path: "p", Err: fs.ErrPermission},
		CodeTimeout:    fmt.Errorf("x: %w", context.DeadlineExceeded),
		CodeCancelled:  context.Canceled,
		CodeData:       fmt.Errorf("x: %w", Errorf(CodeData, "y")),
		CodeUnknown:    errors.New("x"),
		CodePanic:      &PanicError{Value: Errorf(CodeData, "y")},
		CodeExists:     withStack{fs.ErrExist},
	} {
		if want == CodeExists {
			err = errors.Join(errors.New("first"), fs.ErrExist)
		}
		if got := CodeOf(err); got != want {
			t.Errorf("CodeOf(%v) is %s, want %s", err, got, want)
		}
	}
}
