package gocore

import (
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// courier is a goroutine that runs a submitted call for whose reply somebody is
// about to wait. It waits for work in a system call, so the kernel wakes its
// thread. A goroutine that waits on a channel would be woken by Go's scheduler,
// which first wakes a thread that looks for something to run; that takes longer
// than such a call, and twice as long where there is one processor (benchmark
// async.await_one).
type courier struct {
	wake  int // an eventfd
	taken atomic.Bool
	job   atomic.Pointer[func()]
}

// theCourier starts with the first call; nil if no descriptor can be had.
var theCourier = sync.OnceValue(func() *courier {
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		return nil
	}
	c := &courier{wake: wake}
	go c.serve()
	return c
})

// run has the courier run f, unless it is busy.
func (c *courier) run(f func()) bool {
	if !c.taken.CompareAndSwap(false, true) {
		return false
	}
	c.job.Store(&f)
	Wake(c.wake)
	return true
}

func (c *courier) serve() {
	// Only a call of runtime.Goexit, or one that keeps its thread, gets here.
	defer func() {
		go c.serve()
		c.taken.Store(false)
	}()
	for {
		unlabel()
		wait(c.wake)
		f := c.job.Swap(nil)
		(*f)()
		if isLocked() {
			return
		}
		c.taken.Store(false)
	}
}

// Wake tells who waits for an eventfd, or for the read end of a pipe. A full one
// has woken its reader already, so the result does not matter.
func Wake(fd int) {
	one := [8]byte{1} // an eventfd wants 8 bytes that are not zero, a pipe does not mind
	for {
		if _, err := unix.Write(fd, one[:]); err != unix.EINTR {
			return
		}
	}
}

func wait(fd int) {
	var count [8]byte
	for {
		if _, err := unix.Read(fd, count[:]); err != unix.EINTR {
			return
		}
	}
}
