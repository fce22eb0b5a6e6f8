package ignore

import "strings"

// name is the part of a pattern between two slashes.
type name struct {
	anyDirs bool    // exactly "**"
	literal string  // the whole name where there is no wildcard
	suffix  string  // "*" and then this, the commonest wildcard by far
	tokens  []token // everything else
}

type kind byte

const (
	one  kind = iota // the character lo
	any1             // "?"
	many             // "*"
	set              // "[...]"
)

// token is one step of a wildcard name.
type token struct {
	kind   kind
	char   rune
	negate bool
	ranges [][2]rune
}

func parseName(text string) (name, string) {
	switch text {
	case "":
		return name{}, "holds an empty name (two slashes in a row)"
	case ".", "..":
		return name{}, `holds "." or "..", which never matches`
	case "**":
		return name{anyDirs: true}, ""
	}
	if !strings.ContainsAny(text, `*?[\`) {
		return name{literal: text}, ""
	}
	if rest := text[1:]; text[0] == '*' && rest != "" && !strings.ContainsAny(rest, `*?[\`) {
		return name{suffix: rest}, ""
	}
	var n name
	for text != "" {
		t, size, err := parseToken(text)
		if err != "" {
			return name{}, err
		}
		text = text[size:]
		if last := len(n.tokens) - 1; t.kind == many && last >= 0 && n.tokens[last].kind == many {
			continue
		}
		n.tokens = append(n.tokens, t)
	}
	return n, ""
}

func parseToken(text string) (token, int, string) {
	switch text[0] {
	case '*':
		return token{kind: many}, 1, ""
	case '?':
		return token{kind: any1}, 1, ""
	case '[':
		return parseSet(text)
	case '\\':
		if len(text) == 1 {
			return token{}, 0, `ends in a single "\"`
		}
		r, size := decode(text[1:])
		return token{kind: one, char: r}, 1 + size, ""
	}
	r, size := decode(text)
	return token{kind: one, char: r}, size, ""
}

// parseSet reads "[...]". As in fnmatch(3) a "]" in the first place is a
// member, and "-" is one in the first and the last place.
func parseSet(text string) (token, int, string) {
	const unclosed = `holds a "[" that is not closed (write "\[" for a plain one)`
	t := token{kind: set}
	at := 1
	if at < len(text) && (text[at] == '!' || text[at] == '^') {
		t.negate = true
		at++
	}
	for first := true; ; first = false {
		if at >= len(text) {
			return t, 0, unclosed
		}
		if text[at] == ']' && !first {
			return t, at + 1, ""
		}
		lo, size := setChar(text[at:])
		if size == 0 {
			return t, 0, unclosed
		}
		at += size
		hi := lo
		if at+1 < len(text) && text[at] == '-' && text[at+1] != ']' {
			if hi, size = setChar(text[at+1:]); size == 0 {
				return t, 0, unclosed
			}
			at += 1 + size
		}
		if hi < lo {
			return t, 0, "holds a range whose end comes before its beginning"
		}
		t.ranges = append(t.ranges, [2]rune{lo, hi})
	}
}

func setChar(text string) (rune, int) {
	if text[0] != '\\' {
		return decode(text)
	}
	if len(text) == 1 {
		return 0, 0
	}
	r, size := decode(text[1:])
	return r, 1 + size
}

func (n *name) match(s string) bool {
	switch {
	case n.anyDirs:
		return true
	case n.literal != "":
		return s == n.literal
	case n.suffix != "":
		return strings.HasSuffix(s, n.suffix)
	}
	return matchTokens(n.tokens, s)
}

// matchTokens goes back to the last "*" only, so it cannot be made to take
// exponential time.
func matchTokens(tokens []token, s string) bool {
	var retryTokens []token
	var retry string
	for {
		if len(tokens) == 0 && s == "" {
			return true
		}
		if len(tokens) > 0 && tokens[0].kind == many {
			tokens = tokens[1:]
			retryTokens, retry = tokens, s
			if len(tokens) == 0 {
				return true
			}
			continue
		}
		if len(tokens) > 0 && s != "" {
			r, size := decode(s)
			if tokens[0].match(r) {
				tokens, s = tokens[1:], s[size:]
				continue
			}
		}
		if retry == "" {
			return false
		}
		_, size := decode(retry)
		retry = retry[size:]
		tokens, s = retryTokens, retry
	}
}

func (t *token) match(r rune) bool {
	switch t.kind {
	case any1:
		return true
	case one:
		return r == t.char
	}
	for _, b := range t.ranges {
		if b[0] <= r && r <= b[1] {
			return !t.negate
		}
	}
	return t.negate
}
