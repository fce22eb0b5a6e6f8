package archive

import (
	"io"
	"runtime"
	"sync"
	"weak"

	"github.com/klauspost/compress/zstd"
	"github.com/klauspost/pgzip"

	"github.com/gostitch/gostitch/gocore/tasks/internal/failure"
)

// The sizes of what one core compresses at a time. They are fixed, never
// derived from the number of cores, since the output depends on them.
const (
	zstdWindow = 512 << 10 // klauspost/compress hands out pieces of four windows
	gzipBlock  = 1 << 20

	defaultZstdLevel = 3
	defaultGzipLevel = 6
)

// compressor opens a compressing writer. Closing it ends the stream and all
// goroutines, but does not close w.
type compressor struct {
	open func(w io.Writer) (io.WriteCloser, error)
}

func compressorFor(name Compression, level *int) (compressor, error) {
	switch name {
	case "", Zstd:
		n, err := levelWithin("zstd", level, defaultZstdLevel, 22)
		return compressor{func(w io.Writer) (io.WriteCloser, error) { return openZstd(w, n) }}, err
	case Gzip:
		n, err := levelWithin("gzip", level, defaultGzipLevel, 9)
		return compressor{func(w io.Writer) (io.WriteCloser, error) { return openGzip(w, n) }}, err
	case Uncompressed:
		if level != nil {
			return compressor{}, failure.Argument("level", `has no meaning with compression "none": leave it out`)
		}
		return compressor{func(w io.Writer) (io.WriteCloser, error) { return plain{w}, nil }}, nil
	}
	return compressor{}, failure.Argument("compression", `must be "zstd", "gzip" or "none", got %q`, name)
}

// encoders is how many pieces are compressed at a time. Each takes some 24 MiB
// with zstd, so there is a bound.
func encoders() int { return min(max(2, runtime.GOMAXPROCS(0)), 16) }

func levelWithin(compression string, level *int, byDefault, highest int) (int, error) {
	if level == nil {
		return byDefault, nil
	}
	if *level < 1 || *level > highest {
		return 0, failure.Argument("level", "must be from 1 to %d for %s, got %d", highest, compression, *level)
	}
	return *level, nil
}

// openZstd writes one frame, since many readers stop after the first. Blocks
// are compressed by several encoders, and that mode needs at least two: with
// one, the library falls back to another way whose bytes differ.
func openZstd(w io.Writer, level int) (io.WriteCloser, error) {
	kind := zstdKind{zstd.EncoderLevelFromZstd(level), encoders()}
	if z := idleZstd.take(kind); z != nil {
		z.Reset(w)
		return reused{z, kind}, nil
	}
	z, err := zstd.NewWriter(w,
		zstd.WithEncoderLevel(kind.level),
		zstd.WithWindowSize(zstdWindow),
		zstd.WithConcurrentBlocks(true),
		zstd.WithLowerEncoderMem(true),
		zstd.WithEncoderConcurrency(kind.encoders),
	)
	return reused{z, kind}, err
}

// zstdKind is what makes a zstd.Encoder fit for a call.
type zstdKind struct {
	level    zstd.EncoderLevel
	encoders int
}

// idleEncoders are those of calls that have ended, until the next collection: an encoder is tens of
// megabytes, which were garbage beside those of the next call. A sync.Pool would keep one for each
// processor.
type idleEncoders struct {
	mu   sync.Mutex
	kept map[zstdKind][]weak.Pointer[zstd.Encoder]
}

var idleZstd = idleEncoders{kept: map[zstdKind][]weak.Pointer[zstd.Encoder]{}}

func (i *idleEncoders) take(kind zstdKind) *zstd.Encoder {
	i.mu.Lock()
	defer i.mu.Unlock()
	for idle := i.kept[kind]; len(idle) > 0; {
		last := idle[len(idle)-1].Value()
		idle = idle[:len(idle)-1]
		i.kept[kind] = idle
		if last != nil {
			return last
		}
	}
	return nil
}

func (i *idleEncoders) put(kind zstdKind, z *zstd.Encoder) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.kept[kind] = append(i.kept[kind], weak.Make(z))
}

// reused is an encoder that may serve the next call when it is closed.
type reused struct {
	*zstd.Encoder
	kind zstdKind
}

func (r reused) Close() error {
	err := r.Encoder.Close()
	r.Reset(io.Discard)
	idleZstd.put(r.kind, r.Encoder)
	return err
}

func openGzip(w io.Writer, level int) (io.WriteCloser, error) {
	z, err := pgzip.NewWriterLevel(w, level)
	if err != nil {
		return nil, err
	}
	return patient{z}, z.SetConcurrency(gzipBlock, encoders())
}

// patient is a pgzip.Writer whose Close waits for its goroutines, which the
// library's own does only on Reset.
type patient struct{ *pgzip.Writer }

func (p patient) Close() error {
	err := p.Writer.Close()
	p.Reset(io.Discard)
	return err
}

// plain is no compression.
type plain struct{ io.Writer }

func (plain) Close() error { return nil }
