package archive

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/gostitch/gostitch/gocore/tasks/internal/failure"
)

// readAhead is how many batches of all calls may be read before the compressors take them; with
// batchBytes it bounds the memory.
const readAhead = 8

// bigPiece is how much of a big file is read at a time.
const bigPiece = 256 << 10

var batches = newRation(func() int { return readAhead })

// batchJob is a batch on its way: a worker fills in data or err, closes ready,
// and the writer, which takes jobs in order, waits for that.
type batchJob struct {
	members []member
	data    *bytes.Buffer
	err     error
	ready   chan struct{}
}

// stream sends the tree to w as a tar. The planner lists, workers turn
// batches into finished pieces of tar, and this goroutine writes the pieces in
// order. It returns when all of them have ended.
func (p *packer) stream(ctx context.Context, info os.FileInfo, w io.Writer) error {
	group, ctx := errgroup.WithContext(ctx)
	ordered := make(chan *batchJob, readAhead)
	work := make(chan *batchJob, readAhead)
	held := batches.share(1)
	defer held.end()

	plan := planner{ctx: ctx, root: p.root, skip: p.skip}
	plan.emit = func(batch []member) error {
		// In order, so that the batch that is waited for always has one.
		if err := held.take(ctx); err != nil {
			return err
		}
		job := &batchJob{members: batch, ready: make(chan struct{})}
		for _, queue := range []chan<- *batchJob{ordered, work} {
			select {
			case queue <- job:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	}
	group.Go(func() error {
		defer close(ordered)
		defer close(work)
		return plan.plan(info)
	})
	for range max(2, runtime.GOMAXPROCS(0)) {
		group.Go(func() error {
			for job := range work {
				job.data = buffers.Get().(*bytes.Buffer)
				job.data.Reset()
				job.err = fill(ctx, job)
				close(job.ready)
			}
			return nil
		})
	}
	group.Go(func() error { return p.drain(ctx, ordered, held, w) })
	err := group.Wait()
	p.files, p.bytes = plan.files, plan.bytes
	return err
}

// drain writes the jobs in order and ends the tar.
func (p *packer) drain(ctx context.Context, ordered <-chan *batchJob, held *share, w io.Writer) error {
	out := &heedful{w: w, sink: p.sink}
	for job := range ordered {
		select {
		case <-job.ready:
		case <-ctx.Done():
			return failure.At(ctx.Err())
		}
		if job.err != nil {
			return job.err
		}
		if _, err := out.Write(job.data.Bytes()); err != nil {
			return failure.At(err)
		}
		if m := &job.members[0]; isBig(m) {
			job.data.Reset()
			job.data.Grow(bigPiece)
			piece := job.data.AvailableBuffer()[:bigPiece]
			if err := streamBig(ctx, m, out, piece); err != nil {
				return err
			}
		}
		buffers.Put(job.data)
		held.give(1)
	}
	if err := ctx.Err(); err != nil {
		return failure.At(err) // the planner gave up, so this is not the end
	}
	return out.end()
}

// heedful writes to the compressor, counts, and shows the error that the sink
// keeps from it.
type heedful struct {
	w    io.Writer
	sink *sink
	size int64
}

func (h *heedful) Write(p []byte) (int, error) {
	if err := h.sink.failed(); err != nil {
		return 0, err
	}
	n, err := h.w.Write(p)
	h.size += int64(n)
	return n, err
}

// end writes the mark that ends a tar, and fills up the last record.
func (h *heedful) end() error {
	const mark = 2 * tarBlock
	rest := (tarRecord - (h.size+mark)%tarRecord) % tarRecord
	_, err := h.Write(make([]byte, mark+rest))
	return failure.At(err)
}

// buffers are those of batches, also of other calls: garbage would be as much again.
var buffers = sync.Pool{New: func() any { return bytes.NewBuffer(make([]byte, 0, batchBytes+batchFiles*4*tarBlock)) }}

func isBig(m *member) bool { return m.header.size > batchBytes }

// padding is what a member of this size lacks to whole tar blocks.
func padding(size int64) int64 { return -size & (tarBlock - 1) }

// fill turns a batch into finished tar members.
func fill(ctx context.Context, job *batchJob) error {
	for i := range job.members {
		if err := ctx.Err(); err != nil {
			return failure.At(err)
		}
		m := &job.members[i]
		m.header.appendTo(job.data)
		if m.header.kind != kindFile || isBig(m) {
			continue
		}
		if err := readInto(job.data, m); err != nil {
			return err
		}
	}
	return nil
}

// readInto appends the content of a small file, padded.
func readInto(b *bytes.Buffer, m *member) error {
	file, err := openMember(m)
	if err != nil {
		return err
	}
	defer file.Close()
	size := int(m.header.size)
	b.Grow(size + 1 + tarBlock)
	// One byte more than expected, to see that the file has not grown.
	room := b.AvailableBuffer()[: size+1 : size+1]
	n, err := io.ReadFull(file, room)
	if err != nil && err != io.ErrUnexpectedEOF && err != io.EOF {
		return failure.At(err)
	}
	if n != size {
		return grown(m)
	}
	b.Write(room[:size])
	b.Write(zeros[:padding(m.header.size)])
	return nil
}

var zeros [tarBlock]byte

// streamBig writes the content of a big file, padded, by pieces that fit into the memory given.
func streamBig(ctx context.Context, m *member, w io.Writer, piece []byte) error {
	file, err := openMember(m)
	if err != nil {
		return err
	}
	defer file.Close()
	// The structs hide ways of copying that would bypass the buffer.
	source := struct{ io.Reader }{io.LimitReader(contextReader{ctx, file}, m.header.size)}
	n, err := io.CopyBuffer(struct{ io.Writer }{w}, source, piece)
	if err != nil {
		return failure.At(err)
	}
	if extra, _ := file.Read(make([]byte, 1)); n != m.header.size || extra > 0 {
		return grown(m)
	}
	_, err = w.Write(zeros[:padding(m.header.size)])
	return failure.At(err)
}

// openMember opens a file that was a regular one when it was listed, and
// neither follows a link nor blocks on a pipe that has taken its place.
func openMember(m *member) (*os.File, error) {
	file, err := os.OpenFile(m.path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	var known *fs.PathError
	if errors.As(err, &known) {
		return nil, readError(known.Op, m.path, known.Err)
	}
	return file, failure.At(err)
}

func grown(m *member) error {
	return failure.Data(m.path, "%s changed while it was being packed: its size was %d bytes before", m.path, m.header.size)
}
