package codec

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// Kind is the shape of a value as it crosses.
type Kind uint8

// The kinds. Their names (Kind.String) are the words of the contract.
const (
	KindInvalid Kind = iota
	KindBool
	KindInt
	KindUint
	KindFloat
	KindString
	KindBytes
	KindList
	KindMap
	KindStruct
	KindOptional
	KindTime
	KindDuration
	KindBuffer
	KindMutable
	KindTable
)

var kindNames = [...]string{"invalid", "bool", "int", "uint", "float", "str", "bytes", "list", "map", "struct", "optional", "time", "duration", "buffer", "mutable", "table"}

// String gives the word used in contracts and error messages.
func (k Kind) String() string { return kindNames[k] }

// Schema describes a type on both sides of the boundary. It is built from Go
// types at run time (Compile) and from Go source by the generator; equal
// schemas mean equal bytes.
type Schema struct {
	Kind   Kind
	Bits   int     // KindInt, KindUint, KindFloat: the size in Go
	Elem   *Schema // KindList, KindMap, KindOptional, KindBuffer, KindMutable
	Fields []Field // KindStruct, in the order of declaration
}

// Field is one field of a struct schema.
type Field struct {
	Name       string // as Python spells it
	Type       *Schema
	Path       bool   // Python also accepts os.PathLike
	HasDefault bool   // keyword-only in Python
	Default    string // as written in the tag
}

// String gives the canonical form, on which the checksum is built: names of
// types do not take part, names and order of fields do.
func (s *Schema) String() string {
	var b strings.Builder
	s.write(&b)
	return b.String()
}

func (s *Schema) write(b *strings.Builder) {
	switch s.Kind {
	case KindInt, KindUint, KindFloat:
		fmt.Fprintf(b, "%s%d", s.Kind, s.Bits)
	case KindList, KindMap, KindOptional, KindBuffer, KindMutable:
		b.WriteString(s.Kind.String())
		b.WriteByte('[')
		s.Elem.write(b)
		b.WriteByte(']')
	case KindStruct:
		b.WriteByte('{')
		for i, f := range s.Fields {
			if i > 0 {
				b.WriteByte(',')
			}
			f.write(b)
		}
		b.WriteByte('}')
	default:
		b.WriteString(s.Kind.String())
	}
}

func (f *Field) write(b *strings.Builder) {
	b.WriteString(f.Name)
	b.WriteByte(':')
	f.Type.write(b)
	if f.Path {
		b.WriteString("/path")
	}
	if f.HasDefault {
		b.WriteByte('=')
		b.WriteString(f.Default)
	}
}

// Contract describes one function: its arguments (always a struct) and its
// result, which may be a stream of such; the messages it sends while it runs,
// and what it asks its caller and is answered (nil where there is no such thing).
type Contract struct {
	Name     string
	Args     *Schema
	Result   *Schema
	Stream   bool
	Message  *Schema
	Question *Schema
	Answer   *Schema
}

// String gives the canonical form of the contract.
func (c *Contract) String() string {
	text := c.Name + c.Args.String() + "->"
	if c.Stream {
		text += "stream of "
	}
	text += c.Result.String()
	if c.Message != nil {
		text += ";" + c.Message.String()
	}
	if c.Question != nil {
		text += ";" + c.Question.String() + "->" + c.Answer.String()
	}
	return text
}

// Checksum is what a library and the Python stubs generated for it must have
// in common: 16 hex digits of the SHA-256 of the canonical form.
func (c *Contract) Checksum() string {
	sum := sha256.Sum256([]byte(c.String()))
	return hex.EncodeToString(sum[:8])
}
