package cabi

/*
#cgo LDFLAGS: -ldl
#include "gostitch.h"
#include "threads.h"
#include <stdlib.h>
*/
import "C"

import (
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/gostitch/gostitch/gocore"
	"github.com/gostitch/gostitch/gocore/codec"
	"golang.org/x/sys/unix"
)

// Config is what the loader says when it opens the library. Its twin is
// python/gostitch/_process.py.
type Config struct {
	// LogLevel is the lowest slog level that is sent to Python.
	LogLevel int
	// InterruptFD is the read end of the pipe to which the handler of SIGINT writes
	// the number of the main thread's call; -1: none.
	InterruptFD int
	// Environment is Python's, as NAME=value.
	Environment []string
	// PipeIgnored tells that SIGPIPE was ignored when the library was loaded.
	PipeIgnored bool
	// Settings that count from now on. A loader may open again to change them, and LogLevel.
	Settings gocore.Settings
	// CrashReport is the file for what Go writes when it ends the process; empty: none.
	CrashReport string
	// Serial grows with each configuration; one that comes after a newer one is ignored.
	Serial int64
}

// Info is what the library says of itself.
type Info struct {
	Version   string
	GoVersion string
	ABI       int
	// IsOld tells that the configuration was ignored, as the library has a newer one.
	IsOld bool
}

var (
	configuring sync.Mutex
	newest      int64 // guarded by configuring: the serial of the configuration that counts
	opened      atomic.Bool
	logLevel    slog.LevelVar // the lowest that is sent to Python
	configPlan  = mustCompile[Config]()
	infoPlan    = mustCompile[Info]()
	statsPlan   = mustCompile[gocore.Stats]()
)

// mustCompile compiles a type of this package; that it can is tested, a panic
// here would abort the process that loads the library.
func mustCompile[T any]() *codec.Plan {
	plan, err := codec.Compile[T]()
	if err != nil {
		panic(err)
	}
	return plan
}

//export gostitch_open
func gostitch_open(abi C.uint32_t, config *C.gostitch_const_byte, length C.uint64_t, out *C.gostitch_out) (status C.int32_t) {
	defer func() { mend(recover(), out, &status) }()
	info, err := open(uint32(abi), lent(config, length))
	return giveResult(out, info, err)
}

func open(abi uint32, frame []byte) ([]byte, error) {
	if abi != C.GOSTITCH_ABI {
		return nil, gocore.Errorf(gocore.CodeInvalidArgument,
			"the library speaks version %d of the gostitch boundary, the Python package speaks version %d; install the two from the same release", C.GOSTITCH_ABI, abi)
	}
	if err := gocore.RegistrationError(); err != nil {
		return nil, gocore.Errorf(gocore.CodeInvalidArgument, "the library cannot be used, since functions failed to register: %w", err)
	}
	var c Config
	if err := configPlan.Decode(frame, nil, unsafe.Pointer(&c)); err != nil {
		return nil, gocore.Errorf(gocore.CodeInvalidArgument, "the configuration does not fit the library: %w", err)
	}
	configuring.Lock()
	defer configuring.Unlock()
	info := Info{Version: gocore.Version, GoVersion: runtime.Version(), ABI: C.GOSTITCH_ABI}
	if c.Serial < newest {
		info.IsOld = true
		return infoPlan.Append(nil, unsafe.Pointer(&info)), nil
	}
	newest = c.Serial
	if err := gocore.SetEnvironment(c.Environment); err != nil {
		return nil, err
	}
	// Ctrl-C may have kept Python from the answer to a first opening.
	logLevel.Set(slog.Level(c.LogLevel))
	if !opened.Swap(true) {
		start(&c)
	}
	if err := c.Settings.Apply(); err != nil {
		return nil, err
	}
	return infoPlan.Append(nil, unsafe.Pointer(&info)), nil
}

// start does what is done once for a process.
func start(c *Config) {
	if c.PipeIgnored {
		// Go takes it over, and would end the process when a Go function writes to a
		// closed standard output.
		signal.Ignore(unix.SIGPIPE)
	}
	slog.SetDefault(slog.New(gocore.NewLogHandler(&logLevel)))
	if c.CrashReport != "" {
		if err := gocore.ReportCrash(c.CrashReport); err != nil {
			slog.Warn(fmt.Sprintf("no crash report can be written: %v", err))
		}
		path := C.CString(c.CrashReport)
		C.gs_report_threads_to(path)
		C.free(unsafe.Pointer(path))
	}
	if runtime.GOMAXPROCS(0) == 1 && os.Getenv("GOMAXPROCS") == "" {
		// A thread that has left Go keeps its right to run Go code for a while. Were
		// that the only one, a submitted call would have to wait for it.
		runtime.GOMAXPROCS(2)
	}
	if c.InterruptFD >= 0 {
		go watchInterrupts(c.InterruptFD)
	}
}

// interrupts is never closed, nor is it garbage, which os closes: it ends where a daemon has closed what it
// inherited, and its number may be that of another file by then.
var interrupts *os.File

// watchInterrupts cancels the main thread's call whose number is written to the
// pipe when SIGINT comes. Python's own handler runs when that call returns and
// raises KeyboardInterrupt.
func watchInterrupts(fd int) {
	// The descriptor is Python's, which may close it.
	own, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return
	}
	interrupts = os.NewFile(uintptr(own), "interrupts")
	var number [8]byte
	for {
		if _, err := io.ReadFull(interrupts, number[:]); err != nil {
			return
		}
		gocore.Interrupt(binary.NativeEndian.Uint64(number[:]))
	}
}

//export gostitch_stats
func gostitch_stats(out *C.gostitch_out) (status C.int32_t) {
	defer func() { mend(recover(), out, &status) }()
	stats := gocore.ReadStats()
	stats.Buffers, stats.Queues = handles.buffers.Load(), handles.queues.Load()
	return giveResult(out, statsPlan.Append(nil, unsafe.Pointer(&stats)), nil)
}

//export gostitch_close
func gostitch_close(timeout C.int64_t, all C.int32_t) C.int64_t {
	defer func() { endure(recover()) }()
	return C.int64_t(gocore.Close(time.Duration(timeout), all != 0))
}
