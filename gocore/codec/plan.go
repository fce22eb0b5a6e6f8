package codec

import (
	"fmt"
	"reflect"
	"unsafe"
)

// BufferExt is the MessagePack extension type that stands for bytes which
// cross beside the frame: its data is the index into the call's buffers.
const BufferExt = 1

// Plan is the compiled codec of one Go type. It is immutable and safe for
// concurrent use.
type Plan struct {
	Schema *Schema
	ops    ops
}

// ops are the directions for one type. All take the address of a value of exactly
// the type they were compiled for.
type ops struct {
	decode func(in *Input, p unsafe.Pointer) error
	encode func(out []byte, p unsafe.Pointer) []byte
	// give is encode for a type that may refer to memory beside the frame; nil for others.
	give func(out *Output, p unsafe.Pointer)
}

// Compile makes the plan of T, or says which part of T cannot cross and what
// to use instead.
func Compile[T any]() (*Plan, error) { return compileWith[T](compiler{}) }

// CompileTaken is Compile for what Python gives.
func CompileTaken[T any]() (*Plan, error) { return compileWith[T](compiler{taken: true}) }

// CompileArguments is CompileTaken for the struct whose fields are parameters.
func CompileArguments[T any]() (*Plan, error) {
	return compileWith[T](compiler{taken: true, arguments: true})
}

func compileWith[T any](c compiler) (*Plan, error) {
	t := reflect.TypeFor[T]()
	c.seen = map[reflect.Type]bool{}
	schema, ops, err := c.compile(t)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t, err)
	}
	return &Plan{Schema: schema, ops: ops}, nil
}

// compiler holds the types being compiled, to refuse recursive ones: their
// depth would be the sender's to choose.
type compiler struct {
	seen      map[reflect.Type]bool
	path      bool // strings are paths: those of a field with that option
	taken     bool // Python gives it
	arguments bool // the next struct is that of the arguments
	mutable   bool // this is one of its fields
}

func (c *compiler) compile(t reflect.Type) (*Schema, ops, error) {
	switch t {
	case timeType:
		return &Schema{Kind: KindTime}, timeOps, nil
	case durationType:
		return &Schema{Kind: KindDuration}, intOps[int64]().ops, nil
	case tableType:
		return c.compileTable()
	}
	if scalar, known := scalarOps[t.Kind()]; known {
		if c.path && t.Kind() == reflect.String {
			return scalar.schema, pathOps, nil
		}
		return scalar.schema, scalar.ops, nil
	}
	if kind, isBuffer := bufferKind(t); isBuffer {
		return c.compileBuffer(t, kind)
	}
	if c.seen[t] {
		return nil, ops{}, fmt.Errorf("type %s contains itself; recursive types cannot cross, flatten it into a list with indices", t)
	}
	c.seen[t] = true
	defer delete(c.seen, t)
	switch t.Kind() {
	case reflect.Slice:
		return c.compileSlice(t)
	case reflect.Map:
		return c.compileMap(t)
	case reflect.Pointer:
		return c.compilePointer(t)
	case reflect.Struct:
		return c.compileStruct(t)
	default:
		return nil, ops{}, fmt.Errorf("type %s (%s) cannot cross; use bool, integers, floats, string, []byte, time.Time, time.Duration, or slices, string-keyed maps, pointers and structs of them", t, t.Kind())
	}
}

func (c *compiler) compileSlice(t reflect.Type) (*Schema, ops, error) {
	c.mutable = false
	if t.Elem().Kind() == reflect.Uint8 {
		return &Schema{Kind: KindBytes}, bytesOps, nil
	}
	elem, elemOps, err := c.compile(t.Elem())
	if err != nil {
		return nil, ops{}, fmt.Errorf("element of %s: %w", t, err)
	}
	schema := &Schema{Kind: KindList, Elem: elem}
	if c.path && elem.Kind == KindString {
		return schema, pathList, nil
	}
	if plain, known := plainLists[t.Elem().Kind()]; known && elem.Kind != KindDuration {
		return schema, plain, nil
	}
	return schema, listOps(t, elemOps), nil
}

func (c *compiler) compileMap(t reflect.Type) (*Schema, ops, error) {
	c.mutable = false
	if t.Key().Kind() != reflect.String {
		return nil, ops{}, fmt.Errorf("map key %s cannot cross; use string keys", t.Key())
	}
	elem, elemOps, err := c.compile(t.Elem())
	if err != nil {
		return nil, ops{}, fmt.Errorf("value of %s: %w", t, err)
	}
	return &Schema{Kind: KindMap, Elem: elem}, mapOps(t, elemOps), nil
}

func (c *compiler) compilePointer(t reflect.Type) (*Schema, ops, error) {
	elem, elemOps, err := c.compile(t.Elem())
	if err != nil {
		return nil, ops{}, err
	}
	if elem.Kind == KindOptional {
		return nil, ops{}, fmt.Errorf("type %s is a pointer to a pointer; one pointer says optional", t)
	}
	return &Schema{Kind: KindOptional, Elem: elem}, optionalOps(t.Elem(), elemOps), nil
}

func (c *compiler) compileStruct(t reflect.Type) (*Schema, ops, error) {
	schema := &Schema{Kind: KindStruct}
	var fields []structField
	arguments := c.arguments
	c.arguments = false
	for i := range t.NumField() {
		goField := t.Field(i)
		if !goField.IsExported() {
			continue
		}
		field, crosses, err := ParseTag(goField.Name, goField.Tag.Get(TagKey))
		if err != nil {
			return nil, ops{}, fmt.Errorf("field %s: %w", goField.Name, err)
		}
		if !crosses {
			continue
		}
		var fieldOps ops
		c.path, c.mutable = field.Path, arguments
		field.Type, fieldOps, err = c.compile(goField.Type)
		c.path, c.mutable = false, false
		if err != nil {
			return nil, ops{}, fmt.Errorf("field %s: %w", goField.Name, err)
		}
		schema.Fields = append(schema.Fields, field)
		fields = append(fields, structField{name: field.Name, offset: goField.Offset, ops: fieldOps})
	}
	return schema, structOps(fields), nil
}
