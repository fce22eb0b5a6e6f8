package main

import (
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"github.com/gostitch/gostitch/gocore/codec"
	"golang.org/x/tools/go/packages"
)

const corePath = "github.com/gostitch/gostitch/gocore"

// function is one registration found in the source.
type function struct {
	contract    codec.Contract
	goName      string // package.Name of the Go function
	doc         string
	args        *pyStruct
	result      *pyType
	message     *pyType
	messageName string // the Python name of the parameter that takes messages
	pos         token.Position
}

// source is everything that was loaded, with an index of the comments.
type source struct {
	fset  *token.FileSet
	docs  map[string]string // "path.Name" and "path.Type.Field" -> comment
	decls map[string]*ast.FuncDecl
	names map[string]string   // "path.Type" -> name chosen by a directive
	open  map[types.Type]bool // being described, to refuse recursive ones
}

// load finds the registrations in the packages. The packages of the registered
// functions and of their types must be among them, for the comments.
func load(patterns []string) ([]*function, error) {
	s := &source{
		fset:  token.NewFileSet(),
		docs:  map[string]string{},
		decls: map[string]*ast.FuncDecl{},
		names: map[string]string{},
		open:  map[types.Type]bool{},
	}
	config := &packages.Config{
		Fset: s.fset,
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedSyntax | packages.NeedTypes |
			packages.NeedTypesInfo | packages.NeedImports,
	}
	loaded, err := packages.Load(config, patterns...)
	if err != nil {
		return nil, err
	}
	for _, p := range loaded {
		for _, e := range p.Errors {
			return nil, e
		}
		s.index(p)
	}
	var functions []*function
	var problems []error
	for _, p := range loaded {
		for _, file := range p.Syntax {
			found, errs := s.registrations(p, file)
			functions = append(functions, found...)
			problems = append(problems, errs...)
		}
	}
	if len(functions) == 0 && len(problems) == 0 {
		return nil, fmt.Errorf("no call of gocore.Register found in %s", strings.Join(patterns, " "))
	}
	slices.SortFunc(functions, func(a, b *function) int { return cmp.Compare(a.contract.Name, b.contract.Name) })
	return functions, errors.Join(problems...)
}

// index notes the comments of a package's functions, types and fields.
func (s *source) index(p *packages.Package) {
	for _, file := range p.Syntax {
		for _, decl := range file.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil {
					s.decls[p.PkgPath+"."+d.Name.Name] = d
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if t, isType := spec.(*ast.TypeSpec); isType {
						s.indexType(p.PkgPath, d, t)
					}
				}
			}
		}
	}
}

// nameDirective names a type's Python class: //gostitch:name HashTreeResult.
const nameDirective = "//gostitch:name "

func (s *source) indexType(path string, d *ast.GenDecl, t *ast.TypeSpec) {
	comment := t.Doc
	if comment == nil {
		comment = d.Doc
	}
	key := path + "." + t.Name.Name
	s.docs[key] = comment.Text()
	if comment != nil {
		for _, line := range comment.List {
			if name, found := strings.CutPrefix(line.Text, nameDirective); found {
				s.names[key] = strings.TrimSpace(name)
			}
		}
	}
	structType, isStruct := t.Type.(*ast.StructType)
	if !isStruct {
		return
	}
	for _, field := range structType.Fields.List {
		text := field.Doc.Text()
		if text == "" {
			text = field.Comment.Text()
		}
		for _, name := range field.Names {
			s.docs[key+"."+name.Name] = text
		}
	}
}

