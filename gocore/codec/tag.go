package codec

import (
	"fmt"
	"strings"
	"unicode"
)

// TagKey is the struct tag that declares the Python face of a field:
//
//	Root   string `gostitch:"root,path"`
//	Level  *int   `gostitch:"level,default=None"`
//	Hidden int    `gostitch:"-"`
//
// The first part is the Python name (empty: the Go name in snake_case), "path"
// accepts os.PathLike and keeps bytes that are not UTF-8, and "default=…", which must come last since it takes
// all that follows, makes the argument keyword-only.
const TagKey = "gostitch"

// ParseTag reads the tag of the Go field called goName. The second result is
// false for a field that does not cross.
func ParseTag(goName, tag string) (Field, bool, error) {
	if tag == "-" {
		return Field{}, false, nil
	}
	name, rest, _ := strings.Cut(tag, ",")
	f := Field{Name: name}
	if f.Name == "" {
		f.Name = SnakeCase(goName)
	}
	for rest != "" {
		if value, found := strings.CutPrefix(rest, "default="); found {
			f.HasDefault, f.Default = true, value
			break
		}
		var option string
		option, rest, _ = strings.Cut(rest, ",")
		if option != "path" {
			return Field{}, false, fmt.Errorf("unknown option %q in its %s tag (known: path, default=)", option, TagKey)
		}
		f.Path = true
	}
	return f, true, nil
}

// SnakeCase turns a Go name into a Python one: HTTPServerURL becomes
// http_server_url.
func SnakeCase(name string) string {
	runes := []rune(name)
	var b strings.Builder
	for i, r := range runes {
		if unicode.IsUpper(r) && i > 0 {
			afterLower := !unicode.IsUpper(runes[i-1])
			beforeLower := i+1 < len(runes) && unicode.IsLower(runes[i+1])
			if (afterLower || beforeLower) && runes[i-1] != '_' {
				b.WriteByte('_')
			}
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
