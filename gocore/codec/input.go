package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/tinylib/msgp/msgp"
)

// ValueError says where in a frame a value does not fit. TypeMismatch tells a
// wrong type (Python: TypeError) from a wrong value (Python: ValueError).
type ValueError struct {
	Path         string // as Python would write it: items[3].url
	Reason       string
	TypeMismatch bool
}

// Error names the place first.
func (e *ValueError) Error() string {
	if e.Path == "" {
		return e.Reason
	}
	return e.Path + ": " + e.Reason
}

// Decode fills the value at p, which must point to the type of the plan, from
// a frame. Bytes fields alias the frame or one of the buffers.
func (pl *Plan) Decode(frame []byte, buffers [][]byte, p unsafe.Pointer) error {
	return pl.DecodeInput(&Input{rest: frame, frame: frame, buffers: buffers}, p)
}

// DecodeInput is Decode for an input whose memory the caller has already; it
// can be used once.
func (pl *Plan) DecodeInput(in *Input, p unsafe.Pointer) error {
	if err := pl.ops.decode(in, p); err != nil {
		return err
	}
	if len(in.rest) != 0 {
		return &ValueError{Reason: fmt.Sprintf("%d bytes follow the value", len(in.rest))}
	}
	return nil
}

// Append writes the value at p, which must point to the type of the plan, to
// the end of out.
func (pl *Plan) Append(out []byte, p unsafe.Pointer) []byte { return pl.ops.encode(out, p) }

// IsBytes tells whether the type is a plain byte slice, which crosses without
// a frame around it.
func (pl *Plan) IsBytes() bool { return pl.Schema.Kind == KindBytes }

// Input is what remains of a frame. Every read is bounded by it: a header
// that promises more elements than bytes remain is refused before anything is
// allocated for them.
type Input struct {
	rest    []byte
	frame   []byte // whole
	buffers [][]byte
	// opened, if there is one, is told which buffer a function may write to.
	opened func(index int)
}

// NewInput gives the input of a frame and of the bytes that crossed beside it.
func NewInput(frame []byte, buffers [][]byte) Input {
	return Input{rest: frame, frame: frame, buffers: buffers}
}

// OnMutable has f told of each buffer that the function may write to, by its index,
// before it is decoded.
func (in *Input) OnMutable(f func(index int)) { in.opened = f }

// Contains tells whether an address is one of a slice's bytes.
func Contains(data []byte, address uintptr) bool {
	return address-uintptr(unsafe.Pointer(unsafe.SliceData(data))) < uintptr(len(data))
}

// Lends tells whether bytes are part of what was lent with the frame.
func (in *Input) Lends(data []byte) bool {
	for _, lent := range in.buffers {
		if overlap(data, lent) {
			return true
		}
	}
	return overlap(data, in.frame)
}

func overlap(a, b []byte) bool {
	if len(a) == 0 || len(b) == 0 {
		return false
	}
	aStart, bStart := uintptr(unsafe.Pointer(&a[0])), uintptr(unsafe.Pointer(&b[0]))
	return aStart < bStart+uintptr(len(b)) && bStart < aStart+uintptr(len(a))
}

func (in *Input) bool() (bool, error) {
	v, rest, err := msgp.ReadBoolBytes(in.rest)
	if err != nil {
		return false, in.mismatch("bool", err)
	}
	in.rest = rest
	return v, nil
}

func (in *Input) int() (int64, error) {
	v, rest, err := msgp.ReadInt64Bytes(in.rest)
	if err != nil {
		return 0, in.mismatch("int", err)
	}
	in.rest = rest
	return v, nil
}

func (in *Input) uint() (uint64, error) {
	v, rest, err := msgp.ReadUint64Bytes(in.rest)
	if err != nil {
		return 0, in.mismatch("int", err)
	}
	in.rest = rest
	return v, nil
}

// float also takes an integer, as Python does wherever a float is expected.
func (in *Input) float() (float64, error) {
	switch msgp.NextType(in.rest) {
	case msgp.IntType:
		v, err := in.int()
		return float64(v), err
	case msgp.UintType:
		v, err := in.uint()
		return float64(v), err
	}
	v, rest, err := msgp.ReadFloat64Bytes(in.rest)
	if err != nil {
		return 0, in.mismatch("float", err)
	}
	in.rest = rest
	return v, nil
}

// string also takes bytes: a path that is not UTF-8 crosses as the bytes the
// file system knows it by.
func (in *Input) string() (string, error) {
	if msgp.NextType(in.rest) == msgp.BinType {
		v, err := in.bytes()
		return string(v), err
	}
	v, rest, err := msgp.ReadStringZC(in.rest)
	if err != nil {
		return "", in.mismatch("str", err)
	}
	if !utf8.Valid(v) {
		return "", &ValueError{Reason: "text is not UTF-8"}
	}
	in.rest = rest
	return string(v), nil
}

