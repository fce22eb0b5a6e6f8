package ignore_test

import (
	"encoding/json"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gostitch/gostitch/gocore/tasks/internal/failure"
	"github.com/gostitch/gostitch/gocore/tasks/internal/ignore"
)

// ignored tells whether a walk would leave out path: "a/b/" is a directory.
func ignored(m *ignore.Matcher, path string) bool {
	isDir := strings.HasSuffix(path, "/")
	path = strings.TrimSuffix(path, "/")
	for i, c := range path {
		if c == '/' && m.Match(path[:i], true) {
			return true
		}
	}
	return m.Match(path, isDir)
}

// Every pattern decides about every path as git 2.39 did (testdata/git.json
// was written by git check-ignore --no-index).
func TestMatchAgreesWithGit(t *testing.T) {
	t.Parallel()
	var golden struct {
		Paths   []string
		Ignored map[string][]string
	}
	data, err := os.ReadFile("testdata/git.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	for pattern, list := range golden.Ignored {
		m, err := ignore.Compile([]string{pattern})
		if err != nil {
			t.Errorf("%q: %v", pattern, err)
			continue
		}
		want := map[string]bool{}
		for _, path := range list {
			want[path] = true
		}
		for _, path := range golden.Paths {
			if path == "a/" && strings.HasSuffix(pattern, "a/**") {
				continue // git's manual says inside of a only, its tool says a too
			}
			if got := ignored(m, path); got != want[path] {
				t.Errorf("pattern %q, path %q: got %v, git says %v", pattern, path, got, want[path])
			}
		}
	}
}

// A malformed pattern is refused, with the argument's name and the pattern.
func TestCompileRefuses(t *testing.T) {
	t.Parallel()
	for name, pattern := range map[string]string{
		"an empty pattern":          "",
		"a single slash":            "/",
		"two slashes":               "//",
		"an empty name inside":      "a//b",
		"a dot name":                "./a",
		"a parent name":             "a/../b",
		"a negation":                "!a",
		"a NUL":                     "a\x00",
		"an open set":               "[a",
		"an open set that is empty": "[]",
		"an open negated set":       "a[!",
		"a set that ends in escape": `[a\`,
		"a set over a slash":        "a[/]b",
		"a range backwards":         "[z-a]",
		"a final backslash":         `a\`,
		"an open range":             "[a-",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := ignore.Compile([]string{"ok", pattern})
			var known *failure.Error
			if !errors.As(err, &known) || known.Code() != failure.CodeInvalidArgument || known.Details()["argument"] != "ignore" {
				t.Fatalf("got %v", err)
			}
		})
	}
}

// The zero Matcher and nil ignore nothing; one matching pattern of several is
// enough.
func TestMatchOfSeveralAndNone(t *testing.T) {
	t.Parallel()
	var none *ignore.Matcher
	if none.Match("a", true) || (&ignore.Matcher{}).Match("a", true) {
		t.Error("no pattern matched")
	}
	m, err := ignore.Compile([]string{"*.o", "/out/"})
	if err != nil {
		t.Fatal(err)
	}
	if !m.Match("a/b.o", false) || !m.Match("out", true) || m.Match("out", false) || m.Match("b.c", false) {
		t.Error("wrong decision")
	}
}

// A name that is not UTF-8 is matched byte by byte where it is not.
func TestMatchOfRawBytes(t *testing.T) {
	t.Parallel()
	m, err := ignore.Compile([]string{"a??b", "[\xff]x"})
	if err != nil {
		t.Fatal(err)
	}
	if !m.Match("a\xfe\xffb", false) || !m.Match("aé\xffb", false) || m.Match("aéb", false) || !m.Match("\xffx", false) || m.Match("ÿx", false) {
		t.Error("wrong decision")
	}
}

// FuzzMatch compares with a translation of the pattern to a regular
// expression, for patterns without sets, and looks for panics in all.
func FuzzMatch(f *testing.F) {
	f.Add("a/**/b", "a/x/y/b", true)
	f.Add("*a*b*c", "xaxbxc", false)
	f.Add("[!a-z]?", "1é", false)
	f.Add("**/x/**", "x/x/x", true)
	f.Fuzz(func(t *testing.T, pattern, path string, isDir bool) {
		m, err := ignore.Compile([]string{pattern})
		path = strings.Trim(path, "/")
		if err != nil || path == "" || strings.Contains(path, "//") {
			return
		}
		got := m.Match(path, isDir)
		if strings.ContainsAny(pattern, `[\`) || !utf8.ValidString(pattern) || !utf8.ValidString(path) {
			return
		}
		want := translate(pattern).MatchString(path) && (isDir || !strings.HasSuffix(pattern, "/"))
		if got != want {
			t.Errorf("pattern %q, path %q: got %v, the regular expression says %v", pattern, path, got, want)
		}
	})
}

func translate(pattern string) *regexp.Regexp {
	body := strings.TrimSuffix(pattern, "/")
	anchored := strings.Contains(body, "/") || body == "**"
	names := strings.Split(strings.TrimPrefix(body, "/"), "/")
	out := `(?s)^`
	if !anchored {
		out += `(?:.*/)?`
	}
	for i, name := range names {
		last := i == len(names)-1
		switch {
		case name == "**" && last:
			out += `.+`
		case name == "**":
			out += `(?:[^/]+/)*`
		default:
			for _, r := range name {
				switch r {
				case '*':
					out += `[^/]*`
				case '?':
					out += `[^/]`
				default:
					out += regexp.QuoteMeta(string(r))
				}
			}
			if !last {
				out += `/`
			}
		}
	}
	return regexp.MustCompile(out + `$`)
}
