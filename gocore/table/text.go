package table

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"
)

// Strings makes a column of texts, which are copied into one piece of memory.
// What is not UTF-8 becomes U+FFFD.
func Strings(name string, values []string) Column {
	size := 0
	for _, s := range values {
		size += len(s)
	}
	b := Texts{data: make([]byte, 0, min(size, math.MaxInt32)), offsets: make([]int32, 1, len(values)+1)}
	for _, s := range values {
		b.Append(s)
	}
	return b.Column(name)
}

// Blobs makes a column of bytes, which are copied into one piece of memory.
func Blobs(name string, values [][]byte) Column {
	size := 0
	for _, b := range values {
		size += len(b)
	}
	if size > math.MaxInt32 {
		return Column{field: Field{Name: name}, err: errLarge}
	}
	data, offsets := make([]byte, 0, size), make([]int32, 1, len(values)+1)
	for _, b := range values {
		data = append(data, b...)
		offsets = append(offsets, int32(len(data)))
	}
	return column(name, "z", len(values), bytesOf(offsets), data)
}

// TextAt makes a column of texts that stand in data, one after the other, where
// they are: text i reaches from offsets[i] to offsets[i+1], so there is one more
// offset than texts.
func TextAt(name string, offsets []int32, data []byte) Column {
	c := at(name, "u", offsets, data)
	if c.err != nil || len(offsets) == 0 {
		return c
	}
	// Others take for granted what is checked here, and would read at random.
	if !utf8.Valid(data[offsets[0]:offsets[len(offsets)-1]]) {
		c.err = errors.New("the text is not UTF-8; use BlobsAt, or strings.ToValidUTF8")
		return c
	}
	for i, o := range offsets {
		if int(o) < len(data) && !utf8.RuneStart(data[o]) {
			c.err = fmt.Errorf("offset %d is %d, in the middle of a character", i, o)
			break
		}
	}
	return c
}

// BlobsAt is TextAt for bytes.
func BlobsAt(name string, offsets []int32, data []byte) Column { return at(name, "z", offsets, data) }

func at(name, format string, offsets []int32, data []byte) Column {
	if len(offsets) == 0 {
		offsets = []int32{0}
	}
	c := column(name, format, len(offsets)-1, bytesOf(offsets), data)
	last := int32(0)
	for i, o := range offsets {
		if o < last || int(o) > len(data) {
			c.err = fmt.Errorf("offset %d is %d, which is less than the one before it or beyond the %d bytes of data", i, o, len(data))
			break
		}
		last = o
	}
	return c
}

// Texts collects the texts of a column in one piece of memory, which costs less
// than a string each. The zero value is ready to use.
type Texts struct {
	data    []byte
	offsets []int32
	valid   []byte // bits; nil as long as none is missing
	nulls   int
	large   bool
}

// Append adds a text. What is not UTF-8 becomes U+FFFD.
func (t *Texts) Append(s string) {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	t.add(s, true)
}

// AppendNull adds a text that is missing.
func (t *Texts) AppendNull() { t.add("", false) }

func (t *Texts) add(s string, valid bool) {
	if len(t.offsets) == 0 {
		t.offsets = append(t.offsets, 0)
	}
	row := len(t.offsets) - 1
	if len(t.data)+len(s) > math.MaxInt32 {
		t.large, s = true, ""
	}
	t.data = append(t.data, s...)
	t.offsets = append(t.offsets, int32(len(t.data)))
	if valid && t.valid == nil {
		return
	}
	if t.valid == nil { // all before are there
		t.valid, _ = packed(make([]bool, row))
		for i := range row {
			t.valid[i/8] |= 1 << (i % 8)
		}
	}
	if row/8 == len(t.valid) {
		t.valid = append(t.valid, 0)
	}
	if valid {
		t.valid[row/8] |= 1 << (row % 8)
	} else {
		t.nulls++
	}
}

// Len gives the number of texts.
func (t *Texts) Len() int { return max(0, len(t.offsets)-1) }

// Column makes the column of what was collected, where it is. Nothing more can be
// collected then.
func (t *Texts) Column(name string) Column {
	if t.large {
		return Column{field: Field{Name: name}, err: errLarge}
	}
	offsets := t.offsets
	if len(offsets) == 0 {
		offsets = []int32{0}
	}
	c := column(name, "u", len(offsets)-1, bytesOf(offsets), t.data)
	if t.valid != nil {
		c = c.withValidity(t.valid, t.nulls)
	}
	return c
}
