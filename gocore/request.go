package gocore

import (
	"context"
	"time"
)

// Outgoing is an HTTP request that a function makes, as observers are told of it.
type Outgoing struct {
	Method string
	Scheme string
	Host   string // without the port
	Port   int
	URL    string // without secrets
	Resend int    // how often it was sent before: as a retry, or because of a redirect
}

// Answer is how a request went.
type Answer struct {
	Status   int    // 0: there was no response
	Protocol string // "1.1" or "2"
	Err      error  // that ended it, or nil
}

// StartRequest tells the observer of a request. What is sent for it is to be under the context
// that this returns; the function is called once, when the response was read.
func StartRequest(ctx context.Context, r Outgoing) (context.Context, func(Answer)) {
	if o := observer.Load(); o != nil {
		return (*o).StartRequest(ctx, r)
	}
	return ctx, func(Answer) {}
}

// NoteRetry tells the observer that something is tried again after a while.
func NoteRetry(ctx context.Context, reason error, attempt int, delay time.Duration) {
	if o := observer.Load(); o != nil {
		(*o).Retry(ctx, reason, attempt, delay)
	}
}
