// Package faults is the library that the tests break things with: functions
// that echo every kind of value, fail in every way, panic, hang and leave work
// behind. It is registered through the public API, like a user's own library,
// and is never shipped.
package faults
