package codec_test

import (
	"encoding/binary"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/gostitch/gostitch/gocore/codec"
	"github.com/gostitch/gostitch/gocore/internal/golden"
)

type inner struct {
	Name  string
	Score float64
}

type level int

// everything has one field of each kind that crosses.
type everything struct {
	Flag     bool
	Small    int8
	Big      int64
	Count    uint64
	Half     float32
	Real     float64
	Text     string
	Data     []byte
	Names    []string
	Nested   []inner
	Table    map[string]int64
	One      inner
	Maybe    *int64
	Missing  *inner
	Named    level
	hidden   int
	Left     string `gostitch:"-"`
	Renamed  string `gostitch:"other,path,default=x,y"`
	HTTPCode int
	When     time.Time
	Took     time.Duration
}

func sample() everything {
	seven := int64(-7)
	return everything{
		Flag: true, Small: -128, Big: math.MinInt64, Count: math.MaxUint64, Half: 0.5, Real: -1e300,
		Text: "grüße \U0001F600", Data: []byte{0, 255}, Names: []string{"", "a"},
		Nested: []inner{{"x", 1}, {"y", math.Inf(1)}}, Table: map[string]int64{"k": 1},
		One: inner{"one", 0}, Maybe: &seven, Named: 3, Renamed: "/tmp", HTTPCode: 100,
		When: time.Unix(-1, 5000).UTC(), Took: -1500 * time.Microsecond,
	}
}

