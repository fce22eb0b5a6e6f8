package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/gostitch/gostitch/gocore/codec"
)

// pythonKeywords cannot name a parameter.
var pythonKeywords = strings.Fields("False None True and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield")

// reservedNames are parameters that every function has.
var reservedNames = []string{"self", "timeout", "in_flight", "args", "beside"}

// checkNames refuses what Python could not spell or would misread.
func checkNames(f *function) error {
	names := append(f.names(), f.pythonName())
	if f.message != nil {
		names = append(names, f.messageName)
	}
	for i, name := range names {
		switch {
		case slices.Contains(pythonKeywords, name):
			return fmt.Errorf("%q is a Python keyword; choose another name in the tag", name)
		case slices.Contains(reservedNames, name):
			return fmt.Errorf("%q is a parameter of every function; choose another name in the tag", name)
		case slices.Contains(names[:i], name):
			return fmt.Errorf("two parameters are called %q; choose another name in the tag", name)
		}
	}
	for _, field := range f.args.fields {
		if !field.HasDefault {
			continue
		}
		if _, err := literal(&field, false); err != nil {
			return err
		}
	}
	return nil
}

// literal gives a default as Python source. A class needs a factory where a
// parameter may share an empty value.
func literal(field *pyField, inClass bool) (string, error) {
	text := field.Default
	var err error
	switch field.typ.schema.Kind {
	case codec.KindString:
		return strconv.Quote(text), nil
	case codec.KindBytes:
		return "b" + strconv.Quote(text), nil
	case codec.KindBool:
		var value bool
		if value, err = strconv.ParseBool(text); err == nil {
			if value {
				return "True", nil
			}
			return "False", nil
		}
	case codec.KindInt, codec.KindUint:
		if _, err = strconv.ParseInt(text, 10, 64); err == nil {
			return text, nil
		}
	case codec.KindFloat:
		if _, err = strconv.ParseFloat(text, 64); err == nil {
			if !strings.ContainsAny(text, ".eE") {
				text += ".0"
			}
			return text, nil
		}
	case codec.KindOptional:
		if text == "None" {
			return "None", nil
		}
		err = fmt.Errorf("an optional can only default to None")
	case codec.KindList:
		if text == "" {
			return "()", nil
		}
		err = fmt.Errorf("a list can only default to nothing (write default=)")
	case codec.KindMap:
		if text == "" && inClass {
			return "msgspec.field(default_factory=dict)", nil
		}
		if text == "" {
			return "{}", nil
		}
		err = fmt.Errorf("a map can only default to nothing (write default=)")
	default:
		err = fmt.Errorf("a struct has no default; make it a pointer with default=None")
	}
	return "", fmt.Errorf("the default %q of %s does not fit: %w", text, field.goName, err)
}

var scalarNames = map[codec.Kind]string{
	codec.KindBool: "bool", codec.KindInt: "int", codec.KindUint: "int", codec.KindFloat: "float", codec.KindString: "str",
}

// annotation gives the Python type of a parameter (argument) or a result.
func annotation(t *pyType, argument bool, path ...bool) string {
	if argument && len(path) > 0 && path[0] {
		if t.schema.Kind == codec.KindOptional {
			return "str | os.PathLike[str] | None"
		}
		return "str | os.PathLike[str]"
	}
	switch t.schema.Kind {
	case codec.KindBytes:
		if argument {
			return "Bytes"
		}
		return "memoryview"
	case codec.KindList:
		if argument {
			return "Sequence[" + annotation(t.elem, true) + "]"
		}
		return "list[" + annotation(t.elem, false) + "]"
	case codec.KindMap:
		if argument {
			return "Mapping[str, " + annotation(t.elem, true) + "]"
		}
		return "dict[str, " + annotation(t.elem, false) + "]"
	case codec.KindOptional:
		return annotation(t.elem, argument) + " | None"
	case codec.KindStruct:
		if len(t.record.fields) == 0 {
			return "None"
		}
		if argument {
			return t.record.name + " | Mapping[str, object]"
		}
		return t.record.name
	default:
		return scalarNames[t.schema.Kind]
	}
}

// runtimeType gives the type that the reply is decoded to, as an expression.
func runtimeType(t *pyType) string { return annotation(t, false) }

