package faults

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"time"
)

// RoundsArgs say how often.
type RoundsArgs struct {
	// Rounds of it.
	Rounds int
}

// Collect makes garbage, collects it, and gives how many collections there were.
func Collect(_ context.Context, a RoundsArgs) (int, error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range a.Rounds {
		kept := make([][]byte, 256)
		for i := range kept {
			kept[i] = make([]byte, 16<<10)
		}
		runtime.GC()
		runtime.KeepAlive(kept)
	}
	runtime.ReadMemStats(&after)
	return int(after.NumGC - before.NumGC), nil
}

// Ticks waits for so many ticks of a timer, and gives their number.
func Ticks(ctx context.Context, a RoundsArgs) (int, error) {
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for i := range a.Rounds {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return i, ctx.Err()
		}
	}
	return a.Rounds, nil
}

// Loopback serves one page on 127.0.0.1, fetches it so many times, and gives what it says.
func Loopback(ctx context.Context, a RoundsArgs) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }),
	}
	go server.Serve(listener) //nolint:errcheck // it says that it was closed
	defer server.Close()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	var text string
	for range a.Rounds {
		page, err := fetchPage(ctx, &client, "http://"+listener.Addr().String())
		if err != nil {
			return "", err
		}
		text += page
	}
	return text, nil
}

func fetchPage(ctx context.Context, client *http.Client, url string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return string(body), err
}
