package hashtree_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gostitch/gostitch/gocore/tasks/hashtree"
)

func ExampleSum() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "greeting")
	if err := os.WriteFile(path, []byte("hello\n"), 0o600); err != nil {
		panic(err)
	}
	r, err := hashtree.Sum(context.Background(), hashtree.Options{Root: dir, Ignore: []string{"*.pyc"}})
	if err != nil {
		panic(err)
	}
	fmt.Println(r.Files, r.Bytes, r.Digest[:16])
	// Output: 1 6 f6fb3766f02276d7
}
