package main

import (
	"fmt"
	"go/constant"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/gostitch/gostitch/gocore/codec"
)

// pythonKeywords cannot name a parameter.
var pythonKeywords = strings.Fields("False None True and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield")

// reservedNames are parameters that every function has.
var reservedNames = []string{"timeout", "in_flight"}

// checkNames refuses what Python could not spell or would misread.
func checkNames(f *function) error {
	names := []string{f.pythonName()}
	for _, field := range f.args.fields {
		names = append(names, field.Name)
	}
	if f.message != nil || f.question != nil {
		names = append(names, f.callable)
	}
	for i, name := range names {
		if err := checkName(name); err != nil {
			return err
		}
		if i > 1 && slices.Contains(names[1:i], name) {
			return fmt.Errorf("two parameters are called %q; choose another name in the tag", name)
		}
		if i > 0 && slices.Contains(reservedNames, name) {
			return fmt.Errorf("%q is a parameter of every function; choose another name in the tag", name)
		}
	}
	return checkFields(f.args.fields)
}

func checkFields(fields []pyField) error {
	for _, field := range fields {
		if err := checkName(field.Name); err != nil {
			return err
		}
		if !field.HasDefault {
			continue
		}
		if _, err := literal(&field); err != nil {
			return err
		}
	}
	return nil
}

var identifier = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)

func checkName(name string) error {
	switch {
	case slices.Contains(pythonKeywords, name):
		return fmt.Errorf("%q is a Python keyword; choose another name in the tag", name)
	case !identifier.MatchString(name):
		return fmt.Errorf("%q cannot be a name in Python; choose another in the tag, of letters, digits and underscores", name)
	}
	return nil
}

// freshDefaults are made anew for each record, which may be changed.
var freshDefaults = map[codec.Kind]string{codec.KindList: "[]", codec.KindMap: "{}"}

// literal gives a default as Python source, for a parameter that nobody changes.
func literal(field *pyField) (string, error) {
	text := field.Default
	if field.typ.enum != nil {
		return enumLiteral(field)
	}
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
	case codec.KindInt:
		if _, err = strconv.ParseInt(text, 10, field.typ.schema.Bits); err == nil {
			return text, nil
		}
	case codec.KindUint:
		if _, err = strconv.ParseUint(text, 10, field.typ.schema.Bits); err == nil {
			return text, nil
		}
	case codec.KindFloat:
		if _, err = strconv.ParseFloat(text, field.typ.schema.Bits); err == nil {
			if !strings.ContainsAny(text, ".eE") {
				text += ".0"
			}
			return text, nil
		}
	case codec.KindDuration:
		var value time.Duration
		if value, err = time.ParseDuration(text); err == nil {
			return "_datetime.timedelta(seconds=" + strconv.FormatFloat(value.Seconds(), 'f', -1, 64) + ")", nil
		}
	case codec.KindTime:
		err = fmt.Errorf("a time has no default; make it a pointer with default=None")
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
		if text == "" {
			return "{}", nil
		}
		err = fmt.Errorf("a map can only default to nothing (write default=)")
	case codec.KindBuffer:
		if text == "" {
			return `b""`, nil
		}
		err = fmt.Errorf("a buffer can only default to nothing (write default=)")
	case codec.KindMutable:
		err = fmt.Errorf("what a function writes to has no default; make it a pointer with default=None")
	default:
		err = fmt.Errorf("a struct has no default; make it a pointer with default=None")
	}
	return "", fmt.Errorf("the default %q of %s does not fit: %w", text, field.goName, err)
}

// enumLiteral gives the member that a default names by its value.
func enumLiteral(field *pyField) (string, error) {
	for _, member := range field.typ.enum.members {
		if member.plain() == field.Default {
			return field.typ.enum.name + "." + member.name, nil
		}
	}
	return "", fmt.Errorf("the default %q of %s is the value of no constant of its type", field.Default, field.goName)
}

func (m pyMember) isText() bool { return m.value.Kind() == constant.String }

// plain gives the value as a tag writes it.
func (m pyMember) plain() string {
	if m.isText() {
		return constant.StringVal(m.value)
	}
	return m.value.ExactString()
}

