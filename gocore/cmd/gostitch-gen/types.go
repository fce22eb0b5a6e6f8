package main

import (
	"fmt"
	"go/types"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"github.com/gostitch/gostitch/gocore/codec"
)

// pyType is a Go type as Python sees it.
type pyType struct {
	schema *codec.Schema
	elem   *pyType   // of a list, map or optional
	record *pyStruct // of a struct
	enum   *pyEnum   // of a named scalar with constants
}

// pyStruct is a Go struct as a Python class, or as the parameters of a
// function.
type pyStruct struct {
	name   string
	doc    string
	fields []pyField
}

// pyField is a field of a class, or a parameter.
type pyField struct {
	codec.Field
	goName string
	doc    string
	typ    *pyType
}

var basicSchemas = map[types.BasicKind]*codec.Schema{
	types.Bool:    {Kind: codec.KindBool},
	types.String:  {Kind: codec.KindString},
	types.Int:     {Kind: codec.KindInt, Bits: 64},
	types.Int8:    {Kind: codec.KindInt, Bits: 8},
	types.Int16:   {Kind: codec.KindInt, Bits: 16},
	types.Int32:   {Kind: codec.KindInt, Bits: 32},
	types.Int64:   {Kind: codec.KindInt, Bits: 64},
	types.Uint:    {Kind: codec.KindUint, Bits: 64},
	types.Uint8:   {Kind: codec.KindUint, Bits: 8},
	types.Uint16:  {Kind: codec.KindUint, Bits: 16},
	types.Uint32:  {Kind: codec.KindUint, Bits: 32},
	types.Uint64:  {Kind: codec.KindUint, Bits: 64},
	types.Float32: {Kind: codec.KindFloat, Bits: 32},
	types.Float64: {Kind: codec.KindFloat, Bits: 64},
}

// typeOf describes a type; its twin at run time is codec.Compile.
func (s *source) typeOf(t types.Type) (*pyType, error) {
	if s.open[t] {
		return nil, fmt.Errorf("type %s contains itself; recursive types cannot cross, flatten it into a list with indices", nameOf(t))
	}
	s.open[t] = true
	defer delete(s.open, t)
	switch types.TypeString(types.Unalias(t), nil) {
	case tablePath:
		if s.taken {
			return nil, fmt.Errorf("type %s is for results; take a gocore.Buffer for each column here", nameOf(t))
		}
		return &pyType{schema: &codec.Schema{Kind: codec.KindTable}}, nil
	case "time.Time":
		return &pyType{schema: &codec.Schema{Kind: codec.KindTime}}, nil
	case "time.Duration":
		return &pyType{schema: &codec.Schema{Kind: codec.KindDuration}}, nil
	}
	if kind, isBuffer := bufferKind(t); isBuffer {
		return s.bufferOf(t, kind)
	}
	switch u := t.Underlying().(type) {
	case *types.Basic:
		if schema := basicSchemas[u.Kind()]; schema != nil {
			return &pyType{schema: schema, enum: s.enumOf(t)}, nil
		}
	case *types.Slice:
		if basic, isBasic := u.Elem().Underlying().(*types.Basic); isBasic && basic.Kind() == types.Uint8 {
			return &pyType{schema: &codec.Schema{Kind: codec.KindBytes}}, nil
		}
		return s.wrap(codec.KindList, u.Elem())
	case *types.Map:
		if key, isBasic := u.Key().Underlying().(*types.Basic); !isBasic || key.Kind() != types.String {
			return nil, fmt.Errorf("map key %s cannot cross; use string keys", nameOf(u.Key()))
		}
		return s.wrap(codec.KindMap, u.Elem())
	case *types.Pointer:
		if _, isPointer := u.Elem().Underlying().(*types.Pointer); isPointer {
			return nil, fmt.Errorf("type %s is a pointer to a pointer; one pointer says optional", nameOf(t))
		}
		return s.wrap(codec.KindOptional, u.Elem())
	case *types.Struct:
		return s.structOf(t, u)
	}
	return nil, cannotCross(t)
}

