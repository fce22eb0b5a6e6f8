package fetch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

const sidecarVersion = 1

func partName(target string) string    { return target + ".part" }
func sidecarName(target string) string { return target + ".part.json" }

// sidecar is what <path>.part.json says about <path>.part. The digest of the
// bytes so far makes it safe against everything that may happen to a file
// between two calls: a crash before the data reached the disk, an editor, or
// another program that uses the same name.
type sidecar struct {
	Version   int    `json:"version"`
	Source    string `json:"source"`
	Validator string `json:"validator"`
	Size      int64  `json:"size"`
	Offset    int64  `json:"offset"`
	Prefix    string `json:"prefix"`
}

// sourceOf says of which resource an unfinished file is. With a digest that is
// the digest: signed URLs change from call to call. Otherwise it is the URL,
// since two resources of one server may well have the same ETag; hashed, since
// it may hold credentials.
func sourceOf(j *job) string {
	if j.want.hex != "" {
		return j.want.String()
	}
	u := *j.url
	u.User = nil
	h := sha256.Sum256([]byte(u.String()))
	return "url-sha256:" + hex.EncodeToString(h[:])
}

// save writes the sidecar for the present content. It is complete or absent:
// a torn one would only lose the resumption, a followed link much more.
func (p *partial) save() error {
	text, err := json.Marshal(sidecar{
		Version: sidecarVersion, Source: p.source, Validator: p.validator,
		Size: p.size, Offset: p.offset, Prefix: p.digest(),
	})
	if err != nil {
		return err
	}
	f, err := createTemp(filepath.Dir(p.target))
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), sidecarName(p.target))
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	p.saved = p.offset
	return nil
}

// load takes over the file of an earlier call if it is whole and of the same
// resource. If it is not, the item starts from nothing; a file that another
// call is writing is an error.
func (p *partial) load(ctx context.Context) error {
	if _, ok := p.readSidecar(); !ok {
		return nil
	}
	f, err := openLocked(p.path, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ELOOP):
		return nil
	case err != nil:
		return err
	}
	s, ok := p.readSidecar() // again: it may have changed before the lock
	if ok {
		ok, err = p.matches(ctx, f, s)
	}
	if !ok || err != nil {
		p.hash.Reset()
		return errors.Join(err, f.Close())
	}
	p.file, p.exists, p.offset, p.saved = f, true, s.Offset, s.Offset
	p.size, p.validator = s.Size, s.Validator
	p.meter.bytes.Add(s.Offset)
	return nil
}

// readSidecar gives the sidecar if it is of use.
func (p *partial) readSidecar() (s sidecar, ok bool) {
	text, err := os.ReadFile(sidecarName(p.target))
	if err != nil || json.Unmarshal(text, &s) != nil {
		return s, false
	}
	ok = s.Version == sidecarVersion && s.Source == p.source && s.Validator != "" &&
		s.Offset > 0 && (s.Size < 0 || s.Offset <= s.Size)
	return s, ok
}

// matches hashes the beginning of the file, which the rest of the download
// needs anyway, and compares it with what was said about it.
func (p *partial) matches(ctx context.Context, f *os.File, s sidecar) (bool, error) {
	held := largeBuffers.Get().(*[]byte)
	defer largeBuffers.Put(held)
	for left := s.Offset; left > 0; {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		n, err := f.Read((*held)[:min(left, int64(len(*held)))])
		_, _ = p.hash.Write((*held)[:n])
		left -= int64(n)
		if errors.Is(err, io.EOF) {
			return false, nil // shorter than it was
		}
		if err != nil {
			return false, err
		}
	}
	return p.digest() == s.Prefix, nil
}
