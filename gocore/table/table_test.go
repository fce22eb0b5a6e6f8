package table_test

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/gostitch/gostitch/gocore/table"
)

func made(t *testing.T, columns ...table.Column) table.Table {
	t.Helper()
	result, err := table.New(columns...)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// one gives the memory of a table's only column, which has one batch.
func one(t *testing.T, column table.Column) (table.Field, table.Data) {
	t.Helper()
	result := made(t, column)
	return result.Fields()[0], result.Batches()[0].Columns[0]
}

type celsius float32

// Numbers stay where they are, in the format of their type.
func TestNumbersAreNotCopied(t *testing.T) {
	t.Parallel()
	values := []celsius{1, 2, 3}
	field, data := one(t, table.Numbers("t", values))
	if field.Format != "f" || field.Nullable || data.Length != 3 || data.Nulls != 0 || data.Buffers[0] != nil {
		t.Errorf("got %+v, %+v", field, data)
	}
	if unsafe.Pointer(&data.Buffers[1][0]) != unsafe.Pointer(&values[0]) || len(data.Buffers[1]) != 12 {
		t.Error("the numbers were copied")
	}
	for want, column := range map[string]table.Column{
		"c": table.Numbers("", []int8{1}), "C": table.Numbers("", []uint8{1}), "s": table.Numbers("", []int16{1}),
		"S": table.Numbers("", []uint16{1}), "i": table.Numbers("", []int32{1}), "I": table.Numbers("", []uint32{1}),
		"l": table.Numbers("", []int{1}), "L": table.Numbers("", []uint64{1}), "g": table.Numbers("", []float64{1}),
	} {
		if field, _ := one(t, column); field.Format != want {
			t.Errorf("the format is %s, want %s", field.Format, want)
		}
	}
}

// Bools and validity are bits, the first lowest.
func TestBits(t *testing.T) {
	t.Parallel()
	bools := []bool{true, false, true, false, false, false, false, false, true}
	_, data := one(t, table.Bools("b", bools))
	if string(data.Buffers[1]) != "\x05\x01" {
		t.Errorf("got % x", data.Buffers[1])
	}
	field, data := one(t, table.Numbers("n", make([]int8, 9)).Valid(bools))
	if !field.Nullable || data.Nulls != 6 || string(data.Buffers[0]) != "\x05\x01" {
		t.Errorf("got %+v, %+v", field, data)
	}
	field, data = one(t, table.Numbers("n", make([]int8, 2)).Valid([]bool{true, true}))
	if !field.Nullable || data.Nulls != 0 || data.Buffers[0] != nil {
		t.Errorf("a column of which nothing is missing has %+v, %+v", field, data)
	}
}

func offsets(data table.Data) []int32 {
	found := make([]int32, len(data.Buffers[1])/4)
	for i := range found {
		found[i] = int32(binary.LittleEndian.Uint32(data.Buffers[1][4*i:]))
	}
	return found
}

// Texts stand one after the other, and are UTF-8 whatever they were.
func TestTexts(t *testing.T) {
	t.Parallel()
	_, data := one(t, table.Strings("s", []string{"a", "", "b\xffc", "ü"}))
	if got := offsets(data); string(data.Buffers[2]) != "ab\uFFFDcü" || len(got) != 5 || got[2] != 1 || got[4] != int32(len(data.Buffers[2])) {
		t.Errorf("got %q, %v", data.Buffers[2], got)
	}
	field, data := one(t, table.Blobs("b", [][]byte{{0xff}, nil, {0}}))
	if field.Format != "z" || string(data.Buffers[2]) != "\xff\x00" || offsets(data)[1] != 1 {
		t.Errorf("got %+v, %+v", field, data)
	}
}

// A builder notes what is missing, wherever it begins.
func TestTextsThatAreMissing(t *testing.T) {
	t.Parallel()
	for first := range 20 {
		var texts table.Texts
		for i := range 20 {
			if i >= first && i%2 == 0 {
				texts.AppendNull()
			} else {
				texts.Append("x")
			}
		}
		field, data := one(t, texts.Column("t"))
		nulls := 0
		for i := range 20 {
			missing := i >= first && i%2 == 0
			if missing {
				nulls++
			}
			if data.Buffers[0] != nil && (data.Buffers[0][i/8]>>(i%8)&1 == 0) != missing {
				t.Errorf("from %d on: row %d is wrong in % x", first, i, data.Buffers[0])
			}
		}
		if texts.Len() != 20 || data.Nulls != nulls || field.Nullable != (nulls > 0) || len(data.Buffers[2]) != 20-nulls {
			t.Errorf("from %d on: %+v, %+v", first, field, data)
		}
	}
	empty := made(t, new(table.Texts).Column("t"))
	if empty.Rows() != 0 || len(empty.Batches()) != 0 || len(empty.Fields()) != 1 {
		t.Errorf("got %+v", empty)
	}
}

// Text that stands somewhere already is not copied, but checked: a reader would
// take it as it is.
func TestTextAt(t *testing.T) {
	t.Parallel()
	data := []byte("xgrüße")
	_, column := one(t, table.TextAt("t", []int32{1, 3, 5, 8}, data))
	if &column.Buffers[2][0] != &data[0] || column.Length != 3 {
		t.Error("the text was copied")
	}
	for want, c := range map[string]table.Column{
		"offset 1 is 4, in the middle of a character":          table.TextAt("t", []int32{1, 4, 8}, data),
		"offset 1 is 9, which is less than the one before it ": table.TextAt("t", []int32{1, 9}, data),
		"offset 2 is 1, which is less than the one before it ": table.TextAt("t", []int32{1, 3, 1}, data),
		"offset 0 is -1, which is less":                        table.BlobsAt("t", []int32{-1, 3}, data),
		"the text is not UTF-8; use BlobsAt":                   table.TextAt("t", []int32{0, 1}, []byte{0xff}),
	} {
		if _, err := table.New(c); err == nil || !strings.Contains(err.Error(), `column "t": `+want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if got := made(t, table.TextAt("t", nil, nil)); got.Rows() != 0 {
		t.Errorf("got %+v", got)
	}
}

// Points in time and durations are microseconds.
func TestTimes(t *testing.T) {
	t.Parallel()
	field, data := one(t, table.Times("t", []time.Time{time.Unix(1, 5999), {}}))
	if want := binary.LittleEndian.AppendUint64(nil, 1_000_005); field.Format != "tsu:UTC" || string(data.Buffers[1][:8]) != string(want) {
		t.Errorf("got %+v, % x", field, data.Buffers[1])
	}
	field, data = one(t, table.Durations("d", []time.Duration{-1500}))
	if minusOne := binary.LittleEndian.AppendUint64(nil, math.MaxUint64); field.Format != "tDu" || string(data.Buffers[1]) != string(minusOne) {
		t.Errorf("got %+v, % x", field, data.Buffers[1])
	}
}

// Categories have their values beside their codes, which are all known.
func TestCategories(t *testing.T) {
	t.Parallel()
	field, data := one(t, table.Categories("c", []int32{1, 0, 1}, []string{"a", "b"}))
	if field.Format != "i" || field.Values.Format != "u" || data.Values.Length != 2 || len(data.Buffers[1]) != 12 {
		t.Errorf("got %+v, %+v", field, data)
	}
	for _, codes := range [][]int32{{0, 2}, {0, -1}} {
		if _, err := table.New(table.Categories("c", codes, []string{"a", "b"})); err == nil || !strings.Contains(err.Error(), "of row 1 is none of 2 values") {
			t.Errorf("%v: got %v", codes, err)
		}
	}
}

// What does not fit together is said with the columns' names.
func TestNewRefuses(t *testing.T) {
	t.Parallel()
	numbers := table.Numbers("n", []int{1, 2})
	for want, columns := range map[string][]table.Column{
		`column "m" has 1 rows, and "n" has 2`:                    {numbers, table.Numbers("m", []int{1})},
		`two columns are called "n"`:                              {numbers, numbers},
		"column 1 of 2 is the zero Column":                        {numbers, {}},
		`the column name "\xff" is not UTF-8`:                     {table.Numbers("\xff", []int{1})},
		`column "n": 2 values, and 1 bools that say which of the`: {numbers.Valid([]bool{true})},
	} {
		if _, err := table.New(columns...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// Tables are joined without a copy, and must have the same columns.
func TestJoin(t *testing.T) {
	t.Parallel()
	first, second := made(t, table.Numbers("n", []int{1, 2})), made(t, table.Numbers("n", []int{3}).Valid([]bool{false}))
	none := made(t, table.Numbers("n", []int(nil)))
	joined, err := table.Join(first, none, second)
	if err != nil || joined.Rows() != 3 || len(joined.Batches()) != 2 || !joined.Fields()[0].Nullable {
		t.Errorf("got %+v, %v", joined, err)
	}
	if first.Fields()[0].Nullable {
		t.Error("joining changed what was joined")
	}
	if empty, err := table.Join(); err != nil || empty.Rows() != 0 {
		t.Errorf("got %+v, %v", empty, err)
	}
	for want, other := range map[string]table.Table{
		"table 1 differs from the first: it has 0 columns, not 1":                             {},
		`table 1 differs from the first: its column 0 is "n" of strings, not "n" of int64`:    made(t, table.Strings("n", []string{"x"})),
		`table 1 differs from the first: its column 0 is "m" of int64, not "n" of int64`:      made(t, table.Numbers("m", []int{1})),
		`table 1 differs from the first: its column 0 is "n" of categories, not "n" of int64`: made(t, table.Categories("n", []int32{0}, []string{"x"})),
	} {
		if _, err := table.Join(first, other); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