// literal gives the value as Python source.
func (m pyMember) literal() string {
	if m.isText() {
		return strconv.Quote(constant.StringVal(m.value))
	}
	return m.value.ExactString()
}

// literals gives the type of the values themselves, which may be given for the members.
func (e *pyEnum) literals() string {
	var values []string
	for _, member := range e.members {
		values = append(values, member.literal())
	}
	return "_typing.Literal[" + strings.Join(values, ", ") + "]"
}

var scalarNames = map[codec.Kind]string{
	codec.KindBool: "bool", codec.KindInt: "int", codec.KindUint: "int", codec.KindFloat: "float", codec.KindString: "str",
}

// builtin gives the name of a built-in type, in full where something else has
// that name.
func (m *module) builtin(name string) string {
	if m.taken[name] || m.inside[name] {
		return "_builtins." + name
	}
	return name
}

// path gives the annotation of a path that is given.
func (m *module) path() string {
	return m.builtin("str") + " | _os.PathLike[" + m.builtin("str") + "]"
}

// annotation gives the Python type of a parameter (argument) or a result.
func (m *module) annotation(t *pyType, argument, path bool) string {
	if t.enum != nil {
		if argument {
			return t.enum.name + " | " + t.enum.literals()
		}
		return t.enum.name
	}
	switch t.schema.Kind {
	case codec.KindString:
		if argument && path {
			return m.path()
		}
		return m.builtin("str")
	case codec.KindBytes:
		if argument {
			return "_go.Bytes"
		}
		return m.builtin("bytes")
	case codec.KindTable:
		return "_go.Table"
	case codec.KindBuffer:
		if argument {
			return "_go.Buffer"
		}
		return "_go.View[" + m.annotation(t.elem, false, false) + "]"
	case codec.KindMutable:
		return "_go.WritableBuffer"
	case codec.KindTime:
		return "_datetime.datetime"
	case codec.KindDuration:
		return "_datetime.timedelta"
	case codec.KindList:
		if argument {
			return "_abc.Iterable[" + m.annotation(t.elem, true, path) + "]"
		}
		return m.builtin("list") + "[" + m.annotation(t.elem, false, false) + "]"
	case codec.KindMap:
		if argument {
			return "_abc.Mapping[" + m.builtin("str") + ", " + m.annotation(t.elem, true, path) + "]"
		}
		return m.builtin("dict") + "[" + m.builtin("str") + ", " + m.annotation(t.elem, false, false) + "]"
	case codec.KindOptional:
		return m.annotation(t.elem, argument, path) + " | None"
	case codec.KindStruct:
		if len(t.record.fields) == 0 {
			return "None"
		}
		if argument {
			return t.record.name + " | " + dictOf(t.record)
		}
		return t.record.name
	default:
		return m.builtin(scalarNames[t.schema.Kind])
	}
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
	switch {
	case f.message != nil:
		d.sections[last] += item(f.callable, "Called with each message the function sends while it runs, on the thread that makes a plain call, or on the event loop that a submitted one was made in (without one: on a thread of gostitch). An exception in it cancels the call and is raised.")
	case f.question != nil:
		d.sections[last] += item(f.callable, "Called with each question the function asks while it runs, on the thread that makes a plain call, or on the event loop that a submitted one was made in, where it may give an awaitable (without one: on a thread of gostitch); its result is the answer. An exception in it goes to the function, and is raised by the call if the function gives up.")
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
		text += item(field.Name, withoutSubject(field.doc, field.goName)+itemsOf(field.typ))
	}
	d.sections = append(d.sections, text)
}

// itemsOf says what a buffer holds, which an annotation cannot.
func itemsOf(t *pyType) string {
	if t.schema.Kind == codec.KindOptional {
		t = t.elem
	}
	switch t.schema.Kind {
	case codec.KindBuffer:
		return " A buffer of " + t.elem.schema.String() + "."
	case codec.KindMutable:
		return " A buffer of " + t.elem.schema.String() + " that the function writes to."
	}
	return ""
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
