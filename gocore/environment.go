package gocore

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/gostitch/gostitch/gocore/codec"
)

// environmentLock is held while the environment is replaced.
var environmentLock sync.Mutex

// SetEnvironment makes variables ("NAME=value") the environment of Go. By
// itself Go has that of the start of the process: what Python has set since, from a
// dotenv file say, it cannot see. The variables that the Go runtime reads at its
// start (GOMAXPROCS, GOGC, GOMEMLIMIT, GOTRACEBACK) take effect as well.
//
// An error says which variable the Go runtime cannot use.
func SetEnvironment(variables []string) error {
	environmentLock.Lock()
	defer environmentLock.Unlock()
	variables = keepLabels(variables)
	before := map[string]string{}
	for _, variable := range os.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		before[name] = value
	}
	changed := map[string]string{}
	for _, variable := range variables {
		name, value, _ := strings.Cut(variable, "=")
		if old, had := before[name]; !had || old != value {
			changed[name] = value
			if err := os.Setenv(name, value); err != nil {
				return Errorf(CodeInvalidArgument, "the environment variable %q cannot be set in Go: %w", name, err)
			}
		}
		delete(before, name)
	}
	for name := range before {
		changed[name] = ""
		_ = os.Unsetenv(name) // cannot fail: it was there
	}
	readLoanCheck()
	for name, apply := range runtimeVariables {
		if value, new := changed[name]; new {
			if err := apply(value); err != nil {
				return Errorf(CodeInvalidArgument, "the environment variable %s=%s is not understood by Go (%w); correct or unset it", name, printable(value), err)
			}
		}
	}
	return nil
}

// printable gives a text with control characters as Go's literals have them.
func printable(text string) string {
	quoted := strconv.Quote(text)
	return quoted[1 : len(quoted)-1]
}

// mostProcs is how many processors Go may be told to use: the runtime makes some kilobytes for
// each, and ends the process where there is no more memory. Twin of MOST_PROCS in
// _go_environment.py.
const mostProcs = 8192

// runtimeVariables are what the Go runtime has read at its start, and so must
// be told of.
var runtimeVariables = map[string]func(value string) error{
	"GOMAXPROCS": func(value string) error {
		if value == "" {
			runtime.SetDefaultGOMAXPROCS()
			return nil
		}
		n, err := strconv.Atoi(value)
		if err != nil {
			return err
		}
		if n < 1 || n > mostProcs {
			return fmt.Errorf("must be between 1 and %d", mostProcs)
		}
		runtime.GOMAXPROCS(n)
		return nil
	},
	"GOGC": func(value string) error {
		percent := 100
		var err error
		switch value {
		case "":
		case "off":
			percent = -1
		default:
			var read int64
			read, err = strconv.ParseInt(value, 10, 32)
			percent = int(read)
		}
		if err == nil {
			debug.SetGCPercent(percent)
		}
		return err
	},
	"GOMEMLIMIT": func(value string) error {
		limit, err := parseBytes(value)
		if err == nil {
			debug.SetMemoryLimit(limit)
		}
		return err
	},
	"GOTRACEBACK": func(value string) error {
		if value != "" {
			debug.SetTraceback(value)
		}
		return nil
	},
}

// sizeUnits are the units of GOMEMLIMIT, longer ones first, with the bits that they shift by.
var sizeUnits = []struct {
	suffix string
	shift  int
}{{"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"TiB", 40}, {"B", 0}}

// parseBytes reads a size as the Go runtime reads GOMEMLIMIT: a number and at most one of B, KiB,
// MiB, GiB and TiB; "off" or nothing is no limit.
func parseBytes(text string) (int64, error) {
	if text == "" || text == "off" {
		return math.MaxInt64, nil
	}
	shift := 0
	for _, unit := range sizeUnits {
		if number, found := strings.CutSuffix(text, unit.suffix); found {
			text, shift = number, unit.shift
			break
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err == nil && (n < 0 || n > math.MaxInt64>>shift) {
		err = strconv.ErrRange
	}
	return n << shift, err
}

// environmentWait bounds how long Go waits for Python to tell its environment.
const environmentWait = time.Second

// hostAnswers are the questions to Python as such, and not to a call's caller.
var (
	hostAnswers     = &answers{waiting: map[uint32]chan []byte{}}
	environmentPlan = sync.OnceValue(func() *codec.Plan {
		plan, err := codec.Compile[[]string]()
		if err != nil {
			panic(err)
		}
		return plan
	})
)

// Environ gives the environment that Python has now, as os.Environ does for
// Go's own, which is brought up to date too. Where Python does not answer within a second
// it gives the last one known.
func Environ(ctx context.Context) []string {
	ctx, stop := context.WithTimeout(ctx, environmentWait)
	defer stop()
	frame, err := askHost(ctx, "environment")
	var variables []string
	if err == nil {
		err = environmentPlan().Decode(frame, nil, unsafe.Pointer(&variables))
	}
	if err == nil {
		err = SetEnvironment(variables)
	}
	if err != nil {
		slog.WarnContext(ctx, fmt.Sprintf("Python's environment is not known; the last one known is used: %v", err))
		return os.Environ()
	}
	return variables
}

// Command is exec.CommandContext for a program that gets, and is found by, the
// environment that Python has now, with the current span as TRACEPARENT, TRACESTATE and
// BAGGAGE if there is one, or as variables for the headers that Python's propagator writes.
// A plain exec.Command gets that of the first call into Go.
func Command(ctx context.Context, name string, arguments ...string) *exec.Cmd {
	environment := Environ(ctx)
	command := exec.CommandContext(ctx, name, arguments...)
	command.Env = append(environment, environmentOf(ctx)...) // the last one counts
	return command
}

// questionQueue takes what is asked of Python as such. It is not that of spans and logs:
// whoever handles those may wait for a disk or a network.
var questionQueue atomic.Pointer[Queue]

// SetQuestionQueue says where questions to Python as such go; nil: nobody is there to be asked.
func SetQuestionQueue(q *Queue) { questionQueue.Store(q) }

// LeaveQueue has nothing go to a queue any more that belongs to no call. If another queue has taken its
// place, that stays.
func LeaveQueue(q *Queue) {
	hostQueue.CompareAndSwap(q, nil)
	questionQueue.CompareAndSwap(q, nil)
}

// askHost asks Python something and waits for the frame of the answer.
func askHost(ctx context.Context, question string) ([]byte, error) {
	queue := questionQueue.Load()
	if queue == nil {
		return nil, Errorf(CodeClosed, "Python is not there to be asked")
	}
	number, reply := hostAnswers.expect()
	defer hostAnswers.forget(number)
	queue.push(Record{Kind: RecordQuestion, Status: int(number), Payload: []byte(question)})
	select {
	case message := <-reply:
		return readAnswer(number, message)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