func compile[T any](t testing.TB) *codec.Plan {
	t.Helper()
	plan, err := codec.Compile[T]()
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func encode[T any](t testing.TB, value T) []byte {
	t.Helper()
	return compile[T](t).Append(nil, unsafe.Pointer(&value))
}

func decode[T any](t testing.TB, frame []byte, buffers ...[]byte) (value T, err error) {
	t.Helper()
	err = compile[T](t).Decode(frame, buffers, unsafe.Pointer(&value))
	return value, err
}

// paths are fields with that option, of each type that can have it.
type paths struct {
	One   string            `gostitch:",path"`
	Maybe *string           `gostitch:",path"`
	Many  []string          `gostitch:",path"`
	Named map[string]string `gostitch:",path"`
	Text  string
}

// Every kind comes back as it went.
func TestRoundTripKeepsEveryKind(t *testing.T) {
	t.Parallel()
	want := sample()
	got, err := decode[everything](t, encode(t, want))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// The bytes are the golden ones, which Python reads too.
func TestGoldenValues(t *testing.T) {
	t.Parallel()
	golden.Check(t, "value_everything", encode(t, sample()))
	golden.Check(t, "value_zero", encode(t, everything{}))
	golden.Check(t, "value_text_not_utf8", encode(t, "a\xffb"))
	golden.Check(t, "value_paths_not_utf8", encode(t, pathsNotUTF8()))
}

// The contract names fields, types, paths and defaults, but not Go's names.
func TestSchemaIsCanonical(t *testing.T) {
	t.Parallel()
	want := "{flag:bool,small:int8,big:int64,count:uint64,half:float32,real:float64,text:str,data:bytes," +
		"names:list[str],nested:list[{name:str,score:float64}],table:map[int64],one:{name:str,score:float64}," +
		"maybe:optional[int64],missing:optional[{name:str,score:float64}],named:int64,other:str/path=x,y,http_code:int64,when:time,took:duration}"
	if got := compile[everything](t).Schema.String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// A field that does not fit is named as Python would write it, with what was
// expected and what came.
func TestDecodeNamesThePlace(t *testing.T) {
	t.Parallel()
	type args struct {
		Items []inner
		Limit int8
		Table map[string]bool
		Level *int
	}
	cases := map[string]struct {
		frame    any
		want     string
		mismatch bool
	}{
		"wrong type":    {[]any{[]any{}, "x", map[string]bool{}, nil}, "limit: expected int, got str", true},
		"nested":        {[]any{[]any{[]any{"a", 1.0}, []any{2, 1.0}}, 1, map[string]bool{}, nil}, "items[1].name: expected str, got int", true},
		"map value":     {[]any{[]any{}, 1, map[string]string{"k": "v"}, nil}, "table[k]: expected bool, got str", true},
		"range":         {[]any{[]any{}, 300, map[string]bool{}, nil}, "limit: 300 is out of range for a 8-bit int", false},
		"none":          {[]any{[]any{}, nil, map[string]bool{}, nil}, "limit: expected int, got None", true},
		"optional":      {[]any{[]any{}, 1, map[string]bool{}, "x"}, "level: expected int, got str", true},
		"float for int": {[]any{[]any{}, 1.5, map[string]bool{}, nil}, "limit: expected int, got float", true},
		"bool for int":  {[]any{[]any{}, true, map[string]bool{}, nil}, "limit: expected int, got bool", true},
		"fields":        {[]any{1}, "a record of 1 fields came where 4 were expected", false},
		"no record":     {"x", "expected list, got str", true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := decode[args](t, pack(t, c.frame))
			v, isValue := err.(*codec.ValueError)
			if !isValue || v.TypeMismatch != c.mismatch || v.Error() != c.want {
				t.Errorf("got %v (%+v), want %s", err, v, c.want)
			}
		})
	}
}

// Every truncation of a frame, and every excess, is an error and no panic.
func TestDecodeRefusesCutFrames(t *testing.T) {
	t.Parallel()
	frame := encode(t, sample())
	for n := range frame {
		if _, err := decode[everything](t, frame[:n]); err == nil {
			t.Errorf("%d of %d bytes were enough", n, len(frame))
		}
	}
	if _, err := decode[everything](t, append(frame, 0)); err == nil {
		t.Error("a byte too many was accepted")
	}
}

// A header that promises more than the frame holds allocates nothing for it.
func TestDecodeBoundsAllocation(t *testing.T) {
	huge := binary.BigEndian.AppendUint32([]byte{0xdd}, math.MaxUint32)
	allocated := testing.AllocsPerRun(1, func() {
		if _, err := decode[[]everything](t, huge); err == nil {
			t.Error("4 G elements out of 5 bytes")
		}
	})
	if allocated > 5000 {
		t.Errorf("%v allocations", allocated)
	}
}

// Bytes beside the frame are lent, not copied; a wrong reference is refused.
func TestBuffersAreLent(t *testing.T) {
	t.Parallel()
	type args struct{ Data []byte }
	reference := func(index uint32) []byte {
		return append([]byte{0x91, 0xd6, codec.BufferExt}, binary.BigEndian.AppendUint32(nil, index)...)
	}
	golden.Check(t, "value_buffer_reference", reference(0))
	buffer := []byte("beside")
	got, err := decode[args](t, reference(0), buffer)
	if err != nil || unsafe.SliceData(got.Data) != unsafe.SliceData(buffer) {
		t.Errorf("got %q, %v", got.Data, err)
	}
	for _, frame := range [][]byte{reference(1), reference(math.MaxUint32), {0x91, 0xd4, 2, 0}, {0x91, 0xd4, 1, 0}} {
		if _, err := decode[args](t, frame, buffer); err == nil {
			t.Errorf("% x was accepted", frame)
		}
	}
}

func pathsNotUTF8() paths {
	maybe := "b\xff"
	return paths{"a\xff", &maybe, []string{"c\xff", "grüße"}, map[string]string{"k": "d\xff"}, "e"}
}

// A path that is not UTF-8 comes back as it went, wherever the option says that
// it is one; text beside it stays text.
func TestPathsKeepTheirBytes(t *testing.T) {
	t.Parallel()
	want := pathsNotUTF8()
	got, err := decode[paths](t, encode(t, want))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
	}
	type mixed struct {
		Path string `gostitch:",path"`
		Text string
	}
	got2, err := decode[mixed](t, encode(t, mixed{"\xff", "\xff"}))
	if want2 := (mixed{"\xff", "\uFFFD"}); err != nil || got2 != want2 {
		t.Errorf("got %+v, %v, want %+v", got2, err, want2)
	}
}

// A path that is not UTF-8 crosses as bytes and is the same string in Go.
func TestStringsTakeBytes(t *testing.T) {
	t.Parallel()
	got, err := decode[string](t, []byte{0xc4, 2, 'a', 0xff})
	if err != nil || got != "a\xff" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := decode[string](t, []byte{0xa2, 'a', 0xff}); err == nil {
		t.Error("text that is not UTF-8 was accepted as text")
	}
}

type recursive struct{ Next *recursive }

// Types that cannot cross are refused with what to use instead.
func TestCompileRefuses(t *testing.T) {
	t.Parallel()
	refuse := func(name string, err error, want string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want ...%s...", name, err, want)
		}
	}
	_, err := codec.Compile[struct{ C chan int }]()
	refuse("channel", err, "field C: type chan int (chan) cannot cross")
	_, err = codec.Compile[map[int]string]()
	refuse("map key", err, "use string keys")
	_, err = codec.Compile[**int]()
	refuse("double pointer", err, "one pointer says optional")
	_, err = codec.Compile[recursive]()
	refuse("recursion", err, "contains itself")
	_, err = codec.Compile[any]()
	refuse("interface", err, "cannot cross")
	_, err = codec.Compile[struct {
		A int `gostitch:"a,optional"`
	}]()
	refuse("unknown option", err, `unknown option "optional"`)
}

// Go names become Python names.
func TestSnakeCase(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"URL": "url", "MaxBytes": "max_bytes", "HTTPServerURL": "http_server_url", "A": "a",
		"AttemptTimeoutS": "attempt_timeout_s", "Int8": "int8", "Already_snake": "already_snake",
	} {
		if got := codec.SnakeCase(name); got != want {
			t.Errorf("%s became %s, want %s", name, got, want)
		}
	}
}

// Arbitrary bytes decode to a value or an error, never a panic, and a value
// survives another round trip.
func FuzzDecode(f *testing.F) {
	for _, frame := range golden.All(f) {
		f.Add(frame)
	}
	plan := compile[everything](f)
	f.Fuzz(func(t *testing.T, frame []byte) {
		var value everything
		if plan.Decode(frame, [][]byte{{1, 2, 3}}, unsafe.Pointer(&value)) != nil {
			return
		}
		again := plan.Append(nil, unsafe.Pointer(&value))
		var same everything
		if err := plan.Decode(again, nil, unsafe.Pointer(&same)); err != nil {
			t.Fatalf("the encoding of a decoded value does not decode: %v", err)
		}
	})
}
