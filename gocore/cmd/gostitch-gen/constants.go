package main

import (
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"regexp"
	"slices"
	"strings"

	"github.com/gostitch/gostitch/gocore"
	"github.com/gostitch/gostitch/gocore/codec"
	"golang.org/x/tools/go/packages"
)

// pyEnum is a named Go type with constants, as a Python enumeration.
type pyEnum struct {
	name    string
	doc     string
	members []pyMember
}

// pyMember is one constant.
type pyMember struct {
	name  string
	value constant.Value
	doc   string
}

// pyError is an error code of the user's, as a Python exception class.
type pyError struct {
	code string
	name string
	base string // a built-in exception, or empty
	doc  string
}

// exceptionDirective gives an error code a Python class of its own, which may
// also be a built-in exception:
//
//	//gostitch:exception OutOfStockError LookupError
//	const CodeOutOfStock = "out_of_stock"
const exceptionDirective = "//gostitch:exception "

// builtinExceptions can be a base of a user's exception class.
var builtinExceptions = strings.Fields("ArithmeticError AssertionError AttributeError BlockingIOError BrokenPipeError BufferError ChildProcessError ConnectionAbortedError ConnectionError ConnectionRefusedError ConnectionResetError EOFError FileExistsError FileNotFoundError FloatingPointError IndexError InterruptedError IsADirectoryError KeyError LookupError MemoryError NotADirectoryError NotImplementedError OSError OverflowError PermissionError ProcessLookupError RuntimeError TimeoutError TypeError ValueError ZeroDivisionError")

// indexConstants notes the constants of a package by their type, with their
// comments, and the codes that a directive makes exceptions of.
func (s *source) indexConstants(p *packages.Package) (problems []error) {
	for _, file := range p.Syntax {
		for _, decl := range file.Decls {
			d, isGeneral := decl.(*ast.GenDecl)
			if !isGeneral || d.Tok != token.CONST {
				continue
			}
			for _, spec := range d.Specs {
				problems = append(problems, s.indexConstant(p, d, spec.(*ast.ValueSpec))...)
			}
		}
	}
	for _, constants := range s.constants {
		slices.SortFunc(constants, func(a, b *types.Const) int { return cmp.Compare(a.Pos(), b.Pos()) })
	}
	return problems
}

func (s *source) indexConstant(p *packages.Package, d *ast.GenDecl, spec *ast.ValueSpec) (problems []error) {
	comment := spec.Doc
	if comment == nil && !d.Lparen.IsValid() {
		comment = d.Doc
	}
	text := comment.Text()
	if text == "" {
		text = spec.Comment.Text()
	}
	for _, name := range spec.Names {
		object, isConst := p.TypesInfo.Defs[name].(*types.Const)
		if !isConst {
			continue
		}
		if named, isNamed := object.Type().(*types.Named); isNamed && object.Exported() {
			key := keyOf(named.Obj())
			s.constants[key] = append(s.constants[key], object)
			s.docs[p.PkgPath+"."+name.Name] = text
		}
		if comment == nil {
			continue
		}
		for _, line := range comment.List {
			if words, found := strings.CutPrefix(line.Text, exceptionDirective); found {
				failure, err := failureOf(object, strings.Fields(words), withoutSubject(text, name.Name))
				if err != nil {
					problems = append(problems, fmt.Errorf("%s: %s: %w", place(s.fset.Position(line.Pos())), name.Name, err))
					continue
				}
				s.failures = append(s.failures, failure)
			}
		}
	}
	return problems
}

var (
	codePattern  = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	classPattern = regexp.MustCompile(`^[A-Z][A-Za-z0-9]*$`)
)

func failureOf(object *types.Const, words []string, doc string) (*pyError, error) {
	if object.Val().Kind() != constant.String {
		return nil, errors.New("an error code is a constant string, which the method Code() string of an error gives")
	}
	e := &pyError{code: constant.StringVal(object.Val()), doc: doc}
	switch {
	case len(words) == 0 || len(words) > 2:
		return nil, fmt.Errorf("write %sNAME, or NAME and a built-in exception", exceptionDirective)
	case !codePattern.MatchString(e.code):
		return nil, fmt.Errorf("the code %q must be lower-case letters, digits and underscores", e.code)
	case slices.Contains(gocore.Codes(), gocore.Code(e.code)):
		return nil, fmt.Errorf("the code %q is one of gostitch's own; choose another word", e.code)
	case !classPattern.MatchString(words[0]):
		return nil, fmt.Errorf("%q cannot be a class in Python; write it like OutOfStockError", words[0])
	}
	e.name = words[0]
	if len(words) == 2 {
		e.base = words[1]
		if !slices.Contains(builtinExceptions, e.base) {
			return nil, fmt.Errorf("%s is not a built-in exception of Python that can be a base", e.base)
		}
	}
	return e, nil
}

func keyOf(object *types.TypeName) string {
	if object.Pkg() == nil {
		return object.Name()
	}
	return object.Pkg().Path() + "." + object.Name()
}

// enumOf gives the enumeration of a named type, or nil for a type without
// exported constants in the packages that were loaded.
func (s *source) enumOf(t types.Type) *pyEnum {
	named, isNamed := types.Unalias(t).(*types.Named)
	if !isNamed {
		return nil
	}
	key := keyOf(named.Obj())
	constants := s.constants[key]
	if len(constants) == 0 {
		return nil
	}
	if known := s.enums[key]; known != nil {
		return known
	}
	e := &pyEnum{name: s.className(key, named.Obj()), doc: withoutSubject(s.docs[key], named.Obj().Name())}
	for _, c := range constants {
		name := c.Name()
		if short := strings.TrimPrefix(name, named.Obj().Name()); short != "" && classPattern.MatchString(short) {
			name = short
		}
		e.members = append(e.members, pyMember{
			name:  strings.ToUpper(codec.SnakeCase(name)),
			value: c.Val(),
			doc:   withoutSubject(s.docs[c.Pkg().Path()+"."+c.Name()], c.Name()),
		})
	}
	s.enums[key] = e
	return e
}
