package main

import (
	"cmp"
	"fmt"
	"go/types"
	"reflect"
	"slices"
	"strings"

	"github.com/gostitch/gostitch/gocore/codec"
)

// notes collects what may not be meant, though it is no mistake: fields with a
// json tag that says something else than what Python will see.
type notes map[string]string // by place, since a struct may be met many times

func (n notes) lines() []string {
	var lines []string
	for at, text := range n {
		lines = append(lines, at+": note: "+text)
	}
	slices.SortFunc(lines, cmp.Compare[string])
	return lines
}

// jsonTag notes a field whose json tag has another name, or hides the field. A
// gostitch tag shows that somebody thought of Python.
func (n notes) jsonTag(at string, goField *types.Var, tag reflect.StructTag, field codec.Field) {
	json, tagged := tag.Lookup("json")
	_, ours := tag.Lookup(codec.TagKey)
	name, _, _ := strings.Cut(json, ",")
	switch {
	case !tagged || ours || name == "":
	case json == "-":
		n[at] = fmt.Sprintf("%s crosses as %s, for a json tag hides it from JSON alone; add the tag %s:\"-\" to hide it from Python, or %s:%q to say that it is meant", goField.Name(), field.Name, codec.TagKey, codec.TagKey, field.Name)
	case codec.SnakeCase(name) != field.Name:
		n[at] = fmt.Sprintf("%s is %s in Python, for a json tag names it in JSON alone; add the tag %s:%q for that name, or %s:%q to say that it is meant", goField.Name(), field.Name, codec.TagKey, name, codec.TagKey, field.Name)
	}
}
