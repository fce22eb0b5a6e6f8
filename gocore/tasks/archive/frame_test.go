package archive_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/gostitch/gostitch/gocore/tasks/archive"
)

// Whatever is compressed by pieces is read as it was. Each three bytes of the input are a run, which
// repeats something short, so that it goes on across the ends of pieces, or something from before.
func FuzzFrame(f *testing.F) {
	f.Add([]byte{1, 0xff, 0xff, 4, 0xff, 0xff, 8, 0xff, 0xff, 0, 0xff, 0xff, 1, 0xff, 0xff})
	f.Add([]byte{3, 0xff, 0x7f, 0, 0x20, 0, 200, 0xff, 0xff, 130, 0xff, 0xff, 9, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, runs []byte) {
		const most = 9 << 20
		random := rand.New(rand.NewPCG(uint64(len(runs)), 1))
		var content []byte
		for ; len(runs) >= 3 && len(content) < most; runs = runs[3:] {
			period, size := int(runs[0]), (int(runs[1])|int(runs[2])<<8)*32
			switch {
			case period == 0: // nothing repeats
				for range size / 8 {
					content = append(content, byte(random.Uint32()))
				}
			case period >= 128 && len(content) > 0:
				from := len(content) * (period - 128) / 128
				content = append(content, content[from:min(from+size, len(content))]...)
			default:
				run := make([]byte, period)
				for i := range run {
					run[i] = byte(random.Uint32())
				}
				content = append(content, bytes.Repeat(run, size/period+1)...)
			}
		}
		for _, level := range oneOf {
			var out bytes.Buffer
			z, err := archive.OpenZstd(&out, level)
			must(t, err)
			_, err = z.Write(content)
			must(t, err)
			must(t, z.Close())
			reader, err := zstd.NewReader(&out)
			must(t, err)
			got, err := io.ReadAll(reader)
			reader.Close()
			if err != nil || !bytes.Equal(got, content) {
				t.Fatalf("level %d: %v, and %d bytes of %d", level, err, len(got), len(content))
			}
		}
	})
}
