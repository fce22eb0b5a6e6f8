package operate

import (
	"context"
	"fmt"
	"os"
	"runtime/pprof"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gostitch/gostitch/gocore"
)

// settle is how long a dump of Python's threads may come in pieces.
const settle = 50 * time.Millisecond

// dumpEnd is by what python/gostitch/doctor/_ask.py knows that a dump is whole.
const dumpEnd = "\nEnd of dump\n"

// dumpLimit bounds the calls that a dump describes.
const dumpLimit = 1000

// DumpsArgs say where dumps come from and go to.
type DumpsArgs struct {
	// Descriptor to which Python's faulthandler writes its threads' stacks when a signal arrives; from
	// now on it is Go's.
	Descriptor int
	// Path of the file that each dump is appended to.
	Path string `gostitch:",path"`
}

// WriteDumps appends a dump to a file whenever Python's stacks come from a
// descriptor, until that ends. It needs nothing of Python, so it works while every thread is
// stuck; a file that cannot be written is tried again at the next dump.
func WriteDumps(ctx context.Context, a DumpsArgs) (struct{}, error) {
	// Now, so that whoever asks learns of a path that cannot be.
	file, err := openDumps(a.Path)
	if err != nil {
		return struct{}{}, err
	}
	if err := file.Close(); err != nil {
		return struct{}{}, err
	}
	stacks := os.NewFile(uintptr(a.Descriptor), "stacks")
	gocore.Go(ctx, func(context.Context) {
		defer stacks.Close()
		for {
			text, err := readBurst(stacks)
			if len(text) > 0 {
				writeDump(a.Path, text)
			}
			if err != nil {
				return
			}
		}
	})
	return struct{}{}, nil
}

func openDumps(path string) (*os.File, error) {
	// A pipe that nobody reads is an error, and is not waited for.
	return os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY|unix.O_NONBLOCK, 0o600)
}

// readBurst waits for text and then reads until no more comes for a moment.
func readBurst(from *os.File) ([]byte, error) {
	var text []byte
	piece := make([]byte, 64<<10)
	_ = from.SetReadDeadline(time.Time{}) // a descriptor without deadlines ends the burst at once
	for {
		n, err := from.Read(piece)
		text = append(text, piece[:n]...)
		if os.IsTimeout(err) {
			return text, nil
		}
		if err != nil {
			return text, err
		}
		if from.SetReadDeadline(time.Now().Add(settle)) != nil {
			return text, nil
		}
	}
}

func writeDump(path string, stacks []byte) {
	file, err := openDumps(path)
	if err != nil {
		return
	}
	defer file.Close()
	fmt.Fprintf(file, "gostitch, process %d, %s\n\nCalls in flight, the oldest first\n", os.Getpid(), time.Now().Format(time.RFC3339))
	for _, c := range gocore.InFlight(dumpLimit) {
		how := "waited for"
		if c.Submitted {
			how = "submitted"
		}
		if c.Ended {
			how += ", its context has ended"
		}
		fmt.Fprintf(file, "%10.3f s  %s  %s  %s\n", c.Age.Seconds(), c.Function, how, c.TraceID)
	}
	fmt.Fprintf(file, "\nPython threads\n%s\nGoroutines\n", stacks)
	_ = pprof.Lookup("goroutine").WriteTo(file, 2)
	fmt.Fprint(file, dumpEnd)
}
