package archive

import (
	"io"
	"runtime"

	"github.com/klauspost/compress/zstd"
	"github.com/klauspost/pgzip"

	"github.com/gostitch/gostitch/gocore/tasks/internal/failure"
)

const (
	// What one core compresses at a time is fixed, never derived from the number
	// of cores, since the output depends on it.
	gzipBlock = 1 << 20

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

// encoders is how many pieces are compressed at a time. Each takes megabytes, so there is a bound.
func encoders() int { return min(max(2, runtime.GOMAXPROCS(0)), maxEncoders) }

const maxEncoders = 16

func levelWithin(compression string, level *int, byDefault, highest int) (int, error) {
	if level == nil {
		return byDefault, nil
	}
	if *level < 1 || *level > highest {
		return 0, failure.Argument("level", "must be from 1 to %d for %s, got %d", highest, compression, *level)
	}
	return *level, nil
}

// zstdKind is one of the levels that differ.
type zstdKind struct {
	from    int // the first of zstd's levels that means it
	level   zstd.EncoderLevel
	piece   int // what is compressed at a time, and the window
	encoder int // the memory of an encoder
}

// zstdKinds are the levels, the highest first. That has larger pieces instead of the library's best
// encoder, whose tables are 34 MiB for a window of any size: archives are some 4 % larger, and made
// four to five times as fast.
var zstdKinds = []zstdKind{
	{10, zstd.SpeedBetterCompression, 4 << 20, 9 << 20},
	{6, zstd.SpeedBetterCompression, 2 << 20, 7 << 20},
	{3, zstd.SpeedDefault, 2 << 20, 4 << 20},
	{1, zstd.SpeedFastest, 2 << 20, 3 << 20},
}

func openZstd(w io.Writer, level int) (io.WriteCloser, error) {
	for _, k := range zstdKinds {
		if level >= k.from {
			return newFrame(w, k)
		}
	}
	panic("levelWithin has checked the level")
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
