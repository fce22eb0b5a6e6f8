package archive_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/gostitch/gostitch/gocore/tasks/archive"
)

// oneOf are levels of zstd, one for each of its kinds.
var oneOf = []int{1, 3, 6, 22}

// repeats is content that goes on in the same way across the places where pieces end: the offset that
// repeats there is one that no piece may take for granted.
func repeats(size int) []byte {
	content := make([]byte, 0, size)
	for _, period := range []int{1, 4, 8, 3, 5, 9, 1000} {
		run := bytes.Repeat([]byte("repeats, and goes on"), period/20+1)[:period]
		content = append(content, bytes.Repeat(run, (2<<20)/period)...)
		content = append(content, "between"...)
	}
	return content[:min(size, len(content))]
}

// What is compressed by pieces is one frame, which ends where the file does, and holds what was packed.
func TestFrameOfRepeats(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	// The first ends with a piece.
	sizes := map[string]int{"a": 8<<20 - 1024, "b": 3 << 20, "c": 13 << 20}
	for name, size := range sizes {
		must(t, os.WriteFile(filepath.Join(root, name), repeats(size), 0o644))
	}
	for _, level := range oneOf {
		t.Run(fmt.Sprint(level), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			pack(t, archive.PackOptions{Root: root, Archive: dir + "/x", Level: &level})
			content, err := os.ReadFile(dir + "/x")
			must(t, err)
			if end := endOfFrame(t, content); end != len(content) {
				t.Errorf("the first frame ends at %d of %d", end, len(content))
			}
			unpack(t, archive.UnpackOptions{Archive: dir + "/x", Dest: dir + "/d"})
			for name, size := range sizes {
				if got, err := os.ReadFile(filepath.Join(dir, "d", name)); err != nil || !bytes.Equal(got, repeats(size)) {
					t.Errorf("%s is another: %v", name, err)
				}
			}
		})
	}
}

// endOfFrame is where a frame with a checksum ends.
func endOfFrame(t *testing.T, frame []byte) int {
	t.Helper()
	var head zstd.Header
	must(t, head.Decode(frame))
	for at := head.HeaderSize; ; {
		header := int(frame[at]) | int(frame[at+1])<<8 | int(frame[at+2])<<16
		at += 3
		if header>>1&3 == 1 {
			at++
		} else {
			at += header >> 3
		}
		if header&1 == 1 {
			return at + 4
		}
	}
}

// A call has the memory of those before it, also after a collection: new memory each time would be
// garbage beside it. One of the later calls may need a second encoder, where the first did with one.
func TestPackReusesMemory(t *testing.T) {
	const later, little = 8, 4 << 20
	root, dir := t.TempDir(), t.TempDir()
	must(t, os.WriteFile(filepath.Join(root, "f"), repeats(12<<20), 0o644))
	for _, level := range oneOf {
		made := func() uint64 {
			runtime.GC()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			pack(t, archive.PackOptions{Root: root, Archive: dir + "/x", Level: &level})
			runtime.ReadMemStats(&after)
			return after.TotalAlloc - before.TotalAlloc
		}
		first, all := made(), uint64(0)
		for range later {
			all += made()
		}
		if all > 2*first+little {
			t.Errorf("level %d: the first call made %d bytes, and %d later ones %d", level, first, later, all)
		}
	}
}

// However many calls there are at once, at whatever levels, encoders and pieces have no more memory than
// those of a few.
func TestMemoryOfManyCalls(t *testing.T) {
	root, dir := t.TempDir(), t.TempDir()
	must(t, os.WriteFile(filepath.Join(root, "f"), repeats(12<<20), 0o644))
	var looks atomic.Int64
	look := func(int) {
		looks.Add(1)
		if has, most := archive.EncoderMemory(); has > most {
			t.Errorf("encoders have %d MiB", has>>20)
		}
		if has, most := archive.PieceMemory(); has > most {
			t.Errorf("pieces have %d MiB", has>>20)
		}
	}
	var all sync.WaitGroup
	for i := range 12 {
		all.Go(func() {
			ctx := &hook{Context: context.Background(), do: look}
			o := archive.PackOptions{Root: root, Archive: fmt.Sprint(dir, "/", i), Level: &oneOf[i%len(oneOf)]}
			if _, err := archive.Pack(ctx, o); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if looks.Load() == 0 {
		t.Error("nobody has looked")
	}
	if has, _ := archive.PieceMemory(); has != 0 {
		t.Errorf("%d bytes of pieces are said to be used", has)
	}
}

// Calls that are held up, with all the memory that there is in common, hold up no other one.
func TestCallsThatAreHeldUp(t *testing.T) {
	root, dir := t.TempDir(), t.TempDir()
	must(t, os.WriteFile(filepath.Join(root, "f"), repeats(12<<20), 0o644))
	release, held := make(chan struct{}), make(chan struct{}, 100)
	var all sync.WaitGroup
	for i := range 2 * runtime.GOMAXPROCS(0) {
		all.Go(func() {
			ctx := &hook{Context: context.Background(), do: func(asked int) {
				if asked == 4 { // by what writes pieces
					held <- struct{}{}
					<-release
				}
			}}
			if _, err := archive.Pack(ctx, archive.PackOptions{Root: root, Archive: fmt.Sprint(dir, "/", i)}); err != nil {
				t.Error(err)
			}
		})
	}
	for range 2 * runtime.GOMAXPROCS(0) {
		<-held
	}
	pack(t, archive.PackOptions{Root: root, Archive: dir + "/other"})
	close(release)
	all.Wait()
}

// Memory is kept for the next call of its kind, up to a bound, and dropped when none comes.
func TestKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var all []string
		k := archive.NewKept(func(value string) {
			mu.Lock()
			defer mu.Unlock()
			all = append(all, value)
		})
		wantDropped := func(want ...string) {
			t.Helper()
			mu.Lock()
			defer mu.Unlock()
			if !slices.Equal(all, want) {
				t.Errorf("dropped %q, want %q", all, want)
			}
		}
		k.Put("aa", "first")
		k.Put("bbb", "second")
		k.Put("aa", "third")
		k.Trim(6)
		wantDropped("first")
		if got, found := k.Take("aa"); !found || got != "third" {
			t.Errorf("got %q, %v", got, found)
		}
		if got, found := k.Take("aa"); found {
			t.Errorf("got %q", got)
		}
		time.Sleep(archive.KeepFor - time.Second)
		k.Put("aa", "third")
		time.Sleep(archive.KeepFor - time.Second)
		synctest.Wait()
		wantDropped("first")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		wantDropped("first", "second", "third")
	})
}
