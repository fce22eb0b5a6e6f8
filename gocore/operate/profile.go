package operate

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"runtime/pprof"
	"runtime/trace"
	"sync"

	"github.com/gostitch/gostitch/gocore"
)

// ProfileArgs choose a profile.
type ProfileArgs struct {
	// Kind is cpu, trace (of execution), block, mutex, heap, allocs, goroutine or threadcreate.
	Kind string
}

// A profile that is being taken.
type profiling struct {
	kind string
	data bounded
}

// The kinds that look at a time, of which Go can take one at once each.
var (
	profilesLock sync.Mutex
	profiles     = map[string]*profiling{} // guarded by profilesLock
)

// lookingKinds begin to look, and end.
var lookingKinds = map[string]struct {
	start func(*profiling) error
	stop  func(*profiling) error
}{
	"cpu": {
		func(p *profiling) error { return pprof.StartCPUProfile(&p.data) },
		func(*profiling) error { pprof.StopCPUProfile(); return nil },
	},
	"trace": {
		func(p *profiling) error { return trace.Start(&p.data) },
		func(*profiling) error { trace.Stop(); return nil },
	},
	"block": {
		func(*profiling) error { runtime.SetBlockProfileRate(1); return nil },
		func(p *profiling) error { runtime.SetBlockProfileRate(0); return p.write() },
	},
	"mutex": {
		func(*profiling) error { runtime.SetMutexProfileFraction(1); return nil },
		func(p *profiling) error { runtime.SetMutexProfileFraction(0); return p.write() },
	},
}

// StartProfile begins to look, for a kind that looks at a time.
func StartProfile(_ context.Context, a ProfileArgs) (struct{}, error) {
	profilesLock.Lock()
	defer profilesLock.Unlock()
	if profiles[a.Kind] != nil {
		return struct{}{}, gocore.Errorf(gocore.CodeExists, "a profile of the kind %s is being taken; wait for its end", a.Kind)
	}
	made := &profiling{kind: a.Kind}
	if kind, looks := lookingKinds[a.Kind]; looks {
		if err := kind.start(made); err != nil {
			return struct{}{}, gocore.Errorf(gocore.CodeExists, "no profile of the kind %s can be taken: %w", a.Kind, err)
		}
	} else if pprof.Lookup(a.Kind) == nil {
		return struct{}{}, gocore.Errorf(gocore.CodeInvalidArgument, "there is no kind of profile %q", a.Kind)
	}
	profiles[a.Kind] = made
	return struct{}{}, nil
}

// StopProfile ends looking, and returns the profile: in the format of pprof, a trace in that of
// go tool trace.
func StopProfile(_ context.Context, a ProfileArgs) ([]byte, error) {
	profilesLock.Lock()
	defer profilesLock.Unlock()
	p := profiles[a.Kind]
	if p == nil {
		return nil, gocore.Errorf(gocore.CodeNotFound, "no profile of the kind %s is being taken", a.Kind)
	}
	delete(profiles, a.Kind)
	stop := p.write
	if kind, looks := lookingKinds[a.Kind]; looks {
		stop = func() error { return kind.stop(p) }
	}
	if err := stop(); err != nil {
		return nil, err
	}
	if p.data.isFull {
		return nil, gocore.Errorf(gocore.CodeLimit, "the profile would take more than %d bytes; look for a shorter time", mostProfile)
	}
	return p.data.Bytes(), nil
}

// write takes a profile of now.
func (p *profiling) write() error {
	if p.kind == "heap" {
		runtime.GC() // else it is that of the last collection
	}
	return pprof.Lookup(p.kind).WriteTo(&p.data, 0)
}

// mostProfile bounds the bytes of a profile.
const mostProfile = 1 << 28

var errFull = errors.New("the profile is too large")

// bounded is a buffer that takes no more than a profile may be. Its zero value is empty.
type bounded struct {
	bytes.Buffer
	isFull bool
}

// Write implements io.Writer.
func (b *bounded) Write(p []byte) (int, error) {
	if b.isFull = b.isFull || b.Len()+len(p) > mostProfile; b.isFull {
		return 0, errFull
	}
	return b.Buffer.Write(p)
}