// tablePath is the type of tables.
const tablePath = corePath + "/table.Table"

// codecPath is the package of the types that say how memory crosses.
const codecPath = corePath + "/codec"

// bufferOf describes a buffer, whose items are plain whatever their type is called.
func (s *source) bufferOf(t types.Type, kind codec.Kind) (*pyType, error) {
	if kind == codec.KindMutable && !s.parameter {
		return nil, fmt.Errorf("type %s is for a parameter, which is a field of the arguments' struct itself; use gocore.Buffer here", nameOf(t))
	}
	elem := basicSchemas[t.Underlying().(*types.Slice).Elem().Underlying().(*types.Basic).Kind()]
	return &pyType{schema: &codec.Schema{Kind: kind, Elem: elem}, elem: &pyType{schema: elem}}, nil
}

// bufferKind tells whether a type is codec.Buffer or codec.Mutable, and which.
func bufferKind(t types.Type) (codec.Kind, bool) {
	named, isNamed := types.Unalias(t).(*types.Named)
	if !isNamed {
		return codec.KindInvalid, false
	}
	switch keyOf(named.Obj()) {
	case codecPath + ".Buffer":
		return codec.KindBuffer, true
	case codecPath + ".Mutable":
		return codec.KindMutable, true
	}
	return codec.KindInvalid, false
}

func (s *source) wrap(kind codec.Kind, elem types.Type) (*pyType, error) {
	s.parameter = s.parameter && kind == codec.KindOptional
	e, err := s.typeOf(elem)
	if err != nil {
		return nil, err
	}
	return &pyType{schema: &codec.Schema{Kind: kind, Elem: e.schema}, elem: e}, nil
}

func (s *source) structOf(t types.Type, u *types.Struct) (*pyType, error) {
	record := &pyStruct{}
	key, at, own := "", "", true
	if named, isNamed := types.Unalias(t).(*types.Named); isNamed {
		object := named.Obj()
		key = keyOf(object)
		at = place(s.fset.Position(object.Pos())) + ": "
		own = s.isOwn(object.Pkg().Path())
		record.name = s.className(key, object)
		record.doc = s.docs[key]
	}
	schema, err := s.fieldsOf(record, u, key)
	switch {
	case !own && (err != nil || isClosed(u)):
		return nil, cannotCross(t) // where it is written nobody can correct it
	case err != nil:
		return nil, err
	case isClosed(u):
		return nil, fmt.Errorf("%stype %s has no exported fields, so nothing of it would cross; export those that Python needs, or use struct{} where there is nothing to give", at, nameOf(t))
	}
	return &pyType{schema: schema, record: record}, nil
}

// isOwn tells whether a package is of a module that is being read, and not of the
// standard library or somebody else's.
func (s *source) isOwn(path string) bool {
	for module := range s.own {
		if path == module || strings.HasPrefix(path, module+"/") {
			return true
		}
	}
	return false
}

// isClosed tells whether a struct keeps all that it has to itself. One that says
// of its fields that they do not cross has nothing for Python on purpose.
func isClosed(u *types.Struct) bool {
	closed := false
	for i := range u.NumFields() {
		field := u.Field(i)
		hidden := reflect.StructTag(u.Tag(i)).Get(codec.TagKey) == "-"
		if field.Exported() && !hidden {
			return false
		}
		closed = closed || !hidden && field.Name() != "_"
	}
	return closed
}

// recordMethods are what _record.py gives every record under a name that a field could have.
var recordMethods = []string{"to_dict"}