// registrations finds the calls of Register and RegisterMessages in a file.
func (s *source) registrations(p *packages.Package, file *ast.File) (found []*function, problems []error) {
	ast.Inspect(file, func(n ast.Node) bool {
		call, isCall := n.(*ast.CallExpr)
		if !isCall {
			return true
		}
		name := calleeName(call)
		if name == nil {
			return true
		}
		callee, isFunc := p.TypesInfo.Uses[name].(*types.Func)
		if !isFunc || callee.Pkg() == nil || callee.Pkg().Path() != corePath {
			return true
		}
		if callee.Name() != "Register" && callee.Name() != "RegisterMessages" {
			return true
		}
		f, err := s.registration(p, call, p.TypesInfo.Instances[name].TypeArgs)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", s.fset.Position(call.Pos()), err))
		} else {
			found = append(found, f)
		}
		return true
	})
	return found, problems
}

// calleeName gives the identifier behind f(...), pkg.f(...) and f[T](...).
func calleeName(call *ast.CallExpr) *ast.Ident {
	fun := ast.Unparen(call.Fun)
	switch generic := fun.(type) {
	case *ast.IndexExpr:
		fun = generic.X
	case *ast.IndexListExpr:
		fun = generic.X
	}
	switch f := fun.(type) {
	case *ast.Ident:
		return f
	case *ast.SelectorExpr:
		return f.Sel
	}
	return nil
}

func (s *source) registration(p *packages.Package, call *ast.CallExpr, typeArgs *types.TypeList) (*function, error) {
	value := p.TypesInfo.Types[call.Args[0]].Value
	if value == nil || value.Kind() != constant.String {
		return nil, errors.New("the name must be a constant string, so that the stubs can be generated")
	}
	f := &function{pos: s.fset.Position(call.Pos())}
	f.contract.Name = constant.StringVal(value)
	if err := s.describe(f, p, call.Args[1]); err != nil {
		return nil, fmt.Errorf("%s: %w", f.contract.Name, err)
	}
	args, err := s.typeOf(typeArgs.At(0))
	if err != nil {
		return nil, fmt.Errorf("%s: arguments: %w", f.contract.Name, err)
	}
	if args.record == nil {
		return nil, fmt.Errorf("%s: the arguments must be a struct, not %s", f.contract.Name, typeArgs.At(0))
	}
	f.args, f.contract.Args = args.record, args.schema
	if f.result, err = s.typeOf(typeArgs.At(typeArgs.Len() - 1)); err != nil {
		return nil, fmt.Errorf("%s: result: %w", f.contract.Name, err)
	}
	f.contract.Result = f.result.schema
	if typeArgs.Len() == 3 {
		if f.message, err = s.typeOf(typeArgs.At(1)); err != nil {
			return nil, fmt.Errorf("%s: messages: %w", f.contract.Name, err)
		}
		f.contract.Message = f.message.schema
	}
	return f, nil
}

// describe finds the comment and the parameter names of the registered Go
// function.
func (s *source) describe(f *function, p *packages.Package, expr ast.Expr) error {
	var name *ast.Ident
	switch e := ast.Unparen(expr).(type) {
	case *ast.Ident:
		name = e
	case *ast.SelectorExpr:
		name = e.Sel
	default:
		return errors.New("register a named function, whose comment becomes the docstring, instead of a function literal")
	}
	goFunc, isFunc := p.TypesInfo.Uses[name].(*types.Func)
	if !isFunc {
		return fmt.Errorf("%s is not a function", name.Name)
	}
	f.goName = goFunc.Pkg().Name() + "." + goFunc.Name()
	decl := s.decls[goFunc.Pkg().Path()+"."+goFunc.Name()]
	if decl == nil {
		return fmt.Errorf("the source of %s was not loaded; name its package on the command line too", goFunc.FullName())
	}
	if f.doc = decl.Doc.Text(); f.doc == "" {
		return fmt.Errorf("%s has no comment, which becomes the docstring", goFunc.FullName())
	}
	f.messageName = "on_message"
	if parameters := decl.Type.Params.List; len(parameters) == 3 && len(parameters[2].Names) == 1 {
		f.messageName = codec.SnakeCase(parameters[2].Names[0].Name)
	}
	return nil
}
