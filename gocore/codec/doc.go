// Package codec turns Go values into the bytes that cross the boundary, and
// back.
//
// Values cross as MessagePack: a struct is an array of its fields in the order
// of declaration, so both sides must agree on the fields, which the contract
// checksum (Schema.Checksum) proves at load. A plan is compiled once for each
// type, when a function is registered; a call runs the plan and uses no
// reflection, except to allocate slices and maps of unusual element types.
//
// The package is a leaf: it knows neither functions nor calls nor C. Its twin
// is python/gostitch/_codec.py; what both must agree on stands as golden bytes
// in testdata/frames and is read by both test suites.
package codec
