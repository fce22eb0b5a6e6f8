package faults

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/gostitch/gostitch/gocore"
)

// Tick is one message.
type Tick struct {
	// Index of the message, from 0.
	Index int
	// Text of the message.
	Text string
}

// CountArgs say how many messages to send.
type CountArgs struct {
	// Count of messages.
	Count int
	// Wait for the end of the context after the last message.
	Wait bool `gostitch:"wait,default=false"`
}

// CountMessages sends so many messages and returns their number.
func CountMessages(ctx context.Context, a CountArgs, progress func(Tick)) (int, error) {
	for i := range a.Count {
		if ctx.Err() != nil {
			return i, ctx.Err()
		}
		progress(Tick{i, "tick"})
	}
	if a.Wait {
		<-ctx.Done()
		return a.Count, ctx.Err()
	}
	return a.Count, nil
}

// SendBytesArgs say how many messages of which size to send.
type SendBytesArgs struct {
	// Count of messages.
	Count int
	// Size of each in bytes.
	Size int
}

// SendBytes sends messages that are plain bytes.
func SendBytes(_ context.Context, a SendBytesArgs, onMessage func([]byte)) (None, error) {
	for i := range a.Count {
		data := make([]byte, a.Size)
		for j := range data {
			data[j] = byte(i)
		}
		onMessage(data)
	}
	return None{}, nil
}

// SendLate sends messages from a goroutine that outlives the call.
func SendLate(ctx context.Context, a CountArgs, onMessage func(Tick)) (None, error) {
	started := make(chan struct{})
	gocore.Go(ctx, func(context.Context) {
		close(started)
		for i := range a.Count {
			onMessage(Tick{i, "late"})
		}
	})
	<-started
	return None{}, nil
}

// Receive returns so many messages of the caller, in order.
func Receive(ctx context.Context, a SizeArgs) ([]string, error) {
	messages := make([]string, 0, a.Size)
	for range a.Size {
		message, err := gocore.Receive(ctx)
		if err != nil {
			return nil, err
		}
		messages = append(messages, string(message))
	}
	return messages, nil
}

// ReceiveWithArgs are bytes and a number of messages.
type ReceiveWithArgs struct {
	// Data is lent while the function waits.
	Data []byte
	// Count of messages to wait for.
	Count int
}

// ReceiveWith waits for messages while it holds bytes of the caller, and returns the number of
// bytes.
func ReceiveWith(ctx context.Context, a ReceiveWithArgs) (int, error) {
	_, err := Receive(ctx, SizeArgs{a.Count})
	return len(a.Data), err
}

// LogArgs describe log records.
type LogArgs struct {
	// Level of slog: -4, 0, 4, 8.
	Level int
	// Text of the record.
	Text string
	// Count of records.
	Count int `gostitch:"count,default=1"`
}

// Log writes records with attributes of several kinds.
func Log(ctx context.Context, a LogArgs) (None, error) {
	logger := slog.With("fixed", "yes").WithGroup("group")
	for i := range a.Count {
		logger.Log(ctx, slog.Level(a.Level), a.Text, "index", i, "share", 0.5, "flag", true,
			slog.Group("inner", "pause", time.Second), "bytes", "\xff")
	}
	return None{}, nil
}

// LogErrorArgs are the text and the error of a record.
type LogErrorArgs struct {
	// Text of the record.
	Text string
	// Error that it tells of.
	Error string
	// ID changes from record to record.
	ID int `gostitch:"id,default=0"`
}

// LogError logs an error.
func LogError(ctx context.Context, a LogErrorArgs) (None, error) {
	slog.ErrorContext(ctx, a.Text, "error", errors.New(a.Error), "id", a.ID, "name", "taken", "user.name", "zoë")
	return None{}, nil
}

// FloodArgs describe a flood of log records.
type FloodArgs struct {
	// Goroutines that write at once.
	Goroutines int
	// Records that each writes.
	Records int
}

// Flood writes log records from many goroutines at once, as quickly as it can.
func Flood(ctx context.Context, a FloodArgs) (None, error) {
	var writers sync.WaitGroup
	for range a.Goroutines {
		writers.Go(func() {
			for i := range a.Records {
				slog.InfoContext(ctx, "flood", "index", i)
			}
		})
	}
	writers.Wait()
	return None{}, nil
}

// LogUntilEndArgs describe records that are written again and again.
type LogUntilEndArgs struct {
	// Level of slog: -4, 0, 4, 8.
	Level int
	// Text of the records.
	Text string
}

// LogUntilEnd writes a record every few milliseconds until its context ends.
func LogUntilEnd(ctx context.Context, a LogUntilEndArgs) (None, error) {
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for {
		slog.Log(ctx, slog.Level(a.Level), a.Text)
		select {
		case <-again.C:
		case <-ctx.Done():
			return None{}, ctx.Err()
		}
	}
}
