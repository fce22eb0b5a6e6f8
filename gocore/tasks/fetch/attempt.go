package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gostitch/gostitch/gocore/tasks/internal/failure"
)

const (
	smallBuffer = 16 << 10
	largeBuffer = 256 << 10
	// drainLimit is how much of an error page is read so that its connection
	// can be used again; beyond that a new connection is cheaper.
	drainLimit = 16 << 10
)

// errChanged means that the unfinished file cannot be continued: the resource
// is another one now, or the server's answer leaves that open.
var errChanged = errors.New("the resource has changed since the download began")

var errStalled = errors.New("no data")

// attempt makes one attempt: a request, and a second one for the whole file
// if the first shows that what we have cannot be continued. Nothing is ever
// glued together of which the server, or a digest, did not say that it fits.
func (c *call) attempt(j *job) error {
	j.attempts++
	j.result.Attempts = j.attempts
	if j.partial == nil {
		p, err := c.openPartial(j)
		if err != nil {
			return err
		}
		j.partial = p
		c.announce(j, p.size)
	}
	err := c.request(j)
	if errors.Is(err, errChanged) {
		j.partial.rewind()
		err = c.request(j)
	}
	return err
}

// request is one exchange, redirects included.
func (c *call) request(j *job) error {
	w := newWatch(c.ctx, c.timeout)
	defer w.stop()
	resp, err := c.web.client.Do(c.newRequest(w.ctx, j))
	if resp != nil {
		j.result.Status = resp.StatusCode // also beside a refused redirect
	}
	if err != nil {
		return c.unavailable(j, w, judgeTrip(bare(err)))
	}
	defer drain(resp.Body)
	if err := c.accept(j, w, resp); err != nil {
		return err
	}
	if err := c.receive(j, w, resp.Body); err != nil {
		return err
	}
	return c.complete(j)
}

func (c *call) newRequest(ctx context.Context, j *job) *http.Request {
	r := &http.Request{
		Method: http.MethodGet, URL: j.url, Host: j.url.Host,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: make(http.Header, len(c.header)+2),
	}
	for name, values := range c.header {
		r.Header[name] = values
	}
	if p := j.partial; p.offset > 0 {
		r.Header.Set("Range", "bytes="+strconv.FormatInt(p.offset, 10)+"-")
		r.Header.Set("If-Range", p.validator)
	}
	return r.WithContext(context.WithValue(ctx, attemptKey{}, j.attempts))
}

type attemptKey struct{}

// AttemptOf tells which attempt at its item a request of Fetch is a part of, from its context: 1 for the
// first; 0 if it is none of Fetch's.
func AttemptOf(ctx context.Context) int {
	attempt, _ := ctx.Value(attemptKey{}).(int)
	return attempt
}

// accept decides by the head of the response what the body is, and makes the
// unfinished file ready for it.
func (c *call) accept(j *job, w *watch, resp *http.Response) error {
	p := j.partial
	switch status := resp.StatusCode; {
	case status == http.StatusPartialContent && p.offset > 0:
		size, ok := continues(resp, p)
		if !ok {
			return errChanged
		}
		p.spliced, p.size = true, size
	case status == http.StatusRequestedRangeNotSatisfiable && p.offset > 0:
		return errChanged
	case status == http.StatusOK || status == http.StatusNonAuthoritativeInfo:
		p.rewind()
		p.validator, p.size = validator(resp.Header), resp.ContentLength
	default:
		err := errors.New(strings.TrimSpace(fmt.Sprintf("the server answered %d %s", status, http.StatusText(status))))
		return c.unavailable(j, w, &fault{error: err, again: worthRetrying(status), after: retryAfter(resp.Header)})
	}
	c.announce(j, p.size)
	return c.local(j, p.prepare(&c.dirs))
}

// receive copies the body to the file.
func (c *call) receive(j *job, w *watch, body io.Reader) error {
	p := j.partial
	pool := &largeBuffers
	if p.size >= 0 && p.size-p.offset < smallBuffer { // less: the last read needs room to see the end
		pool = &smallBuffers
	}
	held := pool.Get().(*[]byte)
	defer pool.Put(held)
	for {
		w.touch()
		n, err := body.Read(*held)
		if err := p.write((*held)[:n]); err != nil {
			return c.local(j, err)
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, io.ErrUnexpectedEOF):
			return c.short(j)
		case err != nil:
			return c.unavailable(j, w, transient(bare(err)))
		}
	}
}