// fieldsOf describes the fields that cross.
func (s *source) fieldsOf(record *pyStruct, u *types.Struct, key string) (*codec.Schema, error) {
	schema := &codec.Schema{Kind: codec.KindStruct}
	arguments := s.arguments
	s.arguments = false
	for i := range u.NumFields() {
		goField, tag := u.Field(i), reflect.StructTag(u.Tag(i))
		at := place(s.fset.Position(goField.Pos()))
		text, tagged := tag.Lookup(codec.TagKey)
		if !tagged && strings.Contains(u.Tag(i), codec.TagKey) {
			return nil, fmt.Errorf("%s: field %s: its tag `%s` is not written as Go reads it; write `%s:\"...\"`, with spaces between tags only", at, goField.Name(), u.Tag(i), codec.TagKey)
		}
		if !goField.Exported() {
			if err := checkEmbedded(goField); err != nil && text != "-" {
				return nil, fmt.Errorf("%s: field %s: %w", at, goField.Name(), err)
			}
			continue
		}
		field, crosses, err := codec.ParseTag(goField.Name(), text)
		if err == nil && crosses && !arguments && slices.Contains(recordMethods, field.Name) {
			err = fmt.Errorf("in the class %s it would hide the method %s() that every record has in Python; give it another name in the tag, such as `%s:\"%s_\"`", record.name, field.Name, codec.TagKey, field.Name)
		}
		if err == nil && crosses {
			s.notes.jsonTag(at, goField, tag, field)
			s.parameter = arguments
			err = s.addField(record, schema, field, goField, key)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: field %s: %w", at, goField.Name(), err)
		}
	}
	return schema, nil
}

// checkEmbedded refuses an embedded struct whose fields are fields of the outer
// one in Go, and would silently be missing in Python.
func checkEmbedded(field *types.Var) error {
	embedded := field.Type()
	if pointer, isPointer := embedded.(*types.Pointer); isPointer {
		embedded = pointer.Elem()
	}
	inner, isStruct := embedded.Underlying().(*types.Struct)
	if !field.Embedded() || !isStruct {
		return nil
	}
	for i := range inner.NumFields() {
		if inner.Field(i).Exported() {
			return fmt.Errorf("its type is embedded and not exported, so its field %s would not cross; write the fields here, or %s", inner.Field(i).Name(), hide)
		}
	}
	return nil
}

func (s *source) addField(record *pyStruct, schema *codec.Schema, field codec.Field, goField *types.Var, key string) error {
	typ, err := s.typeOf(goField.Type())
	if err != nil {
		return err
	}
	if field.Path && !typ.holdsText() {
		return fmt.Errorf("the option path is for string, *string, []string and map[string]string, not %s", goField.Type())
	}
	if n := len(record.fields); n > 0 && record.fields[n-1].HasDefault && !field.HasDefault {
		return fmt.Errorf("it has no default but follows %s, which has one; Python wants those without first", record.fields[n-1].goName)
	}
	field.Type = typ.schema
	schema.Fields = append(schema.Fields, field)
	record.fields = append(record.fields, pyField{
		Field:  field,
		goName: goField.Name(),
		doc:    s.docs[key+"."+goField.Name()],
		typ:    typ,
	})
	return nil
}

// className gives the Python class of a Go type: what a directive says, or the
// package and the type.
func (s *source) className(key string, object *types.TypeName) string {
	if name, chosen := s.names[key]; chosen {
		return name
	}
	prefix := pascal(object.Pkg().Name())
	if prefix == "Main" || strings.HasPrefix(strings.ToLower(object.Name()), strings.ToLower(prefix)) {
		return object.Name()
	}
	return prefix + object.Name()
}

func pascal(name string) string {
	var b strings.Builder
	for _, part := range strings.Split(name, "_") {
		runes := []rune(part)
		if len(runes) > 0 {
			b.WriteRune(unicode.ToUpper(runes[0]))
			b.WriteString(string(runes[1:]))
		}
	}
	return b.String()
}

// holdsText tells whether a type is a plain string or holds such directly.
func (t *pyType) holdsText() bool {
	if t.elem != nil {
		t = t.elem
	}
	return t.schema.Kind == codec.KindString && t.enum == nil
}