func (in *Input) bytes() ([]byte, error) {
	if msgp.NextType(in.rest) == msgp.ExtensionType {
		return in.buffer()
	}
	v, rest, err := msgp.ReadBytesZC(in.rest)
	if err != nil {
		return nil, in.mismatch("bytes", err)
	}
	in.rest = rest
	return v, nil
}

// bufferIndexSize is the size of a buffer's index on the wire: big-endian.
const bufferIndexSize = 4

func (in *Input) buffer() ([]byte, error) {
	index, err := in.bufferIndex()
	if err != nil {
		return nil, err
	}
	return in.buffers[index], nil
}

func (in *Input) bufferIndex() (int, error) {
	ext := msgp.RawExtension{Type: BufferExt}
	rest, err := msgp.ReadExtensionBytes(in.rest, &ext)
	if err != nil || len(ext.Data) != bufferIndexSize {
		return 0, &ValueError{Reason: "malformed buffer reference"}
	}
	index := binary.BigEndian.Uint32(ext.Data)
	if uint64(index) >= uint64(len(in.buffers)) {
		return 0, &ValueError{Reason: fmt.Sprintf("buffer %d of %d does not exist", index, len(in.buffers))}
	}
	in.rest = rest
	return int(index), nil
}

func (in *Input) listHeader() (int, error) {
	n, rest, err := msgp.ReadArrayHeaderBytes(in.rest)
	if err != nil {
		return 0, in.mismatch("list", err)
	}
	if uint64(n) > uint64(len(rest)) {
		return 0, errTruncated()
	}
	in.rest = rest
	return int(n), nil
}

func (in *Input) mapHeader() (int, error) {
	n, rest, err := msgp.ReadMapHeaderBytes(in.rest)
	if err != nil {
		return 0, in.mismatch("dict", err)
	}
	if uint64(n) > uint64(len(rest)) {
		return 0, errTruncated()
	}
	in.rest = rest
	return int(n), nil
}

func (in *Input) skipNil() bool {
	if !msgp.IsNil(in.rest) {
		return false
	}
	in.rest = in.rest[1:]
	return true
}

// pythonNames gives the Python type behind a wire type, for messages.
var pythonNames = map[msgp.Type]string{
	msgp.StrType: "str", msgp.BinType: "bytes", msgp.MapType: "dict", msgp.ArrayType: "list",
	msgp.Float64Type: "float", msgp.Float32Type: "float", msgp.BoolType: "bool", msgp.IntType: "int",
	msgp.UintType: "int", msgp.NilType: "None", msgp.ExtensionType: "extension", msgp.TimeType: "extension",
}

// mismatch turns a library's error into one that speaks Python: what was
// wanted and what came.
func (in *Input) mismatch(want string, err error) error {
	got, known := pythonNames[msgp.NextType(in.rest)]
	switch {
	case len(in.rest) == 0:
		return errTruncated()
	case known && got != want:
		// Before the length: a short text where a float is expected looks truncated.
		return &ValueError{Reason: fmt.Sprintf("expected %s, got %s", want, got), TypeMismatch: true}
	case errors.Is(err, msgp.ErrShortBytes):
		return errTruncated()
	case known && want == "int":
		return &ValueError{Reason: "integer out of range"}
	default:
		return &ValueError{Reason: "malformed frame"}
	}
}

func errTruncated() error { return &ValueError{Reason: "the frame ends in the middle of a value"} }

func rangeError(v any, kind string, bits int) error {
	return &ValueError{Reason: fmt.Sprintf("%v is out of range for a %d-bit %s", v, bits, kind)}
}

func fieldCountError(got, want int) error {
	return &ValueError{Reason: fmt.Sprintf("a record of %d fields came where %d were expected", got, want)}
}

// atField and atIndex build the path from the inside out, on the error path
// only.
func atField(name string, err error) error { return prefixed(name, err) }

func atIndex(i int, err error) error { return prefixed(fmt.Sprintf("[%d]", i), err) }

func prefixed(prefix string, err error) error {
	var v *ValueError
	if !errors.As(err, &v) {
		return err
	}
	separator := "."
	if v.Path == "" || strings.HasPrefix(v.Path, "[") {
		separator = ""
	}
	return &ValueError{Path: prefix + separator + v.Path, Reason: v.Reason, TypeMismatch: v.TypeMismatch}
}
