// Package archtest keeps the rules of the house: who may import whom, which
// symbols the library must have, and that no test can be skipped unseen.
package archtest

import (
	"debug/elf"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/gostitch/gostitch/"

// rule forbids imports to a package and, if it ends in "/...", those below it.
type rule struct {
	pkg    string
	forbid []string
	reason string
}

var rules = []rule{
	{"gocore", []string{"C", "go.opentelemetry.io/", "github.com/getsentry/", module + "gocore/cabi", module + "gocore/library", module + "gocore/observe", module + "gocore/tasks"},
		"the core runs, and is tested, without C, observers and tasks"},
	{"gocore/codec", []string{"C", module + "gocore"},
		"the codec is a leaf: values and bytes"},
	{"gocore/table", []string{"C", module + "gocore"},
		"plain inside: useful in a program that never heard of gostitch"},
	{"gocore/cabi", []string{"go.opentelemetry.io/", "github.com/getsentry/", module + "gocore/observe", module + "gocore/tasks"},
		"the door knows calls, not features"},
	{"gocore/observe", []string{"C", module + "gocore/cabi", module + "gocore/tasks"},
		"siblings are strangers; observers are guests of the core"},
	{"gocore/library", []string{"C", module + "gocore/tasks"},
		"it wires what every library has; the tasks are a choice"},
	{"gocore/tasks", []string{"C", module + "gocore/cabi", module + "gocore/observe"},
		"siblings are strangers; tasks register through the public API alone"},
	{"gocore/tasks/archive", []string{"C", module + "gocore"},
		"plain inside: useful in a program that never heard of gostitch"},
	{"gocore/tasks/fetch", []string{"C", module + "gocore", "go.opentelemetry.io/"},
		"plain inside: useful in a program that never heard of gostitch"},
	{"gocore/tasks/hashtree", []string{"C", module + "gocore"},
		"plain inside: useful in a program that never heard of gostitch"},
	{"gocore/tasks/internal/...", []string{"C", module + "gocore"},
		"plain inside: useful in a program that never heard of gostitch"},
}

// allowed are imports below a forbidden path that are no breach: the helpers
// that tasks share, and tables, which know nothing of gostitch either.
var allowed = []string{module + "gocore/tasks/internal/", module + "gocore/table"}

func root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..", "..")
}

// Each package imports only what its room may know.
func TestImports(t *testing.T) {
	t.Parallel()
	for _, r := range rules {
		dirs := packagesOf(t, r.pkg)
		if len(dirs) == 0 {
			t.Errorf("the rule for %s guards nothing: has the package moved?", r.pkg)
		}
		for _, dir := range dirs {
			for file, imports := range importsOf(t, dir) {
				for _, path := range imports {
					if breaks(path, r.forbid) {
						t.Errorf("%s imports %s: %s", file, path, r.reason)
					}
				}
			}
		}
	}
}

func breaks(path string, forbidden []string) bool {
	for _, allowedPrefix := range allowed {
		if strings.HasPrefix(path, allowedPrefix) {
			return false
		}
	}
	return slices.ContainsFunc(forbidden, func(f string) bool {
		return path == f || strings.HasPrefix(path, strings.TrimSuffix(f, "/")+"/")
	})
}

// Only the door imports "C".
func TestOnlyTheDoorImportsC(t *testing.T) {
	t.Parallel()
	for _, dir := range packagesOf(t, "gocore/...") {
		for file, imports := range importsOf(t, dir) {
			if slices.Contains(imports, "C") && !strings.HasSuffix(dir, filepath.Join("gocore", "cabi")) {
				t.Errorf("%s imports C; only gocore/cabi may", file)
			}
		}
	}
}

// Wiring is the only job of a command that becomes a library.
func TestLibrariesAreWiringOnly(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"libgostitch", "libfaults", "libbare"} {
		text, err := os.ReadFile(filepath.Join(root(), "gocore", "cmd", command, "main.go"))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Count(string(text), "func ") != 1 || !strings.Contains(string(text), "func main() {}") {
			t.Errorf("%s does more than import", command)
		}
	}
}

// The header, the exports and the loader name the same functions.
func TestHeaderExportsAndLoaderAgree(t *testing.T) {
	t.Parallel()
	read := func(path string) string {
		text, err := os.ReadFile(filepath.Join(root(), path))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	names := func(text, pattern string) []string {
		var found []string
		for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
			found = append(found, match[1])
		}
		slices.Sort(found)
		return slices.Compact(found)
	}
	declared := names(read("gocore/cabi/gostitch.h"), `(?m)^(?:int32_t|int64_t|uint64_t|void) (gostitch_\w+)\(`)
	var sources string
	for _, file := range []string{"abi.go", "buffer.go", "pending.go", "process.go"} {
		sources += read("gocore/cabi/" + file)
	}
	exported := names(sources, `(?m)^//export (gostitch_\w+)$`)
	exported = append(exported, names(read("gocore/cabi/signals.c"), `(?m)^int64_t (gostitch_\w+)\(`)...)
	slices.Sort(exported)
	loaded := names(read("python/native/library.c"), `\{"(gostitch_\w+)"`)
	if len(declared) != 12 || !slices.Equal(declared, exported) || !slices.Equal(declared, loaded) {
		t.Errorf("declared %v\nexported %v\nloaded   %v", declared, exported, loaded)
	}
}

// The built library has every function of the header as a symbol; a function
// that is declared but not exported would build silently.
func TestSymbols(t *testing.T) {
	t.Parallel()
	library := filepath.Join(t.TempDir(), "lib.so")
	build := exec.Command("go", "build", "-buildmode=c-shared", "-o", library, "./gocore/cmd/libgostitch")
	build.Dir = root()
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	file, err := elf.Open(library)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	symbols, err := file.DynamicSymbols()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"open", "catalogue", "call", "queue", "submit", "send", "cancel", "drain", "release", "stats", "close", "block"} {
		if !slices.ContainsFunc(symbols, func(s elf.Symbol) bool { return s.Name == "gostitch_"+name }) {
			t.Errorf("gostitch_%s is not exported", name)
		}
	}
}

// No Go test skips: what cannot run must be built so that it can.
func TestNothingIsSkipped(t *testing.T) {
	t.Parallel()
	skip := "t." + "Skip"
	for _, dir := range packagesOf(t, "gocore/...") {
		files, _ := filepath.Glob(filepath.Join(dir, "*_test.go"))
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(text), skip) {
				t.Errorf("%s skips a test", file)
			}
		}
	}
}

// packagesOf gives the directories of a package, or of all below it.
func packagesOf(t *testing.T, pkg string) []string {
	t.Helper()
	base, all := strings.CutSuffix(pkg, "/...")
	top := filepath.Join(root(), filepath.FromSlash(base))
	var dirs []string
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if d.Name() == "testdata" || !all && path != top {
			return filepath.SkipDir
		}
		if files, _ := filepath.Glob(filepath.Join(path, "*.go")); len(files) > 0 {
			dirs = append(dirs, path)
		}
		return nil
	})
	if err != nil {
		return nil
	}
	return dirs
}

// importsOf gives the imports of each file of a package, tests left out.
func importsOf(t *testing.T, dir string) map[string][]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	imports := map[string][]string{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range parsed.Imports {
			imports[file] = append(imports[file], strings.Trim(spec.Path.Value, `"`))
		}
	}
	return imports
}
