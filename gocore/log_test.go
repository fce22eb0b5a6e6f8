package gocore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"
)

// logged is a log frame, read back.
type logged struct {
	time     time.Time
	level    int
	message  string
	function string
	attrs    map[string]any

	source, file string
	line         int
}

func readLog(t *testing.T, frame []byte) logged {
	t.Helper()
	value, _, err := msgp.ReadIntfBytes(frame)
	if err != nil {
		t.Fatal(err)
	}
	fields := value.([]any)
	level, _ := fields[1].(int64)
	source := fields[4].([]any)
	line, _ := source[2].(int64)
	return logged{
		time.Unix(0, fields[0].(int64)), int(level), fields[2].(string), fields[5].(string), fields[3].(map[string]any),
		source[0].(string), source[1].(string), int(line),
	}
}

// records gives what a logger sends.
func records(t *testing.T, level slog.Level, write func(*slog.Logger)) (found []logged) {
	t.Helper()
	q := NewQueue(func() {})
	SetHostQueue(q)
	defer SetHostQueue(nil)
	lowest := new(slog.LevelVar)
	lowest.Set(level)
	write(slog.New(NewLogHandler(lowest)))
	q.Drain(func(r *Record) bool {
		if r.Kind != RecordLog {
			t.Errorf("a record of kind %d", r.Kind)
		}
		found = append(found, readLog(t, r.Payload))
		return true
	})
	return found
}

// A record whose time is not known is of now.
func TestARecordWithoutATime(t *testing.T) {
	begun := time.Now()
	found := records(t, slog.LevelInfo, func(l *slog.Logger) {
		_ = l.Handler().Handle(context.Background(), slog.NewRecord(time.Time{}, slog.LevelInfo, "when", 0))
	})
	if len(found) != 1 || found[0].time.Before(begun.Truncate(0)) {
		t.Errorf("got %v", found)
	}
}

type panics struct{}

func (panics) LogValue() slog.Value { panic("in LogValue") }
func (panics) String() string       { panic("in String") }

// Attributes arrive flat, groups as dotted names; only what Python wants
// crosses; the function of the call is named.
func TestLogHandler(t *testing.T) {
	f := &Function{Name: "test.logs"}
	found := records(t, slog.LevelInfo, func(l *slog.Logger) {
		l.Debug("too low")
		l = l.With("fixed", 1, slog.Group("g", "x", true)).WithGroup("").WithGroup("open")
		l.With("y", 2).WithGroup("inner").ErrorContext(NewCall(f, 0).Context(), "m", "z", 0.5, "d", time.Second,
			"e", errors.New("err"), slog.Group("empty"), slog.Group("", "inline", "i"))
	})
	if len(found) != 1 {
		t.Fatalf("%d records", len(found))
	}
	r := found[0]
	want := map[string]any{
		"fixed": int64(1), "g.x": true, "open.y": int64(2), "open.inner.z": 0.5, "open.inner.d": "1s",
		"open.inner.e": "err", "open.inner.inline": "i",
	}
	if r.level != 8 || r.message != "m" || r.function != "test.logs" || len(r.attrs) != len(want) {
		t.Errorf("got %+v", r)
	}
	for key, value := range want {
		if r.attrs[key] != value {
			t.Errorf("%s is %v, want %v", key, r.attrs[key], value)
		}
	}
}

// What logs is told by function, file and line; an error by its type, its message and its stack.
func TestSourcesAndErrors(t *testing.T) {
	found := records(t, slog.LevelInfo, func(l *slog.Logger) {
		l.Info("failed", "err", Errorf(CodeData, "bad"), "other", errors.New("as text"))
		l.With("error", &PanicError{Value: "gone", Stack: []Frame{{Function: "main.f", File: "f.go", Line: 3}}}).Info("panicked")
		l.Info("fine", "error", nil)
		l.Info("wrapped", "err", fmt.Errorf("wrapped: %w", &fs.PathError{Op: "open", Path: "/a", Err: syscall.ENOENT}))
	})
	if len(found) != 4 {
		t.Fatalf("%d records", len(found))
	}
	if r := found[0]; !strings.HasSuffix(r.source, "gocore.TestSourcesAndErrors.func1") || !strings.HasSuffix(r.file, "log_test.go") || r.line == 0 {
		t.Errorf("it was logged by %s in %s:%d", r.source, r.file, r.line)
	}
	for i, want := range []map[string]any{
		{"exception.type": "gocore.Error", "exception.message": "bad", "other": "as text"},
		{"exception.type": "panic", "exception.message": "gone"},
		{"error": "<nil>"},
		{"exception.type": "*fs.PathError", "exception.message": "wrapped: open /a: no such file or directory"},
	} {
		for key, value := range want {
			if got := found[i].attrs[key]; got != value && !strings.Contains(fmt.Sprint(got), fmt.Sprint(value)) {
				t.Errorf("%s is %v, want %v", key, got, value)
			}
		}
	}
	if stack, _ := found[1].attrs["exception.stacktrace"].(string); !strings.Contains(stack, "f.go:3") {
		t.Errorf("the stack is %q", stack)
	}
	if _, kept := found[0].attrs["err"]; kept {
		t.Error("the error is there twice")
	}
}

// Handlers made of one another do not share what they add.
func TestLogHandlerIsImmutable(t *testing.T) {
	found := records(t, slog.LevelDebug, func(l *slog.Logger) {
		base := l.With("a", 1)
		one, two := base.With("b", 1), base.With("c", 1)
		one.Info("one")
		two.Info("two")
		base.Info("base")
	})
	var sizes []int
	for _, r := range found {
		sizes = append(sizes, len(r.attrs))
	}
	if !slices.Equal(sizes, []int{2, 2, 1}) {
		t.Errorf("numbers of attributes: %v", sizes)
	}
}

// An attribute that panics does not take the program with it.
func TestLogHandlerSurvivesAttributes(t *testing.T) {
	if found := records(t, slog.LevelDebug, func(l *slog.Logger) { l.Info("m", "bad", panics{}) }); len(found) != 1 {
		t.Errorf("%d records", len(found))
	}
}

// Without a queue, and with a full one, records are dropped and counted.
func TestLogRecordsAreBounded(t *testing.T) {
	before := recordsDropped.Load()
	SetHostQueue(nil)
	slog.New(NewLogHandler(new(slog.LevelVar))).InfoContext(context.Background(), "nobody listens")
	found := records(t, slog.LevelDebug, func(l *slog.Logger) {
		for range hostQueueSize + 10 {
			l.Info("storm")
		}
	})
	if dropped := recordsDropped.Load() - before; len(found) != hostQueueSize || dropped != 11 {
		t.Errorf("%d records, %d dropped", len(found), dropped)
	}
}

// So are the bytes of large ones, until Python has taken them.
func TestLargeLogRecordsAreBounded(t *testing.T) {
	before := recordsDropped.Load()
	text := strings.Repeat("x", 8<<20)
	for range 2 {
		found := records(t, slog.LevelDebug, func(l *slog.Logger) {
			for range 10 {
				l.Info(text)
			}
			l.Info("small")
		})
		if len(found) != 8 || found[7].message != "small" {
			t.Errorf("%d records", len(found))
		}
	}
	if dropped := recordsDropped.Load() - before; dropped != 6 || hostBytes.Load() != 0 {
		t.Errorf("%d dropped, %d bytes wait", dropped, hostBytes.Load())
	}
}
