package archive_test

import (
	"archive/zip"
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/gostitch/gostitch/gocore/tasks/archive"
)

// BenchmarkPack packs Go's own source: 11 000 files, 130 MB, warm.
func BenchmarkPack(b *testing.B) {
	root := goSource(b)
	for _, compression := range []string{"zstd", "gzip", "none"} {
		b.Run(compression, func(b *testing.B) {
			to := filepath.Join(b.TempDir(), "a")
			for b.Loop() {
				r, err := archive.Pack(context.Background(), archive.PackOptions{Root: root, Archive: to, Compression: archive.Compression(compression)})
				if err != nil {
					b.Fatal(err)
				}
				b.SetBytes(r.BytesIn)
				b.ReportMetric(float64(r.BytesOut)/float64(r.BytesIn), "out/in")
			}
		})
	}
}

// BenchmarkUnpack unpacks the same; a disk is the slowest part of it.
func BenchmarkUnpack(b *testing.B) {
	root := goSource(b)
	for _, compression := range []string{"zstd", "gzip", "none"} {
		b.Run(compression, func(b *testing.B) {
			dir := b.TempDir()
			from := filepath.Join(dir, "a")
			if _, err := archive.Pack(context.Background(), archive.PackOptions{Root: root, Archive: from, Compression: archive.Compression(compression)}); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				b.StopTimer()
				to := filepath.Join(b.TempDir(), "tree")
				b.StartTimer()
				r, err := archive.Unpack(context.Background(), archive.UnpackOptions{Archive: from, Dest: to})
				if err != nil {
					b.Fatal(err)
				}
				b.SetBytes(r.Bytes)
			}
		})
	}
}

// BenchmarkUnpackZip unpacks what a wheel is: a zip with deflated files.
func BenchmarkUnpackZip(b *testing.B) {
	dir := b.TempDir()
	from := filepath.Join(dir, "a")
	var content bytes.Buffer
	w := zip.NewWriter(&content)
	must(b, w.AddFS(os.DirFS(goSource(b))))
	must(b, w.Close())
	must(b, os.WriteFile(from, content.Bytes(), 0o644))
	for b.Loop() {
		b.StopTimer()
		to := filepath.Join(b.TempDir(), "tree")
		b.StartTimer()
		r, err := archive.Unpack(context.Background(), archive.UnpackOptions{Archive: from, Dest: to})
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(r.Bytes)
	}
}
