package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/types"

	"golang.org/x/tools/go/packages"
)

// registrar is a function of the core that registers one.
type registrar struct {
	takes      string // the form of the function that it takes
	parameters int
	stream     bool
	more       string // what to do with parameters that are too many
}

const oneStruct = "put them into one struct, whose fields are the parameters in Python"

var registrars = map[string]registrar{
	"Register": {
		takes: "func(context.Context, A) (R, error)", parameters: 2,
		more: oneStruct + " (for a parameter that takes a callable there are gocore.RegisterMessages and gocore.RegisterCallback)",
	},
	"RegisterMessages": {takes: "func(context.Context, A, func(M)) (R, error)", parameters: 3, more: oneStruct},
	"RegisterStream":   {takes: "func(context.Context, A) iter.Seq2[T, error]", parameters: 2, stream: true, more: oneStruct},
	"RegisterCallback": {takes: "func(context.Context, A, func(context.Context, Q) (P, error)) (R, error)", parameters: 3, more: oneStruct},
}

// registrarOf gives the name of the registrar that a call is of, with the
// identifier that names it; empty if it is of none.
func registrarOf(p *packages.Package, call *ast.CallExpr) (string, *ast.Ident) {
	name := calleeName(call)
	if name == nil {
		return "", nil
	}
	callee, isFunc := p.TypesInfo.Uses[name].(*types.Func)
	if !isFunc || callee.Pkg() == nil || callee.Pkg().Path() != corePath {
		return "", nil
	}
	if _, registers := registrars[callee.Name()]; !registers {
		return "", nil
	}
	return callee.Name(), name
}

// functionOf finds the declared function behind what was registered.
func functionOf(p *packages.Package, expr ast.Expr) (*types.Func, error) {
	const remedy = "register a named function, whose comment becomes the docstring, instead of "
	var name *ast.Ident
	expr = ast.Unparen(expr)
	switch e := expr.(type) {
	case *ast.IndexExpr: // a generic function with its types
		expr = ast.Unparen(e.X)
	case *ast.IndexListExpr:
		expr = ast.Unparen(e.X)
	}
	switch e := expr.(type) {
	case *ast.Ident:
		name = e
	case *ast.SelectorExpr:
		name = e.Sel
	case *ast.FuncLit:
		return nil, errors.New(remedy + "a function literal")
	default:
		return nil, fmt.Errorf("%s%s, which has none", remedy, types.ExprString(expr))
	}
	switch used := p.TypesInfo.Uses[name].(type) {
	case *types.Func:
		if receiver := used.Signature().Recv(); receiver != nil && types.IsInterface(receiver.Type()) {
			return nil, fmt.Errorf("%sthe method %s of an interface, which could be that of any type", remedy, name.Name)
		}
		return used.Origin(), nil
	default:
		return nil, fmt.Errorf("%sthe variable %s", remedy, name.Name)
	}
}
