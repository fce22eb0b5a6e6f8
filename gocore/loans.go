package gocore

import (
	"context"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/gostitch/gostitch/gocore/codec"
)

// checkVariable turns the check of loans on, by "1". A function that is checked gets
// copies of what Python lends, in pages of their own: what it may only read cannot be written to, and after the call
// nothing of it can be touched. Who breaks that gets a panic with its place, where
// otherwise Python's memory would be damaged, some day.
const checkVariable = "GOSTITCH_CHECK_LOANS"

var loansAreChecked atomic.Bool

// readLoanCheck looks at the environment, which is Python's when the library is opened.
func readLoanCheck() { loansAreChecked.Store(os.Getenv(checkVariable) == "1") }

// loan is a copy of memory that was lent.
type loan struct {
	pages    []byte
	lent     []byte
	function string
	mutable  bool // the function may write to it
	ended    bool // guarded by loanHistory
}

// loanHistory has the loans that run, and those that ended last: their addresses are
// not used again, so that whoever kept one is found.
var loanHistory struct {
	sync.Mutex
	loans []*loan
}

const historySize = 1024

// lendChecked is NewInput with copies of what is lent, which end with the call.
func (c *Call) lendChecked(frame []byte, buffers [][]byte) codec.Input {
	copies := make([][]byte, len(buffers))
	for i, lent := range buffers {
		copies[i] = c.addLoan(lent)
	}
	input := codec.NewInput(c.addLoan(frame), copies)
	of := c.loans
	input.OnMutable(func(i int) {
		if l := of[i]; l != nil {
			l.mutable = true
			_ = unix.Mprotect(l.pages, unix.PROT_READ|unix.PROT_WRITE) // fails for pages that are not ours
		}
	})
	return input
}

// addLoan copies memory into pages of its own. Where there are none left, it is
// lent unchecked.
func (c *Call) addLoan(lent []byte) []byte {
	var l *loan
	defer func() { c.loans = append(c.loans, l) }()
	if len(lent) == 0 {
		return lent
	}
	pages, err := unix.Mmap(-1, 0, len(lent), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return lent
	}
	copy(pages, lent)
	_ = unix.Mprotect(pages, unix.PROT_READ) // fails for pages that are not ours
	l = &loan{pages: pages, lent: lent, function: c.Function.Name}
	loanHistory.Lock()
	defer loanHistory.Unlock()
	loanHistory.loans = append(loanHistory.loans, l)
	return pages
}

// endLoans gives Python what was written, and takes everything away.
func (c *Call) endLoans() {
	if len(c.loans) == 0 {
		return
	}
	loanHistory.Lock()
	defer loanHistory.Unlock()
	for _, l := range c.loans {
		if l == nil {
			continue
		}
		if l.mutable {
			copy(l.lent, l.pages)
		}
		l.lent, l.ended = nil, true
		_ = unix.Madvise(l.pages, unix.MADV_DONTNEED) // the address stays, the memory need not
		_ = unix.Mprotect(l.pages, unix.PROT_NONE)
	}
	c.loans = nil
	for len(loanHistory.loans) > historySize && loanHistory.loans[0].ended {
		_ = unix.Munmap(loanHistory.loans[0].pages)
		loanHistory.loans[0] = nil
		loanHistory.loans = loanHistory.loans[1:]
	}
}

// runChecked runs the function, in which touching what it may not touch is a panic.
func (c *Call) runChecked(ctx context.Context, out []byte) ([]byte, error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	return c.Function.runLimited(ctx, c, out)
}

// explainFault says of a panic that it was about a loan.
func explainFault(value any) any {
	fault, isFault := value.(interface{ Addr() uintptr })
	if !isFault {
		return value
	}
	loanHistory.Lock()
	defer loanHistory.Unlock()
	for _, l := range loanHistory.loans {
		switch {
		case !codec.Contains(l.pages, fault.Addr()):
		case l.ended:
			return "memory was used that Python had lent to a call of " + l.function + "(), which has ended; copy what is to be kept"
		default:
			return l.function + "() wrote to memory that it may only read; take it as gocore.Mutable, or write to a copy"
		}
	}
	return value
}
