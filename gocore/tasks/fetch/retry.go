package fetch

import (
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// pace is how long to wait between attempts.
type pace struct {
	first   time.Duration // before the first retry; doubled for each further one
	longest time.Duration
	asked   time.Duration // the longest that a Retry-After is honoured
}

// defaultPace is a variable for the tests of this package only.
var defaultPace = pace{first: 200 * time.Millisecond, longest: 10 * time.Second, asked: time.Minute}

// fault is a failure on the server's side of things. Any other error of an
// attempt is of this machine (a full disk, a missing right) and is final.
type fault struct {
	error
	again bool          // another attempt may go better
	after time.Duration // the wait that the server asked for
}

func (f *fault) Unwrap() error { return f.error }

func permanent(err error) error { return &fault{error: err} }
func transient(err error) error { return &fault{error: err, again: true} }

// judge decides whether an item gets another attempt, and when.
func (c *call) judge(j *job, err error) (time.Duration, bool) {
	var f *fault
	if err == nil || c.ctx.Err() != nil || !errors.As(err, &f) || !f.again || j.attempts > c.retries {
		return 0, false
	}
	return defaultPace.delay(j.attempts, f.after), true
}

// delay is between half and all of the doubled wait, so that items which
// failed together do not come back together, and no less than was asked for.
func (p pace) delay(attempts int, asked time.Duration) time.Duration {
	wait := p.longest
	if shift := attempts - 1; shift < 16 { // beyond, the doubling is past any limit
		wait = min(p.first<<shift, p.longest)
	}
	wait = wait/2 + rand.N(wait/2+1)
	return max(wait, min(asked, p.asked))
}

// worthRetrying says which statuses may be different the next time.
func worthRetrying(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return status >= http.StatusInternalServerError
}

// retryAfter reads the header in both its forms; 0 if there is none.
func retryAfter(h http.Header) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if text == "" {
		return 0
	}
	if seconds, err := strconv.Atoi(text); err == nil {
		const day = 24 * 3600
		return time.Duration(max(0, min(seconds, day))) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}

// judgeTrip sorts the errors of a request that got no response. All are worth
// another attempt, except those we made ourselves and a server whose
// certificate does not hold.
func judgeTrip(err error) error {
	var own *fault
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &own):
		return err
	case errors.As(err, &certificate):
		return permanent(err)
	}
	return transient(err)
}
