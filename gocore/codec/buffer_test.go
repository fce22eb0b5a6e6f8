package codec_test

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"
	"unsafe"

	"github.com/gostitch/gostitch/gocore/codec"
	"github.com/gostitch/gostitch/gocore/internal/golden"
	"github.com/gostitch/gostitch/gocore/table"
)

// items has buffers wherever one can be.
type items struct {
	Small codec.Buffer[int16]
	Real  codec.Buffer[float64]
	Flags codec.Buffer[bool]
	None  codec.Buffer[uint32]
	Many  []codec.Buffer[int8]
	Named map[string]codec.Buffer[uint64]
	Maybe *codec.Buffer[float32]
	Plain []float64
}

func sampleItems() items {
	return items{
		Small: codec.Buffer[int16]{-2, 1}, Real: codec.Buffer[float64]{0.5, math.Inf(-1)}, Flags: codec.Buffer[bool]{true, false},
		Many: []codec.Buffer[int8]{{-1}, {}}, Named: map[string]codec.Buffer[uint64]{"k": {math.MaxUint64}}, Plain: []float64{1},
	}
}

// In a frame alone, buffers stand in it, and come back as they went.
func TestGoldenItems(t *testing.T) {
	t.Parallel()
	want := sampleItems()
	frame := encode(t, want)
	golden.Check(t, "value_items", frame)
	got, err := decode[items](t, frame)
	if err != nil {
		t.Fatal(err)
	}
	if string(encode(t, got)) != string(frame) || got.Named["k"][0] != math.MaxUint64 || got.Real[1] != math.Inf(-1) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if address := uintptr(unsafe.Pointer(&got.Real[0])); address%8 != 0 {
		t.Errorf("the numbers are at %x", address)
	}
}

// The contract tells buffers from lists, and by their items.
func TestSchemaOfBuffers(t *testing.T) {
	t.Parallel()
	plan, err := codec.CompileArguments[struct {
		In    codec.Buffer[int32]
		Out   codec.Mutable[float64]
		Maybe *codec.Mutable[bool]
		Plain []int32
	}]()
	if err != nil {
		t.Fatal(err)
	}
	if want := "{in:buffer[int32],out:mutable[float64],maybe:optional[mutable[bool]],plain:list[int32]}"; plan.Schema.String() != want {
		t.Errorf("got %s, want %s", plan.Schema, want)
	}
}

// What a function writes to is a parameter and nothing else.
func TestMutableIsForParameters(t *testing.T) {
	t.Parallel()
	type deep struct{ In codec.Mutable[int8] }
	_, inside := codec.CompileArguments[struct{ Deep deep }]()
	_, listed := codec.CompileArguments[struct{ List []codec.Mutable[int8] }]()
	_, mapped := codec.CompileArguments[struct {
		Map map[string]codec.Mutable[int8]
	}]()
	_, result := codec.Compile[codec.Mutable[int8]]()
	for _, err := range []error{inside, listed, mapped, result} {
		if err == nil || !strings.Contains(err.Error(), "is for a parameter") {
			t.Errorf("got %v", err)
		}
	}
}

// reference is a frame of one field that lies beside it.
var reference = []byte{0x91, 0xd6, codec.BufferExt, 0, 0, 0, 0}

// A buffer beside the frame is the caller's memory, of whole items, aligned, and of
// bools that are such.
func TestBuffersBesideTheFrame(t *testing.T) {
	t.Parallel()
	words := []float64{1, 2, 3}
	memory := unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), 24)
	got, err := decode[struct{ Values codec.Buffer[float64] }](t, reference, memory)
	if err != nil || &got.Values[0] != &words[0] || len(got.Values) != 3 || cap(got.Values) != 3 {
		t.Errorf("got %v, %v", got, err)
	}
	for reason, beside := range map[string][]byte{
		"values: 23 bytes are no whole number of float64":   memory[:23],
		"values: the memory is not aligned to 8 bytes":      memory[1:9],
		"values: expected bytes, got list":                  nil,
		"values: buffer 0 of 0 does not exist":              {},
		"values: a bool of the buffer is neither 0 nor 1":   {0, 1, 0, 1, 0, 1, 0, 1, 2},
		"values: what a function writes to must cross besi": {1},
	} {
		switch {
		case strings.Contains(reason, "expected bytes"):
			_, err = decode[struct{ Values codec.Buffer[float64] }](t, []byte{0x91, 0x90})
		case strings.Contains(reason, "does not exist"):
			_, err = decode[struct{ Values codec.Buffer[float64] }](t, reference)
		case strings.Contains(reason, "a bool"):
			_, err = decode[struct{ Values codec.Buffer[bool] }](t, reference, beside)
		case strings.Contains(reason, "writes to"):
			plan, compileErr := codec.CompileArguments[struct{ Values codec.Mutable[int8] }]()
			if compileErr != nil {
				t.Fatal(compileErr)
			}
			var value struct{ Values codec.Mutable[int8] }
			err = plan.Decode([]byte{0x91, 0xc4, 1, 7}, nil, unsafe.Pointer(&value))
		default:
			_, err = decode[struct{ Values codec.Buffer[float64] }](t, reference, beside)
		}
		if err == nil || !strings.HasPrefix(err.Error(), reason) {
			t.Errorf("got %v, want %s", err, reason)
		}
	}
}

