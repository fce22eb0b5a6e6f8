package faults

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Colour is an enumeration of texts.
type Colour string

// The colours.
const (
	// ColourRed is like blood.
	ColourRed   Colour = "red"
	ColourGreen Colour = "green" // like grass
)

// Weight is an enumeration of numbers.
type Weight int8

// The weights.
const (
	WeightLight Weight = iota + 1
	WeightHeavy
)

// Thing is a record that goes both ways, with records inside.
type Thing struct {
	// Colour it has.
	Colour Colour
	// Weight it has.
	Weight Weight `gostitch:"weight,default=1"`
	// Made is when.
	Made *time.Time `gostitch:"made,default=None"`
	// Lasts so long.
	Lasts time.Duration `gostitch:"lasts,default=1m30s"`
	// Parts of it.
	Parts map[string]Part `gostitch:"parts,default="`
	// Files it is described in.
	Files []string `gostitch:"files,path,default="`
}

// Part of a thing.
type Part struct {
	// Str has the name of a Python type.
	Str string
	// Seen are the times it was looked at.
	Seen []time.Time `gostitch:"seen,default="`
}

// ThingArgs are a thing.
type ThingArgs struct {
	// Thing to give back.
	Thing Thing
	// Paint it before, if given.
	Paint Colour `gostitch:"paint,default=red"`
}

// EchoThing gives the thing back, painted.
func EchoThing(_ context.Context, a ThingArgs) (Thing, error) {
	a.Thing.Colour = a.Paint
	return a.Thing, nil
}

// CodeOutOfStock says that nothing is left.
//
//gostitch:exception OutOfStockError LookupError
const CodeOutOfStock = "out_of_stock"

// OutOfStock is an error with a code of its own.
type OutOfStock struct{ Left int64 }

// Error says what is left.
func (s OutOfStock) Error() string { return fmt.Sprintf("only %d left", s.Left) }

// Code gives the code.
func (OutOfStock) Code() string { return CodeOutOfStock }

// Details say how many are left.
func (s OutOfStock) Details() map[string]any { return map[string]any{"left": s.Left} }

// Buy fails with OutOfStock, wrapped.
func Buy(context.Context, NoArgs) (None, error) {
	return None{}, fmt.Errorf("no: %w", errors.Join(OutOfStock{2}))
}
