package archive

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/zstd"
)

// frame is a zstd frame that is compressed by pieces, on all cores. It is one frame, since many
// readers stop after the first.
//
// The library compresses each piece as a frame of its own, of which the blocks are taken. They fit
// behind those of another piece, as a block of the library repeats an offset only after it has written
// three of its own, and the first of a frame no table of entropy (TestFrameOfRepeats). So an encoder
// belongs to no call: the library's own way to do this gives each call encoders for all cores.
type frame struct {
	w     io.Writer
	kind  zstdKind
	share *share
	sum   *xxhash.Digest
	piece *piece      // that is being filled, or nil
	queue chan *piece // in order
	ended chan error
}

// newFrame begins a frame. Its Close ends the goroutine.
func newFrame(w io.Writer, kind zstdKind) (*frame, error) {
	f := &frame{w: w, kind: kind, share: pieces.share(memoryOf(kind.piece)), sum: xxhash.New(), queue: make(chan *piece, maxEncoders), ended: make(chan error, 1)}
	const checksum = 1 << 2
	window := byte(bits.TrailingZeros(uint(kind.piece))-10) << 3 // the binary logarithm of KiB
	if _, err := w.Write([]byte{0x28, 0xb5, 0x2f, 0xfd, checksum, window}); err != nil {
		return nil, err
	}
	go func() { f.ended <- f.drain() }()
	return f, nil
}

func (f *frame) Write(b []byte) (int, error) {
	_, _ = f.sum.Write(b) // cannot fail
	written := len(b)
	for len(b) > 0 {
		if f.piece == nil {
			_ = f.share.take(context.Background()) // the pieces before it are written, whatever happens
			f.piece = takePiece(f.kind.piece)
		}
		n := copy(f.piece.in[len(f.piece.in):f.kind.piece], b)
		f.piece.in = f.piece.in[:len(f.piece.in)+n]
		b = b[n:]
		if len(f.piece.in) == f.kind.piece {
			f.send()
		}
	}
	return written, nil
}

// send has the piece compressed and, in order, written.
func (f *frame) send() {
	p := f.piece
	f.piece = nil
	f.queue <- p
	go func() {
		p.result, p.err = theEncoders.compress(f.kind, p.in, p.out)
		p.ready <- struct{}{}
	}()
}

// drain writes the pieces in order. It goes on after an error, so that nobody waits for a piece.
func (f *frame) drain() error {
	var failed error
	for p := range f.queue {
		<-p.ready
		if failed == nil {
			failed = f.write(p)
		}
		putPiece(p)
		f.share.give(1)
	}
	return failed
}

func (f *frame) write(p *piece) error {
	if p.err != nil {
		return p.err
	}
	blocks, err := blocksOf(p.result)
	if err != nil {
		return err
	}
	_, err = f.w.Write(blocks)
	return err
}

// Close ends the frame and its goroutine.
func (f *frame) Close() error {
	if f.piece != nil {
		f.send()
	}
	close(f.queue)
	if err := <-f.ended; err != nil {
		return err
	}
	end := []byte{1, 0, 0} // the last block, which is empty
	_, err := f.w.Write(binary.LittleEndian.AppendUint32(end, uint32(f.sum.Sum64())))
	return err
}

// blocksOf takes the blocks out of a frame without a checksum, and makes the last of them one of many.
func blocksOf(frame []byte) ([]byte, error) {
	var head zstd.Header
	if err := head.Decode(frame); err != nil {
		return nil, err
	}
	blocks := frame[head.HeaderSize:]
	for at := 0; at+3 <= len(blocks); {
		header := uint32(blocks[at]) | uint32(blocks[at+1])<<8 | uint32(blocks[at+2])<<16
		if header&1 != 0 {
			blocks[at] &^= 1
			return blocks, nil
		}
		size := int(header >> 3)
		if header>>1&3 == 1 { // one byte, repeated
			size = 1
		}
		at += 3 + size
	}
	return nil, fmt.Errorf("a frame of zstd ends without its last block")
}
