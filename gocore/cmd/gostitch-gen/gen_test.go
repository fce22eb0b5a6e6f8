package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gostitch/gostitch/gocore"
	_ "github.com/gostitch/gostitch/gocore/internal/faults"
	_ "github.com/gostitch/gostitch/gocore/observe"
	_ "github.com/gostitch/gostitch/gocore/tasks"
)

const core = "github.com/gostitch/gostitch/gocore/"

// What is read from source is what the running library says: the same
// functions with the same contracts.
func TestContractsFromSourceAreThoseOfTheLibrary(t *testing.T) {
	t.Parallel()
	found, err := load([]string{core + "tasks/...", core + "observe", core + "internal/faults"})
	if err != nil {
		t.Fatal(err)
	}
	static := map[string]string{}
	for _, f := range found.functions {
		static[f.contract.Name] = f.contract.String()
	}
	registered := gocore.Functions()
	if len(static) != len(registered) {
		t.Errorf("%d functions in the source, %d in the library", len(static), len(registered))
	}
	for _, f := range registered {
		if static[f.Name] != f.Contract.String() {
			t.Errorf("%s is\n%s in the library and\n%s in the source", f.Name, f.Contract.String(), static[f.Name])
		}
	}
}

// Every mistake is reported at once, each with its file and line and what to
// do instead.
func TestMistakesAreNamedWithFileAndLine(t *testing.T) {
	t.Parallel()
	_, err := load([]string{"./testdata/bad"})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{
		"the name must be a constant string",
		"has no comment, which becomes the docstring",
		"field C: type chan int cannot cross",
		"field B: it has no default but follows A",
		"contains itself",
		"the arguments must be a struct, not int",
		"register a named function",
		"field N: the option path is for string",
		`unknown option "optional" in its gostitch tag (known: path, default=)`,
		"field M: map key int cannot cross; use string keys",
		"field V: type any cannot cross",
		"bad.four: result: ",
		"bad.stream: result: ",
		"bad.callback: question: ",
		"an error code is a constant string",
		`the code "timeout" is one of gostitch's own`,
		`the code "Two words" must be lower-case letters`,
		"SystemExit is not a built-in exception of Python that can be a base",
		`"lower" cannot be a class in Python; write it like OutOfStockError`,
	} {
		line := lineWith(err.Error(), want)
		if !strings.Contains(line, "bad.go:") {
			t.Errorf("%q is missing, or without its place, in\n%v", want, err)
		}
	}
}

func lineWith(text, part string) string {
	for line := range strings.SplitSeq(text, "\n") {
		if strings.Contains(line, part) {
			return line
		}
	}
	return ""
}

// Names and defaults that Python could not spell are refused.
func TestNamesThatPythonCannotSpell(t *testing.T) {
	t.Parallel()
	for dir, want := range map[string]string{
		"keyword":  `"class" is a Python keyword`,
		"reserved": `"timeout" is a parameter of every function`,
		"defaults": `the default "many" of A does not fit`,
	} {
		found, err := load([]string{"./testdata/" + dir})
		if err == nil {
			_, err = emit(found, "")
		}
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), dir+".go:") {
			t.Errorf("%s: got %v, want ...%s...", dir, err, want)
		}
	}
}

// The module that is written compiles as Python.
func TestTheModuleIsPython(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "generated.py")
	if err := run(options{out: out, patterns: []string{core + "internal/faults"}}); err != nil {
		t.Fatal(err)
	}
	if text, err := exec.Command("python3", "-m", "py_compile", out).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
}

// Check tells a stale file from a fresh one and writes nothing.
func TestCheck(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "generated.py")
	patterns := []string{core + "observe"}
	if err := run(options{out: out, patterns: patterns}); err != nil {
		t.Fatal(err)
	}
	if err := run(options{out: out, check: true, patterns: patterns}); err != nil {
		t.Errorf("a fresh file is stale: %v", err)
	}
	stale := []byte("# something else\n")
	if err := os.WriteFile(out, stale, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := run(options{out: out, check: true, patterns: patterns}); err == nil || !strings.Contains(err.Error(), "make gen") {
		t.Errorf("a stale file gave %v", err)
	}
	if text, _ := os.ReadFile(out); string(text) != string(stale) {
		t.Error("check wrote the file")
	}
}

// A Go comment becomes a sentence below the Python name.
func TestWithoutSubject(t *testing.T) {
	t.Parallel()
	for doc, want := range map[string]string{
		"Root is the directory.":    "The directory.",
		"Sum hashes a tree.":        "Hashes a tree.",
		"Ignored files are listed.": "Ignored files are listed.",
		"":                          "",
	} {
		name, _, _ := strings.Cut(doc, " ")
		if name == "Ignored" {
			name = "Ignore"
		}
		if got := withoutSubject(doc, name); got != want {
			t.Errorf("%q became %q, want %q", doc, got, want)
		}
	}
}

// The main package calls the Register functions, imports what registers by
// init, and has the task library if wanted; the list says where each function is
// registered.
func TestWiring(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	o := options{
		out: filepath.Join(dir, "generated.py"), main: filepath.Join(dir, "main.go"), list: filepath.Join(dir, "list.json"),
		library: "libmine.so", tasks: true, patterns: []string{"./testdata/guarded", "./testdata/unguarded"},
	}
	if err := run(o); err != nil {
		t.Fatal(err)
	}
	for file, wants := range map[string][]string{
		o.main: {
			"_ \"" + core + "tasks\"",
			"own0 \"" + core + "cmd/gostitch-gen/testdata/guarded\"",
			"_ \"" + core + "cmd/gostitch-gen/testdata/unguarded\"",
			"library.Add(\"" + core + "cmd/gostitch-gen/testdata/guarded\", own0.Register)",
		},
		o.list: {`{"name":"guarded.one","place":"testdata/guarded/guarded.go:`},
		o.out:  {`_go.library(__name__, __file__, "libmine.so")`},
	} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range wants {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s lacks %s:\n%s", file, want, text)
			}
		}
	}
}
