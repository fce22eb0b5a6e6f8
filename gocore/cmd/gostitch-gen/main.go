// Command gostitch-gen writes the typed Python module of a library's functions
// from the Go source that registers them.
//
//	gostitch-gen -out python/gostitch/tasks/_generated.py ./gocore/tasks/...
//	gostitch-gen -check -out python/gostitch/tasks/_generated.py ./gocore/tasks/...
//
// It reads types and comments; it does not run the code. Names, types and
// defaults come from the argument structs and their tags, docstrings from the
// comments. With -check it writes nothing and fails if the file is stale.
//
// 'gostitch build' has it write two more files: with -main the main package that
// makes the library of those packages, with -list the functions and where they
// are registered, as JSON.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
)

// options say what to write and from what.
type options struct {
	out      string // the Python module
	check    bool
	library  string // the file beside the module that has the functions; empty: the one that is shipped
	main     string // the main package; empty: none
	tasks    bool   // the library has the task library too
	list     string // the list of functions; empty: none
	patterns []string
}

func main() {
	var o options
	flag.StringVar(&o.out, "out", "", "the Python `file` to write")
	flag.BoolVar(&o.check, "check", false, "fail if the file is stale instead of writing it")
	flag.StringVar(&o.library, "library", "", "the `name` of the library beside the Python file; without it the functions are looked for in the library that is shipped")
	flag.StringVar(&o.main, "main", "", "write the main package of the library to this `file`")
	flag.BoolVar(&o.tasks, "tasks", false, "put the task library into the main package")
	flag.StringVar(&o.list, "list", "", "write the functions and their places to this `file`, as JSON")
	flag.Parse()
	o.patterns = flag.Args()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(o options) error {
	if o.out == "" || len(o.patterns) == 0 {
		return errors.New("name the file to write with -out, and at least one package")
	}
	found, err := load(o.patterns)
	if err != nil {
		return err
	}
	text, err := emit(found, o.library)
	if err != nil {
		return err
	}
	if o.check {
		return check(o.out, text)
	}
	for _, line := range found.notes.lines() {
		fmt.Fprintln(os.Stderr, line)
	}
	if o.main != "" {
		wiring, err := found.wiring(o.tasks)
		if err != nil {
			return err
		}
		if err := os.WriteFile(o.main, wiring, 0o644); err != nil {
			return err
		}
	}
	if o.list != "" {
		if err := os.WriteFile(o.list, found.list(), 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(o.out, text, 0o644)
}

func check(out string, text []byte) error {
	have, err := os.ReadFile(out)
	if err != nil {
		return err
	}
	if !bytes.Equal(have, text) {
		return fmt.Errorf("%s is stale: the Go functions have changed since it was generated; run 'make gen'", out)
	}
	return nil
}

// list gives the functions and where each is registered.
func (l *library) list() []byte {
	type entry struct {
		Name  string `json:"name"`
		Place string `json:"place"`
	}
	entries := []entry{}
	for _, f := range l.functions {
		entries = append(entries, entry{f.contract.Name, place(f.pos)})
	}
	text, err := json.Marshal(entries)
	if err != nil {
		panic(err) // strings can always be written
	}
	return text
}