// conversion gives the expression that turns a parameter into what crosses.
func conversion(f *function, field *pyField) string {
	where := fmt.Sprintf("%q, %q", f.contract.Name, field.Name)
	t := field.typ
	optional := t.schema.Kind == codec.KindOptional
	if optional {
		t = t.elem
	}
	var text string
	switch {
	case field.Path:
		text = fmt.Sprintf("path_argument(%s, %s)", field.Name, where)
	case t.schema.Kind == codec.KindBytes:
		text = fmt.Sprintf("bytes_argument(%s, beside, %s)", field.Name, where)
	case t.schema.Kind == codec.KindList && t.elem.record != nil:
		text = fmt.Sprintf("list_argument(%s, %s, %s)", field.Name, where, recordSpec(t.elem.record))
	case t.schema.Kind == codec.KindList:
		text = fmt.Sprintf("list_argument(%s, %s)", field.Name, where)
	case t.schema.Kind == codec.KindMap:
		text = fmt.Sprintf("map_argument(%s, %s)", field.Name, where)
	case t.schema.Kind == codec.KindStruct:
		text = fmt.Sprintf("record_argument(%s, %s, %s)", field.Name, where, recordSpec(t.record))
	default:
		return field.Name
	}
	if optional {
		return fmt.Sprintf("None if %s is None else %s", field.Name, text)
	}
	return text
}

// recordSpec gives the class and the names of its path fields.
func recordSpec(r *pyStruct) string {
	var paths []string
	for _, field := range r.fields {
		if field.Path {
			paths = append(paths, strconv.Quote(field.Name))
		}
	}
	if len(paths) == 0 {
		return r.name
	}
	return r.name + ", " + tuple(paths)
}

// docstring is a Python docstring under construction.
type docstring struct {
	text     string
	sections []string
}

// docWidth is where docstring lines wrap, without the indent.
const docWidth = 88

func (f *function) docstring() *docstring {
	goName := f.goName[strings.IndexByte(f.goName, '.')+1:]
	d := &docstring{text: withoutSubject(f.doc, goName)}
	d.section("Args", f.args.fields)
	last := len(d.sections) - 1
	if last < 0 {
		d.sections, last = append(d.sections, "Args:"), 0
	}
	if f.message != nil {
		d.sections[last] += item(f.messageName, "Called with each message the function sends while it runs, on the thread that waits (or on the event loop). An exception in it cancels the call and is raised.")
	}
	d.sections[last] += item("timeout", "Seconds after which the function's context ends; None waits for ever.")
	return d
}

func (d *docstring) section(title string, fields []pyField) {
	if len(fields) == 0 {
		return
	}
	text := title + ":"
	for _, field := range fields {
		text += item(field.Name, withoutSubject(field.doc, field.goName))
	}
	d.sections = append(d.sections, text)
}

func item(name, text string) string {
	return "\n" + wrap(name+": "+strings.Join(strings.Fields(text), " "), docWidth-4, "    ", "        ")
}

func (d *docstring) write(w *strings.Builder, indent string) {
	parts := []string{}
	for _, paragraph := range strings.Split(strings.TrimSpace(d.text), "\n\n") {
		if strings.HasPrefix(paragraph, "\t") || strings.HasPrefix(paragraph, "  ") {
			parts = append(parts, paragraph) // a listing keeps its lines
			continue
		}
		parts = append(parts, wrap(strings.Join(strings.Fields(paragraph), " "), docWidth, "", ""))
	}
	text := strings.Join(append(parts, d.sections...), "\n\n")
	text = strings.ReplaceAll(strings.ReplaceAll(text, `\`, `\\`), `"""`, `\"\"\"`)
	fmt.Fprintf(w, "%s\"\"\"", indent)
	for i, line := range strings.Split(text, "\n") {
		if i > 0 {
			w.WriteByte('\n')
			if line != "" {
				w.WriteString(indent)
			}
		}
		w.WriteString(strings.TrimRight(strings.ReplaceAll(line, "\t", "    "), " "))
	}
	if strings.Contains(text, "\n") {
		fmt.Fprintf(w, "\n%s", indent)
	}
	w.WriteString("\"\"\"\n")
}

// wrap breaks text at spaces; the first line has one indent, the others
// another.
func wrap(text string, width int, first, rest string) string {
	var lines []string
	line := first
	for _, word := range strings.Fields(text) {
		if len(line)+1+len(word) > width && strings.TrimSpace(line) != "" {
			lines = append(lines, line)
			line = rest
		}
		if strings.TrimSpace(line) != "" {
			line += " "
		}
		line += word
	}
	return strings.Join(append(lines, line), "\n")
}

// withoutSubject turns a Go comment, which begins with the name of what it
// describes, into a sentence that stands below the Python name: "Root is the
// directory" becomes "The directory", "Sum hashes" becomes "Hashes".
func withoutSubject(doc, name string) string {
	text := strings.TrimSpace(doc)
	rest, found := strings.CutPrefix(text, name+" ")
	if !found || name == "" {
		return text
	}
	for _, verb := range []string{"is ", "are "} {
		rest = strings.TrimPrefix(rest, verb)
	}
	runes := []rune(rest)
	runes[0] = unicode.ToUpper(runes[0])
	return string(runes)
}

// shortName is the first word of a comment: the type it describes.
func shortName(doc string) string {
	name, _, _ := strings.Cut(strings.TrimSpace(doc), " ")
	return name
}
