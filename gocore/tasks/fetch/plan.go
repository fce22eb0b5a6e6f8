package fetch

import (
	"math"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gostitch/gostitch/gocore/tasks/internal/failure"
)

// plan is Options after every check, with defaults filled in.
type plan struct {
	jobs        []*job
	concurrency int
	perHost     int
	retries     int
	timeout     time.Duration
	resume      bool
	header      http.Header
}

// job is an item on its way. It belongs to one worker at a time; the queue
// hands it over.
type job struct {
	result   Result
	url      *url.URL
	target   string // absolute
	want     digest
	host     *host
	attempts int
	partial  *partial // nil until an attempt needs it
	settled  bool
	// announced is this item's share of the meter's byte total, -1 if none.
	announced int64
}

// newPlan checks all of the options, so that a call with a bad one has sent
// no request and touched no file.
func newPlan(o Options) (*plan, error) {
	p := &plan{
		concurrency: orDefault(o.Concurrency, defaultConcurrency),
		perHost:     orDefault(o.PerHost, defaultPerHost),
		retries:     o.Retries,
		resume:      o.Resume,
	}
	switch {
	case p.concurrency < 1:
		return nil, failure.Argument("concurrency", "concurrency must be at least 1, got %d", o.Concurrency)
	case p.perHost < 1:
		return nil, failure.Argument("per_host", "per_host must be at least 1, got %d", o.PerHost)
	case p.retries < 0:
		return nil, failure.Argument("retries", "retries must not be negative, got %d", o.Retries)
	}
	var err error
	if p.timeout, err = checkTimeout(o.AttemptTimeoutS); err != nil {
		return nil, err
	}
	if p.header, err = checkHeaders(o.Headers); err != nil {
		return nil, err
	}
	if p.jobs, err = checkItems(o.Items); err != nil {
		return nil, err
	}
	return p, checkPaths(p.jobs, o.Resume)
}

func orDefault(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

// checkTimeout turns seconds into a duration; a year is as good as for ever
// and keeps the multiplication from overflowing.
func checkTimeout(seconds float64) (time.Duration, error) {
	const year = 365 * 24 * 3600
	switch {
	case math.IsNaN(seconds) || math.IsInf(seconds, 0) || seconds < 0:
		return 0, failure.Argument("attempt_timeout_s",
			"attempt_timeout_s must be a positive number of seconds, got %v", seconds)
	case seconds == 0:
		seconds = defaultAttemptTimeout
	}
	return time.Duration(min(seconds, year) * float64(time.Second)), nil
}

// ownHeaders are set by this package, or by net/http, for reasons of their own.
var ownHeaders = map[string]bool{
	"Range": true, "If-Range": true, "Accept-Encoding": true, "Host": true, "Connection": true,
	"Content-Length": true, "Transfer-Encoding": true, "Te": true, "Trailer": true, "Upgrade": true,
}

// checkHeaders never quotes a value: it may be a password.
func checkHeaders(headers map[string]string) (http.Header, error) {
	checked := make(http.Header, len(headers)+1)
	for name, value := range headers {
		key := http.CanonicalHeaderKey(name)
		_, twice := checked[key]
		switch {
		case !isToken(name):
			return nil, failure.Argument("headers", "%q is not a header name", name)
		case strings.ContainsFunc(value, isControl):
			return nil, failure.Argument("headers", "the value of %s holds a character that no header may have", name)
		case ownHeaders[key]:
			return nil, failure.Argument("headers", "%s cannot be given: fetch sets it itself", name)
		case twice:
			return nil, failure.Argument("headers", "%s is given twice, in different spellings", key)
		}
		checked[key] = []string{value}
	}
	// The digest and the size are those of the bytes as served; an encoding
	// chosen by the server on the way would change both.
	checked["Accept-Encoding"] = []string{"identity"}
	return checked, nil
}

// isToken is RFC 9110's rule for the name of a header.
func isToken(name string) bool {
	const others = "!#$%&'*+-.^_`|~"
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		alphanumeric := r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		return !alphanumeric && !strings.ContainsRune(others, r)
	})
}

func isControl(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

func checkItems(items []Item) ([]*job, error) {
	jobs := make([]*job, len(items))
	backing := make([]job, len(items))
	for i, item := range items {
		j := &backing[i]
		j.result = Result{URL: item.URL, Path: item.Path}
		j.announced = -1
		var err error
		if j.url, err = checkURL(i, item.URL); err != nil {
			return nil, err
		}
		if err := mayReach(j.url); err != nil {
			return nil, err
		}
		if j.want, err = parseDigest(i, item.Digest); err != nil {
			return nil, err
		}
		if item.Path == "" || strings.ContainsRune(item.Path, 0) {
			return nil, failure.Argument("items", "items[%d].path is empty or holds a NUL", i)
		}
		if j.target, err = filepath.Abs(item.Path); err != nil {
			return nil, failure.At(err)
		}
		jobs[i] = j
	}
	return jobs, nil
}

// checkURL quotes nothing of a URL it cannot parse: the parser's own error may
// hold a piece of the password.
func checkURL(i int, raw string) (*url.URL, error) {
	if raw == "" {
		return nil, failure.Argument("items", "items[%d].url is empty", i)
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, failure.Argument("items",
			"items[%d].url is malformed; percent-encode characters that have a meaning in URLs", i)
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return nil, failure.Argument("items", "items[%d].url must begin with http:// or https://", i)
	}
	if u.Hostname() == "" {
		return nil, failure.Argument("items", "items[%d].url names no host", i)
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return nil, failure.Argument("items", "items[%d].url has a port that is not in 1 to 65535", i)
		}
	}
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}

// checkPaths refuses targets that would overwrite each other, or something
// that is not a file.
func checkPaths(jobs []*job, resume bool) error {
	owner := make(map[string]int, len(jobs))
	claim := func(path string, i int) error {
		if first, taken := owner[path]; taken {
			return failure.Argument("items", "items[%d] and items[%d] would both write %s", first, i, path)
		}
		owner[path] = i
		return nil
	}
	for i, j := range jobs {
		names := []string{j.target}
		if resume {
			names = append(names, partName(j.target), sidecarName(j.target))
		}
		for _, name := range names {
			if err := claim(name, i); err != nil {
				return err
			}
		}
		if err := checkTarget(i, j); err != nil {
			return err
		}
	}
	return checkNesting(jobs, owner)
}

// checkTarget looks at what is there now. An error of the look itself is left
// to the item: it will meet it again, and need not stop the others.
func checkTarget(i int, j *job) error {
	info, err := os.Lstat(j.target)
	if err == nil && info.Mode()&os.ModeSymlink != 0 {
		if info, err = os.Stat(j.target); err != nil {
			return nil // a dangling link is replaced like any other
		}
	}
	switch {
	case err != nil || info.Mode().IsRegular():
		return nil
	case info.IsDir():
		return failure.Argument("items", "items[%d].path is a directory: %s", i, j.result.Path)
	default:
		return failure.Argument("items", "items[%d].path is not an ordinary file: %s", i, j.result.Path)
	}
}

// checkNesting refuses a target that another one needs as a directory.
func checkNesting(jobs []*job, owner map[string]int) error {
	seen := make(map[string]bool)
	for i, j := range jobs {
		for dir := filepath.Dir(j.target); !seen[dir]; dir = filepath.Dir(dir) {
			seen[dir] = true
			if outer, taken := owner[dir]; taken {
				return failure.Argument("items", "items[%d].path would be inside the file of items[%d]", i, outer)
			}
		}
	}
	return nil
}
