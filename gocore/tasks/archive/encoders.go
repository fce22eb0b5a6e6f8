package archive

import (
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// zstdEncoders are those of the process, whatever the number of calls: one for each core, and fewer
// where they take much memory. A piece waits for its turn. That is nothing but work, so a call that is
// held up is in nobody's way.
type zstdEncoders struct {
	mu     sync.Mutex
	freed  sync.Cond
	next   int // the number of who comes next, and of whose turn it is: those who came first are first
	turn   int
	busy   int
	memory int // of those that are busy
	idle   kept[zstdKind, *zstd.Encoder]
}

var theEncoders = newZstdEncoders()

func newZstdEncoders() *zstdEncoders {
	e := &zstdEncoders{}
	e.freed.L = &e.mu
	e.idle.size = func(k zstdKind) int { return k.encoder }
	e.idle.drop = func(*zstd.Encoder) {}
	return e
}

// encoderMemory bounds all encoders: two of any kind, and one of the default level for each further core.
func encoderMemory() int { return (10 + 4*encoders()) << 20 }

// compress appends a piece to out, as a frame.
func (e *zstdEncoders) compress(kind zstdKind, in, out []byte) (_ []byte, err error) {
	// The library panics where it finds a fault of its own. Here nobody would recover.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("zstd failed: %v", r)
		}
	}()
	z, err := e.take(kind)
	defer e.put(kind, z)
	if err != nil {
		return nil, err
	}
	return z.EncodeAll(in, out), nil
}

// take waits for a turn, which put ends.
func (e *zstdEncoders) take(kind zstdKind) (*zstd.Encoder, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	number := e.next
	e.next++
	for number != e.turn || e.busy > 0 && (e.busy >= encoders() || e.memory+kind.encoder > encoderMemory()) {
		e.freed.Wait()
	}
	e.turn++
	e.busy++
	e.memory += kind.encoder
	e.freed.Broadcast()
	z, found := e.idle.take(kind)
	e.idle.trim(encoderMemory() - e.memory)
	if found {
		return z, nil
	}
	return zstd.NewWriter(nil,
		zstd.WithEncoderLevel(kind.level),
		zstd.WithWindowSize(kind.piece),
		zstd.WithLowerEncoderMem(true),
		zstd.WithEncoderConcurrency(1),
		zstd.WithEncoderCRC(false),
		zstd.WithSingleSegment(false),
	)
}

func (e *zstdEncoders) put(kind zstdKind, z *zstd.Encoder) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.busy--
	e.memory -= kind.encoder
	if z != nil {
		e.idle.put(kind, z)
		e.idle.trim(encoderMemory() - e.memory)
	}
	e.freed.Broadcast()
}
