package archive

import "golang.org/x/sys/unix"

// piece is what is compressed at a time. Its memory is not Go's: as that it would count twice, since Go
// lets garbage become as much as what is used, and it would be zeroed for each call.
type piece struct {
	memory  []byte // mapped, or nil
	in, out []byte
	result  []byte // out, filled
	err     error
	ready   chan struct{} // gets one when the result or the error is there
}

// pieces bounds those of all calls: at the default level, for each core one that is compressed, one that
// is filled and one that is written.
var pieces = newRation(func() int { return 3 * (encoders() + 2) << 20 })

// memoryOf is what a piece of this size mostly takes: what is compressed is the smaller half.
func memoryOf(size int) int { return size + size/2 }

var idlePieces = kept[int, *piece]{size: memoryOf, drop: (*piece).free}

func takePiece(size int) *piece {
	if p, found := idlePieces.take(size); found {
		return p
	}
	idlePieces.trim(pieces.left()) // they are of another size
	// What is incompressible becomes longer, by the headers of blocks.
	p := &piece{ready: make(chan struct{}, 1)}
	p.memory, _ = unix.Mmap(-1, 0, 2*size+size/64, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	memory := p.memory
	if memory == nil {
		memory = make([]byte, 2*size+size/64) // no more mappings, say
	} else {
		_ = unix.Madvise(memory, unix.MADV_DONTFORK) // a child cannot use it, nor give it back
	}
	p.in, p.out = memory[:0:size], memory[size:size]
	return p
}

func putPiece(p *piece) {
	size := cap(p.in)
	p.in = p.in[:0]
	idlePieces.put(size, p)
	idlePieces.trim(pieces.stock() + memoryOf(size))
}

func (p *piece) free() {
	if p.memory != nil {
		_ = unix.Munmap(p.memory)
	}
}
