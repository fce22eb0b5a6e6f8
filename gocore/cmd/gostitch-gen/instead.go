package main

import (
	"fmt"
	"go/types"
)

// hide is the remedy for what has no place in Python.
const hide = `leave it out with the tag gostitch:"-"`

// cannotCross says of a type what to use instead.
func cannotCross(t types.Type) error {
	return fmt.Errorf("type %s cannot cross; %s", nameOf(t), instead(t))
}

func instead(t types.Type) string {
	switch u := t.Underlying().(type) {
	case *types.Basic:
		return insteadOfBasic(u)
	case *types.Chan:
		return fmt.Sprintf("give each %s as it comes with gocore.RegisterStream, or take and give all as []%[1]s", nameOf(u.Elem()))
	case *types.Signature:
		return "for a callable of Python use gocore.RegisterMessages or gocore.RegisterCallback, or " + hide
	case *types.Array:
		return "use the slice []" + nameOf(u.Elem())
	case *types.Interface:
		return insteadOfInterface(t)
	}
	return insteadByMethods(t)
}

func insteadOfBasic(t *types.Basic) string {
	switch t.Kind() {
	case types.Complex64, types.Complex128:
		return "use two float64, its real and imaginary parts"
	case types.Uintptr:
		return "use uint64"
	}
	return "use []byte for what is at that address, or " + hide
}

func insteadOfInterface(t types.Type) string {
	switch {
	case isError(t):
		return "return it as the function's own error, or give its text as a string"
	case types.TypeString(t, nil) == "context.Context":
		return "the function gets it as its first parameter, so remove it here"
	case hasMethod(t, "Read") || hasMethod(t, "Write"):
		return "use the path of a file, as a string, or []byte"
	}
	return "use the type that it holds, or a []byte of JSON for what can be anything"
}

// insteadByMethods tells of a type that keeps what it holds to itself how it can
// be had.
func insteadByMethods(t types.Type) string {
	switch {
	case hasMethod(t, "Lock") && hasMethod(t, "Unlock"):
		return hide + ", since a lock is for Go alone"
	case hasMethod(t, "MarshalText") && hasMethod(t, "UnmarshalText"):
		return "use string, as its MarshalText gives and its UnmarshalText takes it"
	case hasMethod(t, "String"):
		return "use string, as its String() gives it"
	case hasMethod(t, "Load"):
		return "use the plain value, as its Load() gives it"
	case hasMethod(t, "Read") || hasMethod(t, "Write"):
		return "use the path of a file, as a string, or []byte"
	}
	return "use a struct of your own with the fields that Python needs, or " + hide
}

func hasMethod(t types.Type, name string) bool {
	if !types.IsInterface(t) {
		t = types.NewPointer(t)
	}
	return types.NewMethodSet(t).Lookup(nil, name) != nil
}
