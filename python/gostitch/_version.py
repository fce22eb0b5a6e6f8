"""The version of the package, which a library must have too (a test compares them)."""

VERSION = "0.1.0"
