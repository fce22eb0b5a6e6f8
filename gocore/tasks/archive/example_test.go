package archive_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gostitch/gostitch/gocore/tasks/archive"
)

func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	root := filepath.Join(dir, "tree")
	if err := os.CopyFS(root, os.DirFS("testdata")); err != nil {
		panic(err)
	}
	ctx, file := context.Background(), filepath.Join(dir, "tree.tar.zst")
	packed, err := archive.Pack(ctx, archive.PackOptions{Root: root, Archive: file, Ignore: []string{"fuzz/"}})
	if err != nil {
		panic(err)
	}
	unpacked, err := archive.Unpack(ctx, archive.UnpackOptions{Archive: file, Dest: filepath.Join(dir, "copy")})
	if err != nil {
		panic(err)
	}
	fmt.Println(packed.Files, unpacked.Files, packed.BytesIn == unpacked.Bytes)

	// Another tree does not mix with the first.
	_, err = archive.Unpack(ctx, archive.UnpackOptions{Archive: file, Dest: filepath.Join(dir, "copy")})
	var refused interface{ Details() map[string]any }
	fmt.Println(errors.As(err, &refused), refused.Details()["argument"])
	// Output:
	// 1 1 true
	// true dest
}
