package fetch_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/gostitch/gostitch/gocore/tasks/fetch"
)

// benchmarkFetch downloads count files of one size from a server in this
// process, so both sides share the processor: a figure is the sum of the two.
func benchmarkFetch(b *testing.B, count, size, inFlight int) {
	body := make([]byte, size)
	for i := range body {
		body[i] = byte(i * 7)
	}
	digest := sha256.Sum256(body)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(size))
		_, _ = w.Write(body)
	}))
	defer server.Close()
	dir := b.TempDir()
	items := make([]fetch.Item, count)
	for i := range items {
		items[i] = fetch.Item{
			URL:    fmt.Sprintf("%s/%d", server.URL, i),
			Path:   filepath.Join(dir, strconv.Itoa(i)),
			Digest: "sha256:" + hex.EncodeToString(digest[:]),
		}
	}
	b.SetBytes(int64(count) * int64(size))
	for b.Loop() {
		results, err := fetch.Fetch(context.Background(), fetch.Options{
			Items: items, Concurrency: inFlight, PerHost: inFlight,
		}, nil)
		if err != nil || !results[0].OK || !results[count-1].OK {
			b.Fatalf("failed: %v %+v", err, results[0])
		}
	}
}

// BenchmarkFetchSmall is many bodies of 2 KB: the cost per request.
func BenchmarkFetchSmall(b *testing.B) { benchmarkFetch(b, 2_000, 2_000, 256) }

// BenchmarkFetchLarge is bodies of 5 MB: the cost per byte.
func BenchmarkFetchLarge(b *testing.B) { benchmarkFetch(b, 20, 5_000_000, 16) }