// Given to Python, large buffers stay where they are, small ones are copied, and
// those that lie in what was lent are too.
func TestGive(t *testing.T) {
	t.Parallel()
	large, lent := make([]float64, codec.CopyBelow/8), make([]int8, codec.CopyBelow)
	value := items{Real: large, Many: []codec.Buffer[int8]{lent, {1}}, Named: map[string]codec.Buffer[uint64]{}}
	in := codec.NewInput(nil, [][]byte{unsafe.Slice((*byte)(unsafe.Pointer(&lent[0])), len(lent))})
	out := codec.NewOutput([]byte("before"), &in)
	plan := compile[items](t)
	plan.Give(&out, unsafe.Pointer(&value))
	if !plan.Holds() || len(out.Held) != 2 || out.Held[0] != unsafe.Pointer(&large[0]) || out.Held[1] == unsafe.Pointer(&lent[0]) {
		t.Fatalf("held %v", out.Held)
	}
	if out.Size != 2*codec.CopyBelow || !strings.HasPrefix(string(out.Frame), "before") {
		t.Errorf("%d bytes, frame %x", out.Size, out.Frame)
	}
	for _, address := range out.Held {
		said := binary.BigEndian.AppendUint64([]byte{0xd8, codec.MemoryExt}, uint64(uintptr(address)))
		if said = binary.BigEndian.AppendUint64(said, codec.CopyBelow); !strings.Contains(string(out.Frame), string(said)) {
			t.Errorf("the frame %x lacks %x", out.Frame, said)
		}
	}
	if compile[inner](t).Holds() {
		t.Error("a struct without buffers holds some")
	}
}

func sampleTable(t *testing.T) table.Table {
	t.Helper()
	first, err := table.New(
		table.Numbers("n", []int64{1, -2, 3}).Valid([]bool{true, true, false}),
		table.Strings("t", []string{"a", "", "ü"}),
		table.Bools("b", []bool{true, false, true}),
	)
	if err != nil {
		t.Fatal(err)
	}
	return first
}

// A table in a frame is the same from both sides.
func TestGoldenTable(t *testing.T) {
	t.Parallel()
	golden.Check(t, "value_table", encode(t, sampleTable(t)))
}

// A table is for results; given to Python, its large columns stay where they are.
func TestTables(t *testing.T) {
	t.Parallel()
	_, argument := codec.CompileArguments[struct{ T table.Table }]()
	_, answer := codec.CompileTaken[[]table.Table]()
	for _, err := range []error{argument, answer} {
		if err == nil || !strings.Contains(err.Error(), "is for results; take a gocore.Buffer for each column") {
			t.Errorf("got %v", err)
		}
	}
	large := make([]int32, codec.CopyBelow)
	value, err := table.New(table.Numbers("large", large), table.Categories("codes", large, []string{"x"}), table.Bools("small", make([]bool, len(large))))
	if err != nil {
		t.Fatal(err)
	}
	plan, out := compile[table.Table](t), codec.NewOutput(nil, nil)
	plan.Give(&out, unsafe.Pointer(&value))
	if plan.Schema.String() != "table" || len(out.Held) != 2 || out.Held[0] != unsafe.Pointer(&large[0]) || out.Size != 8*len(large) {
		t.Errorf("%s holds %v, %d bytes", plan.Schema, out.Held, out.Size)
	}
}