// complete verifies the file and puts it in its place.
func (c *call) complete(j *job) error {
	p := j.partial
	if p.size >= 0 && p.offset < p.size {
		return c.short(j)
	}
	got := p.digest()
	wrong := p.size >= 0 && p.offset > p.size || !j.want.matches(got)
	switch {
	case wrong && p.spliced:
		return errChanged // it may be the splice that is wrong, so try without
	case wrong:
		p.spoiled = true // not worth keeping, whatever resume says
		return permanent(failure.Data(j.result.Path, "%s has the digest %s instead of %s",
			redact(j.url), got, j.want))
	}
	size := p.offset
	if err := p.commit(); err != nil {
		return c.local(j, err)
	}
	j.result.Bytes, j.result.Digest = size, got
	return nil
}

// announce keeps the byte total of the progress in step with what servers say.
func (c *call) announce(j *job, size int64) {
	c.meter.announce(j.announced, size)
	j.announced = size
}

// unavailable words a fault for the result.
func (c *call) unavailable(j *job, w *watch, err error) error {
	if context.Cause(w.ctx) == errStalled { //nolint:errorlint // identity is meant
		err = transient(fmt.Errorf("%w for %v", errStalled, c.timeout))
	}
	var f *fault
	if !errors.As(err, &f) {
		return err
	}
	where := redact(j.url)
	return &fault{error: failure.Unavailable(where, "cannot fetch %s: %w", where, f.error), again: f.again, after: f.after}
}

// short is a body that ended before its announced end.
func (c *call) short(j *job) error {
	of := "an unannounced number of"
	if j.partial.size >= 0 {
		of = strconv.FormatInt(j.partial.size, 10)
	}
	return transient(failure.Data(j.result.Path, "%s ended after %d of %s bytes",
		redact(j.url), j.partial.offset, of))
}

// local words an error of this machine; nil stays nil.
func (c *call) local(j *job, err error) error {
	if err == nil {
		return nil
	}
	if known, is := err.(*fs.PathError); is && strings.HasPrefix(filepath.Base(known.Path), tempPrefix) {
		err = known.Err // the name of a file that is gone helps nobody
	}
	return failure.At(fmt.Errorf("cannot write %s: %w", j.result.Path, err))
}

// continues checks that a partial response is the rest of the very version
// that p holds the beginning of. If-Range should make sure of that; servers
// and caches that ignore it are known, so the headers must agree as well.
func continues(resp *http.Response, p *partial) (size int64, ok bool) {
	text, ok := strings.CutPrefix(resp.Header.Get("Content-Range"), "bytes ")
	if !ok {
		return 0, false
	}
	span, total, ok := strings.Cut(text, "/")
	first, _, dash := strings.Cut(span, "-")
	if start, err := strconv.ParseInt(first, 10, 64); !ok || !dash || err != nil || start != p.offset {
		return 0, false
	}
	size = p.size
	if total != "*" {
		n, err := strconv.ParseInt(total, 10, 64)
		if err != nil || n < p.offset || size >= 0 && n != size {
			return 0, false
		}
		size = n
	}
	header := "Last-Modified"
	if strings.HasPrefix(p.validator, `"`) {
		header = "Etag"
	}
	return size, resp.Header.Get(header) == p.validator
}

// validator gives what identifies this version of the resource byte for byte,
// or "". A date counts only when a second change within its resolution, or a
// little clock skew, can be ruled out (RFC 9110, 8.8.2.2).
func validator(h http.Header) string {
	if tag := h.Get("Etag"); strings.HasPrefix(tag, `"`) {
		return tag
	}
	text := h.Get("Last-Modified")
	modified, err := http.ParseTime(text)
	served, err2 := http.ParseTime(h.Get("Date"))
	if err != nil || err2 != nil || served.Sub(modified) < time.Minute {
		return ""
	}
	return text
}

var (
	smallBuffers = sync.Pool{New: func() any { b := make([]byte, smallBuffer); return &b }}
	largeBuffers = sync.Pool{New: func() any { b := make([]byte, largeBuffer); return &b }}
)

// drain gives the connection back if little is left to read, and ends it if
// not.
func drain(body io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, body, drainLimit)
	_ = body.Close()
}

// watch cancels an attempt that makes no progress.
type watch struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer
	limit  time.Duration
}

func newWatch(ctx context.Context, limit time.Duration) *watch {
	w := &watch{limit: limit}
	w.ctx, w.cancel = context.WithCancelCause(ctx)
	w.timer = time.AfterFunc(limit, func() { w.cancel(errStalled) })
	return w
}

// touch says that there was progress.
func (w *watch) touch() { w.timer.Reset(w.limit) }

func (w *watch) stop() {
	w.timer.Stop()
	w.cancel(nil)
}
