package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
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
		"field V: type url.URL cannot cross; use string, as its String() gives it",
		"field V: type big.Int cannot cross; use string, as its MarshalText gives",
		"field V: type atomic.Int64 cannot cross; use the plain value",
		"type **int is a pointer to a pointer",
		"type bad.Closed has no exported fields, so nothing of it would cross",
		"field inner: its type is embedded and not exported, so its field X would not cross",
		"field A: its tag `gostitch: \"a\"` is not written as Go reads it",
		"instead of the method Price of an interface",
		"instead of the variable local",
		`a name must look like "module.function"`,
		"field V: type gocore.Mutable[float64] is for a parameter, which is a field of the arguments' struct itself; use gocore.Buffer here",
		"bad.gives_mutable: result: type gocore.Mutable[int8] is for a parameter",
		"bad.lists_mutable: arguments: ",
		"field T: type gocore.Table is for results; take a gocore.Buffer for each column here",
		"bad.answer: answer: type gocore.Table is for results",
		"field ToDict: in the class BadShadow it would hide the method to_dict() that every record has in Python; give it another name in the tag",
	} {
		line := lineWith(err.Error(), want)
		if !strings.Contains(line, "bad.go:") {
			t.Errorf("%q is missing, or without its place, in\n%v", want, err)
		}
	}
}

// A function that cannot be registered does not compile; instead of what Go says
// of types that it cannot infer, the difference is named, and Go's words stay
// where they are clear.
func TestMisfitsAreNamedInsteadOfWhatGoSays(t *testing.T) {
	t.Parallel()
	_, err := load([]string{"./testdata/misfit"})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{
		"noContext has no context as its first parameter, and gocore.Register takes func(context.Context, A) (R, error); add one",
		"generic is generic",
		"5 is not a function",
		"a.B undefined",
		"undefined: nowhere",
	} {
		line := lineWith(err.Error(), want)
		if !strings.Contains(line, "misfit.go:") {
			t.Errorf("%q is missing, or without its place, in\n%v", want, err)
		}
	}
	if strings.Contains(err.Error(), "cannot infer") {
		t.Errorf("types that cannot be inferred are told of in\n%v", err)
	}
}

// Methods, generic functions with their types, named results, many fields, what
// is hidden on purpose, and types of others that are plain below, are no mistakes.
func TestUnusualFormsFit(t *testing.T) {
	t.Parallel()
	found, err := load([]string{"./testdata/fits"})
	if err != nil {
		t.Fatal(err)
	}
	contracts := map[string]string{}
	for _, f := range found.functions {
		contracts[f.goName] = f.contract.String()
	}
	for name, want := range map[string]string{
		"fits.Price":   "fits.price{a:int64}->int64",
		"fits.First":   "fits.first{a:int64}->str",
		"fits.Nothing": "fits.nothing{}->{}",
		"fits.Dict":    "fits.dict{to_dict:bool}->int64",
	} {
		if contracts[name] != want {
			t.Errorf("%s is %q, want %q", name, contracts[name], want)
		}
	}
	if want := "->{ip:bytes,header:map[list[str]],set:map[{}]}"; !strings.HasSuffix(contracts["fits.Plainly"], want) {
		t.Errorf("got %q, want ...%s", contracts["fits.Plainly"], want)
	}
	if len(found.notes) > 0 {
		t.Errorf("noted: %v", found.notes)
	}
}

// A json tag that says something else than Python will see is noted once, and
// only where no tag of ours shows that somebody thought of it.
func TestNotesOfJSONTags(t *testing.T) {
	t.Parallel()
	found, err := load([]string{"./testdata/noted"})
	if err != nil {
		t.Fatal(err)
	}
	lines := found.notes.lines()
	if len(lines) != 2 {
		t.Fatalf("got %d notes, want 2:\n%s", len(lines), strings.Join(lines, "\n"))
	}
	for i, want := range []string{
		`noted.go:12:2: note: UserName is user_name in Python, for a json tag names it in JSON alone; add the tag gostitch:"login"`,
		`noted.go:13:2: note: Password crosses as password, for a json tag hides it from JSON alone; add the tag gostitch:"-"`,
	} {
		if !strings.Contains(lines[i], want) {
			t.Errorf("got %q, want ...%s...", lines[i], want)
		}
	}
}

// What takes long says so in Python, whether it sends messages or not; a directive
// above a function that is not registered is noted.
func TestLongFunctions(t *testing.T) {
	t.Parallel()
	found, err := load([]string{"./testdata/long"})
	if err != nil {
		t.Fatal(err)
	}
	text, err := emit(found, "")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"long.slow": true, "long.told": true, "long.quick": false} {
		_, rest, _ := strings.Cut(string(text), strconv.Quote(name))
		if decorator, _, _ := strings.Cut(rest, "def "); strings.Contains(decorator, "    long=True,\n") != want {
			t.Errorf("%s: long is not %v in\n%s", name, want, decorator)
		}
	}
	if strings.Contains(string(text), "gostitch:long") {
		t.Errorf("the directive is in\n%s", text)
	}
	lines := found.notes.lines()
	if len(lines) != 1 || !strings.Contains(lines[0], "long.go:28:1: note: ") || !strings.Contains(lines[0], "helper has //gostitch:long and is not registered") {
		t.Errorf("noted: %q", lines)
	}
}

// A directive that says nothing is refused where it stands, with what to do.
func TestLongWhereItSaysNothing(t *testing.T) {
	t.Parallel()
	_, err := load([]string{"./testdata/longer"})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{
		"longer.go:13:1: //gostitch:long stands above no function; put it into the comment above the function that is registered",
		"longer.go:18:1: //gostitch:long takes no words",
		"longer.go:35:2: //gostitch:long stands above no function",
		"longer.stream: what gocore.RegisterStream registers is never run on Python's main thread",
		"longer.ask: what gocore.RegisterCallback registers is never run on Python's main thread",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in\n%v", want, err)
		}
	}
}

// Go names the place where a buffer has items that it cannot hold; what to use
// instead is said as well.
func TestItemsThatNoBufferHolds(t *testing.T) {
	t.Parallel()
	_, err := load([]string{"./testdata/items"})
	if err == nil {
		t.Fatal("accepted")
	}
	for line, item := range map[string]string{"items.go:13:22: ": "string", "items.go:14:23: ": "time.Time", "items.go:15:22: ": "[2]float64"} {
		if want := line + item + " cannot be an item of a buffer, which holds bool, integers or floats; use []" + item; !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in\n%v", want, err)
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
		"written":  `the default "" of A does not fit: what a function writes to has no default; make it a pointer with default=None`,
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
