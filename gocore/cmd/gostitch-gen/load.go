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

	"github.com/gostitch/gostitch/gocore"
	"github.com/gostitch/gostitch/gocore/codec"
	"golang.org/x/tools/go/packages"
)

const corePath = "github.com/gostitch/gostitch/gocore"

// function is one registration found in the source.
type function struct {
	contract codec.Contract
	goName   string // package.Name of the Go function
	doc      string
	args     *pyStruct
	result   *pyType
	message  *pyType // it sends, or nil
	question *pyType // it asks, or nil
	answer   *pyType
	callable string // the Python name of the parameter that takes messages or questions
	long     bool   // its calls may take long
	pos      token.Position
}

// library is what the module is made of.
type library struct {
	functions   []*function
	failures    []*pyError
	registrants []registrant
	notes       notes
}

// source is everything that was loaded, with an index of the comments.
type source struct {
	fset      *token.FileSet
	docs      map[string]string        // "path.Name" and "path.Type.Field" -> comment
	decls     map[string]*ast.FuncDecl // by types.Func.FullName
	own       map[string]bool          // paths of the modules of what was loaded
	names     map[string]string        // "path.Type" -> name chosen by a directive
	open      map[types.Type]bool      // being described, to refuse recursive ones
	taken     bool                     // Python gives what is described
	arguments bool                     // the next struct is that of the arguments
	parameter bool                     // this is one of its fields
	enums     map[string]*pyEnum       // by "path.Type", those that were met
	// constants are the exported ones of each named type, in order of declaration.
	constants map[string][]*types.Const
	failures  []*pyError
	notes     notes
	long      longFunctions
}

// load finds the registrations in the packages. The packages of the registered
// functions and of their types must be among them, for the comments.
func load(patterns []string) (*library, error) {
	s := &source{
		fset:      token.NewFileSet(),
		docs:      map[string]string{},
		decls:     map[string]*ast.FuncDecl{},
		own:       map[string]bool{},
		names:     map[string]string{},
		open:      map[types.Type]bool{},
		enums:     map[string]*pyEnum{},
		constants: map[string][]*types.Const{},
		notes:     notes{},
		long:      longFunctions{at: map[string]token.Position{}, registered: map[string]bool{}},
	}
	config := &packages.Config{
		Fset: s.fset,
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedSyntax | packages.NeedTypes |
			packages.NeedTypesInfo | packages.NeedImports | packages.NeedModule,
	}
	loaded, err := packages.Load(config, patterns...)
	if err != nil {
		return nil, err
	}
	var broken []error
	for _, p := range loaded {
		broken = append(broken, problemsOf(p, s.misfits(p))...)
		s.index(p)
	}
	if len(broken) > 0 {
		return nil, errors.Join(broken...)
	}
	var functions []*function
	var registrants []registrant
	var problems []error
	for _, p := range loaded {
		problems = append(problems, s.indexConstants(p)...)
		problems = append(problems, s.indexLong(p)...)
	}
	for _, p := range loaded {
		before := len(functions)
		for _, file := range p.Syntax {
			found, errs := s.registrations(p, file)
			functions = append(functions, found...)
			problems = append(problems, errs...)
		}
		if len(functions) > before {
			registrants = append(registrants, registrantOf(p))
		}
	}
	if len(functions) == 0 && len(problems) == 0 {
		return nil, fmt.Errorf("no call of gocore.Register found in %s; write one in a function Register() of a package there", strings.Join(patterns, " "))
	}
	s.noteLong()
	slices.SortFunc(functions, func(a, b *function) int { return cmp.Compare(a.contract.Name, b.contract.Name) })
	slices.SortFunc(s.failures, func(a, b *pyError) int { return cmp.Compare(a.name, b.name) })
	return &library{functions: functions, failures: s.failures, registrants: registrants, notes: s.notes}, errors.Join(problems...)
}

// problemsOf gives what Go says of a package that does not compile. What the
// compiler said as a block of text is said again for each place, so it is only
// given where nothing else is. What is explained better stands in for Go's words.
func problemsOf(p *packages.Package, explained map[string]error) []error {
	var placed, blocks []error
	for _, e := range p.Errors {
		better := explained[e.Pos]
		switch {
		case better != nil && e.Kind == packages.TypeError:
			placed = append(placed, better)
		case e.Pos != "" && e.Pos != "-":
			placed = append(placed, fmt.Errorf("%s: %s", relative(e.Pos), inOtherWords(e.Msg)))
		case strings.HasPrefix(e.Msg, "# "):
			blocks = append(blocks, errors.New(e.Msg))
		default:
			placed = append(placed, errors.New(withoutAdvice(e.Msg)))
		}
	}
	if len(placed) == 0 {
		return blocks
	}
	return placed
}

