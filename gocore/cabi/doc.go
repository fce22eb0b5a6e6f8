// Package cabi is the door between Go and C: the only package that imports
// "C". It turns the arguments of the functions in gostitch.h into Go values,
// calls package gocore, and accounts for the memory that crosses.
//
// A library is a main package that imports this one for its effect. There is
// no logic here that could live in gocore, because code with cgo can neither
// be tested with go test nor run under the race detector in a shared library.
package cabi
