package main

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/types"
	"slices"

	"golang.org/x/tools/go/packages"
)

// misfits explains the calls of registrars that Go refused, where it only says
// that it cannot infer types: by the positions of the errors they stand for.
func (s *source) misfits(p *packages.Package) map[string]error {
	explained := map[string]error{}
	if len(p.TypeErrors) == 0 {
		return explained
	}
	for _, file := range p.Syntax {
		ast.Inspect(file, func(n ast.Node) bool {
			call, isCall := n.(*ast.CallExpr)
			if !isCall {
				return true
			}
			name, _ := registrarOf(p, call)
			if name == "" {
				return true
			}
			reason := misfit(p, call, name)
			for _, e := range p.TypeErrors {
				if reason != nil && call.Pos() <= e.Pos && e.Pos < call.End() && !insideLiteral(call, e) {
					explained[s.fset.Position(e.Pos).String()] = fmt.Errorf("%s: %w", place(s.fset.Position(call.Pos())), reason)
				}
			}
			return true
		})
	}
	return explained
}

// insideLiteral tells whether an error is one of the body of a function literal,
// which has nothing to do with registering it.
func insideLiteral(call *ast.CallExpr, e types.Error) bool {
	return slices.ContainsFunc(call.Args, func(given ast.Expr) bool {
		literal, isLiteral := given.(*ast.FuncLit)
		return isLiteral && literal.Body.Pos() <= e.Pos && e.Pos < literal.Body.End()
	})
}

// misfit says why a registrar cannot take what it was given, or nil if the
// mistake is another.
func misfit(p *packages.Package, call *ast.CallExpr, name string) error {
	of := registrars[name]
	if len(call.Args) != 2 {
		return fmt.Errorf("gocore.%s takes a name and a function, %s, not %d values; write gocore.%s(\"module.function\", Function)", name, of.takes, len(call.Args), name)
	}
	first, second := p.TypesInfo.Types[call.Args[0]], call.Args[1]
	given := p.TypesInfo.TypeOf(second)
	if given == nil || first.Type == nil {
		return nil // what Go says of it is clear
	}
	if basic, isBasic := first.Type.Underlying().(*types.Basic); !isBasic || basic.Info()&types.IsString == 0 {
		return fmt.Errorf("the first argument of gocore.%s is the name in Python, and %s is none; write gocore.%s(\"module.function\", Function)", name, types.ExprString(call.Args[0]), name)
	}
	text := types.ExprString(second)
	about := func(what, remedy string) error {
		if first.Value != nil && first.Value.Kind() == constant.String {
			text = constant.StringVal(first.Value) + ": " + text
		}
		return fmt.Errorf("%s %s, and gocore.%s takes %s; %s", text, what, name, of.takes, remedy)
	}
	signature, isFunc := given.Underlying().(*types.Signature)
	if !isFunc {
		return about("is not a function", "register a named function of that form")
	}
	what, remedy := of.difference(signature)
	if what == "" {
		return nil
	}
	return about(what, remedy)
}

// difference names the first thing in which a function is not what the registrar
// takes, with the remedy; empty if there is none.
func (of registrar) difference(f *types.Signature) (what, remedy string) {
	parameters := f.Params()
	switch n := parameters.Len(); {
	case f.TypeParams().Len() > 0:
		return "is generic", "choose its types, as in F[int]"
	case f.Variadic():
		return "takes any number of arguments", "make them a list, a field []T of the struct A"
	case n == 0 || types.TypeString(parameters.At(0).Type(), nil) != "context.Context":
		return "has no context as its first parameter", "add one, ctx context.Context, which ends with timeout= and Ctrl-C"
	case n == 1:
		return "has no parameter for its arguments", "add a struct, whose fields are the parameters in Python (struct{} if there are none)"
	case n > of.parameters:
		return fmt.Sprintf("has %d parameters after the context", n-1), of.more
	case n < of.parameters:
		return "has no parameter that is a function", "add one, or use gocore.Register"
	}
	return of.differenceOfResults(f.Results())
}

func (of registrar) differenceOfResults(results *types.Tuple) (what, remedy string) {
	n := results.Len()
	if of.stream {
		if n != 1 || !isSequence(results.At(0).Type()) {
			return "does not give iter.Seq2[T, error]", "give such a sequence, or use gocore.Register"
		}
		return "", ""
	}
	switch {
	case n == 0:
		return "has no results", "give (struct{}, error), where struct{} is None in Python"
	case n == 1 && isError(results.At(0).Type()):
		return "has no result but an error", "give (struct{}, error), where struct{} is None in Python"
	case n == 1 && isSequence(results.At(0).Type()):
		return "gives a sequence", "register it with gocore.RegisterStream"
	case n == 1:
		return "gives no error", "give (" + nameOf(results.At(0).Type()) + ", error), with nil if nothing can fail"
	case n > 2:
		return fmt.Sprintf("has %d results", n), "put all but the error into one struct, which is a class in Python"
	case !isError(results.At(1).Type()):
		return "has a second result that is no error", "put both into one struct, which is a class in Python, and give that and an error"
	}
	return "", ""
}

func isError(t types.Type) bool { return types.Identical(t, types.Universe.Lookup("error").Type()) }

func isSequence(t types.Type) bool {
	named, isNamed := types.Unalias(t).(*types.Named)
	return isNamed && keyOf(named.Obj()) == "iter.Seq2" && named.TypeArgs().Len() == 2 && isError(named.TypeArgs().At(1))
}

// nameOf writes a type as Go source does, with names of packages.
func nameOf(t types.Type) string { return types.TypeString(t, (*types.Package).Name) }
