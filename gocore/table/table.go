// Package table makes tables of typed columns, in the memory layout of Apache
// Arrow: Python, pyarrow, polars, duckdb and others read them where they are.
//
//	return table.New(
//		table.Strings("path", paths),
//		table.Numbers("line", lines),
//		table.Numbers("took_s", took).Valid(known),
//	)
//
// What a table is made of must not be changed any more.
package table

import (
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"
)

// Table is columns of the same length, in one or more batches. The zero value has
// no columns and no rows.
type Table struct {
	fields  []Field
	batches []Batch
}

// Field is what a column is in every batch.
type Field struct {
	Name     string
	Format   string // as the Arrow C data interface spells types
	Nullable bool   // some values may be missing
	Values   *Field // what the numbers of a column of categories stand for; nil for others
}

// Batch is some rows.
type Batch struct {
	Rows    int
	Columns []Data
}

// Data is a column's memory in one batch, as Arrow lays it out for the format of
// its field.
type Data struct {
	Length  int
	Nulls   int
	Buffers [][]byte // validity (nil: all are valid), then offsets if there are such, then values
	Values  *Data    // of Field.Values
}

// New makes a table of one batch, or says what is wrong with a column.
func New(columns ...Column) (Table, error) {
	t := Table{fields: make([]Field, len(columns))}
	batch := Batch{Columns: make([]Data, len(columns))}
	named := map[string]bool{}
	for i, c := range columns {
		name := c.field.Name
		switch {
		case c.err != nil:
			return Table{}, fmt.Errorf("column %q: %w", name, c.err)
		case c.field.Format == "":
			return Table{}, fmt.Errorf("column %d of %d is the zero Column; make each with Numbers, Strings or another function", i, len(columns))
		case !utf8.ValidString(name):
			return Table{}, fmt.Errorf("the column name %q is not UTF-8", name)
		case named[name]:
			return Table{}, fmt.Errorf("two columns are called %q", name)
		case c.data.Length != columns[0].data.Length:
			return Table{}, fmt.Errorf("column %q has %d rows, and %q has %d; all columns of a table have the same number", name, c.data.Length, columns[0].field.Name, columns[0].data.Length)
		}
		named[name] = true
		t.fields[i], batch.Columns[i], batch.Rows = c.field, c.data, c.data.Length
	}
	if batch.Rows > 0 {
		t.batches = []Batch{batch}
	}
	return t, nil
}

// Join puts the rows of tables one after the other, each as batches of their own:
// nothing is copied. All must have the same columns.
func Join(tables ...Table) (Table, error) {
	if len(tables) == 0 {
		return Table{}, nil
	}
	joined := Table{fields: slices.Clone(tables[0].fields)}
	for i, t := range tables {
		if err := joined.merge(t.fields); err != nil {
			return Table{}, fmt.Errorf("table %d differs from the first: %w", i, err)
		}
		joined.batches = append(joined.batches, t.batches...)
	}
	return joined, nil
}

// merge checks that other fields are the same, but for values that may be missing.
func (t *Table) merge(fields []Field) error {
	if len(fields) != len(t.fields) {
		return fmt.Errorf("it has %d columns, not %d", len(fields), len(t.fields))
	}
	for i, f := range fields {
		have := &t.fields[i]
		if f.Name != have.Name || f.Format != have.Format || (f.Values == nil) != (have.Values == nil) {
			return fmt.Errorf("its column %d is %q of %s, not %q of %s", i, f.Name, f.kind(), have.Name, have.kind())
		}
		have.Nullable = have.Nullable || f.Nullable
	}
	return nil
}

// Rows gives the number of rows.
func (t Table) Rows() int {
	rows := 0
	for _, b := range t.batches {
		rows += b.Rows
	}
	return rows
}

// Fields gives what the columns are.
func (t Table) Fields() []Field { return t.fields }

// Batches gives the rows, some at a time.
func (t Table) Batches() []Batch { return t.batches }

// kinds are the formats in words.
var kinds = map[string]string{
	"b": "bools", "c": "int8", "C": "uint8", "s": "int16", "S": "uint16", "i": "int32", "I": "uint32", "l": "int64", "L": "uint64",
	"f": "float32", "g": "float64", "u": "strings", "z": "bytes", timesFormat: "times", durationsFormat: "durations",
}

func (f Field) kind() string {
	if f.Values != nil {
		return "categories"
	}
	return kinds[f.Format]
}

// errLarge is for what 32-bit offsets cannot reach.
var errLarge = errors.New("it holds more than 2 GiB; make several tables of the rows, and join them")