// inOtherWords says what Go says in words of its own insides.
func inOtherWords(said string) string {
	if item, _, isItem := strings.Cut(said, " does not satisfy gocore.Element ("); isItem {
		return item + " cannot be an item of a buffer, which holds bool, integers or floats; use []" + item + ", which is a list in Python, or a buffer for each of its parts"
	}
	return strings.Replace(said, `(invalid package name: "")`, "(there is no such package)", 1)
}

// withoutAdvice leaves out what the go command would do about a package that is
// not there, which is seldom what one wants: to get it, or to use a folder in go.work.
func withoutAdvice(said string) string {
	said, _, _ = strings.Cut(said, "; to add it:")
	said, _, _ = strings.Cut(said, ". You can add the module")
	return said
}

// index notes the comments of a package's functions, types and fields.
func (s *source) index(p *packages.Package) {
	if p.Module != nil {
		s.own[p.Module.Path] = true
	}
	for _, file := range p.Syntax {
		for _, decl := range file.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if f, isFunc := p.TypesInfo.Defs[d.Name].(*types.Func); isFunc {
					s.decls[f.FullName()] = d
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

// registrations finds the calls of the registrars in a file.
func (s *source) registrations(p *packages.Package, file *ast.File) (found []*function, problems []error) {
	ast.Inspect(file, func(n ast.Node) bool {
		call, isCall := n.(*ast.CallExpr)
		if !isCall {
			return true
		}
		registrar, name := registrarOf(p, call)
		if registrar == "" {
			return true
		}
		f, err := s.registration(p, call, registrar, p.TypesInfo.Instances[name].TypeArgs)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", place(s.fset.Position(call.Pos())), err))
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

func (s *source) registration(p *packages.Package, call *ast.CallExpr, registrar string, typeArgs *types.TypeList) (*function, error) {
	value := p.TypesInfo.Types[call.Args[0]].Value
	if value == nil || value.Kind() != constant.String {
		return nil, fmt.Errorf("the name must be a constant string, so that the stubs can be generated; call gocore.%s for each function, with the name in quotes", registrar)
	}
	f := &function{pos: s.fset.Position(call.Pos())}
	f.contract.Name = constant.StringVal(value)
	if err := gocore.CheckName(f.contract.Name); err != nil {
		return nil, fmt.Errorf("%s: %w", f.contract.Name, err)
	}
	if err := s.describe(f, p, call.Args[1], registrar); err != nil {
		return nil, fmt.Errorf("%s: %w", f.contract.Name, err)
	}
	// What each type argument of each registrar is for.
	var args *pyType
	wanted := map[string][]described{
		"Register":         {{"arguments", &args, &f.contract.Args}, {"result", &f.result, &f.contract.Result}},
		"RegisterMessages": {{"arguments", &args, &f.contract.Args}, {"message", &f.message, &f.contract.Message}, {"result", &f.result, &f.contract.Result}},
		"RegisterStream":   {{"arguments", &args, &f.contract.Args}, {"result", &f.result, &f.contract.Result}},
		"RegisterCallback": {
			{"arguments", &args, &f.contract.Args}, {"question", &f.question, &f.contract.Question},
			{"answer", &f.answer, &f.contract.Answer}, {"result", &f.result, &f.contract.Result},
		},
	}[registrar]
	for i, want := range wanted {
		s.arguments, s.parameter = want.typ == &args, false
		s.taken = s.arguments || want.role == "answer"
		t, err := s.typeOf(typeArgs.At(i))
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", f.contract.Name, want.role, err)
		}
		*want.typ, *want.schema = t, t.schema
	}
	f.contract.Stream = registrar == "RegisterStream"
	if args.record == nil {
		return nil, fmt.Errorf("%s: the arguments must be a struct, not %s; its fields are the parameters in Python", f.contract.Name, nameOf(typeArgs.At(0)))
	}
	f.args = args.record
	return f, nil
}

// described is a type argument of a registrar, and where its description goes.
type described struct {
	role   string
	typ    **pyType
	schema **codec.Schema
}

// describe finds the comment and the parameter names of the registered Go
// function.
func (s *source) describe(f *function, p *packages.Package, expr ast.Expr, registrar string) error {
	goFunc, err := functionOf(p, expr)
	if err != nil {
		return err
	}
	f.goName = goFunc.Pkg().Name() + "." + goFunc.Name()
	decl := s.decls[goFunc.FullName()]
	if decl == nil {
		return fmt.Errorf("%s is of the package %s, whose source was not read; name that package too, in go = of [tool.gostitch]", goFunc.FullName(), goFunc.Pkg().Path())
	}
	if f.doc = decl.Doc.Text(); f.doc == "" {
		return fmt.Errorf("%s has no comment, which becomes the docstring; write one above it", goFunc.FullName())
	}
	if f.long, err = s.takeLong(goFunc, registrar); err != nil {
		return err
	}
	f.callable = "callback"
	if parameters := decl.Type.Params.List; len(parameters) == 3 && len(parameters[2].Names) == 1 {
		f.callable = codec.SnakeCase(parameters[2].Names[0].Name)
	}
	return nil
}
