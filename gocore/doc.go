// Package gocore holds the words of gostitch: function, call, reply, error,
// observer, queue. It registers Go functions under a name, runs a call of one
// inside a guard, and hands back bytes.
//
// It must not know C (package cabi does), OpenTelemetry or Sentry (package
// observe implements Observer), nor any task. All of it runs, and is tested,
// without Python.
package gocore

// Version is the version of the core. It must equal the version of the Python
// package that loads it; a test compares the two, and loading refuses a
// difference.
const Version = "0.1.0"
