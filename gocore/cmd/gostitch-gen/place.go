package main

import (
	"fmt"
	"go/token"
	"os"
	"path/filepath"
	"strings"
)

// place writes a position as a compiler does: relative to the working directory
// if it is below it.
func place(pos token.Position) string {
	return fmt.Sprintf("%s:%d:%d", relative(pos.Filename), pos.Line, pos.Column)
}

// relative shortens a path, or a text that begins with one.
func relative(path string) string {
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	return strings.TrimPrefix(path, here+string(filepath.Separator))
}
