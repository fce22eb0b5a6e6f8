// Command gostitch-gen writes the typed Python module of a library's functions
// from the Go source that registers them.
//
//	gostitch-gen -out python/gostitch/tasks/_generated.py ./gocore/tasks/...
//	gostitch-gen -check -out python/gostitch/tasks/_generated.py ./gocore/tasks/...
//
// It reads types and comments; it does not run the code. Names, types and
// defaults come from the argument structs and their tags, docstrings from the
// comments. With -check it writes nothing and fails if the file is stale.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
)

func main() {
	out := flag.String("out", "", "the Python `file` to write")
	check := flag.Bool("check", false, "fail if the file is stale instead of writing it")
	flag.Parse()
	if err := run(*out, *check, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "gostitch-gen:", err)
		os.Exit(1)
	}
}

func run(out string, check bool, patterns []string) error {
	if out == "" || len(patterns) == 0 {
		return errors.New("name the file to write with -out, and at least one package")
	}
	found, err := load(patterns)
	if err != nil {
		return err
	}
	text, err := emit(found)
	if err != nil {
		return err
	}
	if !check {
		return os.WriteFile(out, text, 0o644)
	}
	have, err := os.ReadFile(out)
	if err != nil {
		return err
	}
	if !bytes.Equal(have, text) {
		return fmt.Errorf("%s is stale: the Go functions have changed since it was generated; run 'make gen'", out)
	}
	return nil
}
