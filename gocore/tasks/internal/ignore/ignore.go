// Package ignore decides which entries of a directory tree a task leaves out,
// by patterns in the manner of .gitignore.
//
// It knows paths and patterns only; it never touches a file system. The rules:
//
//   - A pattern is taken literally, without comments or trimming. It is a list
//     of names separated by "/".
//   - A pattern with no "/" except perhaps at its end matches a name at any
//     depth: "*.pyc", "__pycache__/". Any other pattern is matched against the
//     whole path below the root: "/build", "docs/*.html".
//   - A pattern that ends in "/" matches directories only (and never a
//     symbolic link, even one to a directory).
//   - "*" is any run of characters in one name, "?" is one character, "[a-z]"
//     is one character of a set, "[!a-z]" or "[^a-z]" one outside of it, and
//     "\" makes the next character plain. None of them matches "/". Names that
//     begin with a dot are not special.
//   - A name that is exactly "**" stands for any number of directories:
//     "**/x" is x at any depth, "a/**/b" is b anywhere below a, and "a/**" is
//     everything below a, but not a itself. Elsewhere "**" means "*".
//   - A character is a UTF-8 code point, or one byte where a name is not UTF-8.
//   - The root itself is never ignored. What is inside an ignored directory is
//     ignored with it. Patterns have no order: one match is enough, and there
//     is no negation, so a leading "!" is refused (write "\!" for a name that
//     begins so).
package ignore

import (
	"strings"
	"unicode/utf8"

	"github.com/gostitch/gostitch/gocore/tasks/internal/failure"
)

// argument is the Python name under which every task takes patterns.
const argument = "ignore"

// Matcher holds compiled patterns. The zero value and nil ignore nothing. It is
// immutable after Compile and safe for concurrent use.
type Matcher struct {
	anywhere []pattern
	anchored []pattern
}

// pattern is one compiled pattern: the names between its slashes.
type pattern struct {
	names   []name
	dirOnly bool
}

// Compile checks and compiles patterns. A malformed one gives an
// invalid_argument failure that names the argument and quotes the pattern.
func Compile(patterns []string) (*Matcher, error) {
	m := &Matcher{}
	for _, text := range patterns {
		p, anchored, err := parse(text)
		if err != "" {
			return nil, failure.Argument(argument, "pattern %q %s", text, err)
		}
		if anchored {
			m.anchored = append(m.anchored, p)
		} else {
			m.anywhere = append(m.anywhere, p)
		}
	}
	return m, nil
}

// Empty tells that no entry can match.
func (m *Matcher) Empty() bool {
	return m == nil || len(m.anywhere)+len(m.anchored) == 0
}

// Match tells whether the entry at path, relative to the root, separated by
// "/", is ignored. It looks at this entry alone: the caller does not descend
// into an ignored directory.
func (m *Matcher) Match(path string, isDir bool) bool {
	if m.Empty() {
		return false
	}
	base := path[strings.LastIndexByte(path, '/')+1:]
	for i := range m.anywhere {
		p := &m.anywhere[i]
		if (isDir || !p.dirOnly) && p.names[0].match(base) {
			return true
		}
	}
	for i := range m.anchored {
		p := &m.anchored[i]
		if (isDir || !p.dirOnly) && matchNames(p.names, path) {
			return true
		}
	}
	return false
}

// matchNames matches a path against names. Only the last "**" needs to be
// tried again, as with "*" in a single name, so the cost is at most the
// product of the two lengths.
func matchNames(names []name, path string) bool {
	rest, more := path, true
	var retryNames []name
	var retryPath string
	for {
		switch {
		case len(names) > 0 && names[0].anyDirs:
			if len(names) == 1 {
				return more // "a/**" wants something below a
			}
			names = names[1:]
			retryNames, retryPath = names, rest
			continue
		case len(names) == 0 && !more:
			return true
		case len(names) > 0 && more:
			head, tail, found := strings.Cut(rest, "/")
			if names[0].match(head) {
				names, rest, more = names[1:], tail, found
				continue
			}
		}
		if retryNames == nil {
			return false
		}
		_, tail, found := strings.Cut(retryPath, "/")
		if !found {
			return false
		}
		retryPath = tail
		names, rest, more = retryNames, tail, true
	}
}

// parse compiles one pattern, or says what is wrong with it.
func parse(text string) (p pattern, anchored bool, problem string) {
	body := text
	if strings.HasSuffix(body, "/") {
		p.dirOnly = true
		body = body[:len(body)-1]
	}
	anchored = strings.Contains(body, "/")
	body = strings.TrimPrefix(body, "/")
	switch {
	case body == "":
		return p, false, "is empty: it must hold a name"
	case strings.HasPrefix(text, "!"):
		return p, false, `begins with "!": negation is not supported (write "\!" for a name that begins so)`
	case strings.ContainsRune(text, 0):
		return p, false, "holds a NUL character"
	}
	for part := range strings.SplitSeq(body, "/") {
		n, err := parseName(part)
		if err != "" {
			return p, false, err
		}
		if n.anyDirs {
			anchored = true
		}
		p.names = append(p.names, n)
	}
	return p, anchored, ""
}

// decode reads one character of a name: a code point, or a byte that is not
// part of one, made distinct from the code point of the same number.
func decode(s string) (rune, int) {
	r, size := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError && size == 1 {
		return rawByte + rune(s[0]), 1
	}
	return r, size
}

// rawByte lifts bytes that are not UTF-8 above all code points.
const rawByte = utf8.MaxRune + 1
