package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strings"

	"golang.org/x/tools/go/packages"
)

// longDirective says that the calls of a function may take long, so that
// Python's main thread waits for them where handlers of signals can run:
// //gostitch:long as a line of the comment above the function.
const longDirective = "//gostitch:long"

// longFunctions are the functions that have the directive.
type longFunctions struct {
	at         map[string]token.Position // by types.Func.FullName
	registered map[string]bool
}

// isLongDirective tells whether a line is the directive, with whatever behind it.
func isLongDirective(line string) bool {
	rest, found := strings.CutPrefix(line, longDirective)
	return found && (rest == "" || rest[0] == ' ' || rest[0] == '\t')
}

// indexLong notes the functions of a package that have the directive, and gives
// the directives that stand elsewhere or say more.
func (s *source) indexLong(p *packages.Package) (problems []error) {
	for _, file := range p.Syntax {
		of := map[*ast.CommentGroup]*types.Func{}
		for _, decl := range file.Decls {
			if d, isFunc := decl.(*ast.FuncDecl); isFunc && d.Doc != nil {
				of[d.Doc], _ = p.TypesInfo.Defs[d.Name].(*types.Func)
			}
		}
		for _, group := range file.Comments {
			for _, line := range group.List {
				if !isLongDirective(line.Text) {
					continue
				}
				at := s.fset.Position(line.Pos())
				switch f := of[group]; {
				case f == nil:
					problems = append(problems, fmt.Errorf("%s: %s stands above no function; put it into the comment above the function that is registered", place(at), longDirective))
				case strings.TrimSpace(line.Text) != longDirective:
					problems = append(problems, fmt.Errorf("%s: %s takes no words; write it alone on its line", place(at), longDirective))
				default:
					s.long.at[f.FullName()] = at
				}
			}
		}
	}
	return problems
}

// takeLong tells whether a registered function has the directive.
func (s *source) takeLong(goFunc *types.Func, registrar string) (bool, error) {
	at, found := s.long.at[goFunc.FullName()]
	if !found {
		return false, nil
	}
	s.long.registered[goFunc.FullName()] = true
	switch registrar {
	case "RegisterStream", "RegisterCallback":
		return false, fmt.Errorf("what gocore.%s registers is never run on Python's main thread, so %s (%s) says nothing of it; remove that", registrar, longDirective, place(at))
	}
	return true, nil
}

// noteLong notes the functions with the directive that nothing registers.
func (s *source) noteLong() {
	for name, at := range s.long.at {
		if !s.long.registered[name] {
			s.notes[place(at)] = fmt.Sprintf("%s has %s and is not registered, so that it says nothing; put it above the function that is", name, longDirective)
		}
	}
}
