package archive

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Sizes of the parts of a tar.
const (
	tarBlock   = 512
	tarRecord  = 20 * tarBlock // an archive is padded to whole records
	nameField  = 100
	octalLimit = 1 << 33 // what eleven octal digits hold
)

// The kinds of entries that Pack writes.
const (
	kindFile    = '0'
	kindHard    = '1'
	kindSymlink = '2'
	kindDir     = '5'
	kindPAX     = 'x'
)

// header is the description of one entry.
type header struct {
	kind byte
	name string // of a directory: with a slash at the end
	link string
	mode uint32
	size int64
	time time.Time
}

// record is one line of a PAX header.
type record struct{ key, value string }

// appendTo writes the header, preceded by a PAX header where plain USTAR
// cannot hold all of it. It does so exactly as Python's tarfile does in its
// PAX format, for a TarInfo without owner, with a whole mtime and, only if the
// time has a fraction of a second, with the full time as pax_headers["mtime"].
func (h *header) appendTo(b *bytes.Buffer) {
	plain := *h
	seconds := h.time.Unix()
	var records []record
	if h.time.Nanosecond() != 0 {
		records = append(records, record{"mtime", decimal(h.time)})
	}
	for _, field := range []record{{"path", h.name}, {"linkpath", h.link}} {
		if len(field.value) > nameField || !isASCII(field.value) {
			records = append(records, field)
		}
	}
	if h.size >= octalLimit {
		records = append(records, record{"size", strconv.FormatInt(h.size, 10)})
		plain.size = 0
	}
	if seconds < 0 || seconds >= octalLimit {
		if h.time.Nanosecond() == 0 {
			records = append(records, record{"mtime", strconv.FormatInt(seconds, 10)})
		}
		seconds = 0
	}
	if len(records) > 0 {
		body := encodeRecords(records)
		pax := header{kind: kindPAX, name: "././@PaxHeader", size: int64(len(body))}
		pax.appendBlock(b, 0)
		b.Write(body)
		b.Write(zeros[:padding(pax.size)])
	}
	plain.appendBlock(b, seconds)
}

// appendBlock writes the one block of USTAR. All numbers fit.
func (h *header) appendBlock(b *bytes.Buffer, seconds int64) {
	var block [tarBlock]byte
	copy(block[:nameField], toASCII(h.name))
	octal(block[100:108], int64(h.mode))
	octal(block[108:116], 0) // user
	octal(block[116:124], 0) // group
	octal(block[124:136], h.size)
	octal(block[136:148], seconds)
	copy(block[148:156], "        ") // what the checksum counts in its own place
	block[156] = h.kind
	copy(block[157:157+nameField], toASCII(h.link))
	copy(block[257:265], "ustar\x0000")
	sum := int64(0)
	for _, c := range block {
		sum += int64(c)
	}
	octal(block[148:155], sum)
	b.Write(block[:])
}

// octal fills a field with digits and a final NUL.
func octal(field []byte, n int64) {
	last := len(field) - 1
	field[last] = 0
	for i := last - 1; i >= 0; i-- {
		field[i] = '0' + byte(n&7)
		n >>= 3
	}
}

// decimal gives a time in seconds, with as many digits as it needs.
func decimal(t time.Time) string {
	seconds, nanos, sign := t.Unix(), t.Nanosecond(), ""
	if seconds < 0 && nanos > 0 { // Unix rounds down
		seconds, nanos, sign = -seconds-1, 1e9-nanos, "-"
	}
	return strings.TrimRight(fmt.Sprintf("%s%d.%09d", sign, seconds, nanos), "0")
}

// encodeRecords gives the body of a PAX header. Names that are not UTF-8 go
// in as they are, which the first record then says.
func encodeRecords(records []record) []byte {
	var b []byte
	for _, r := range records {
		if !utf8.ValidString(r.value) {
			b = append(b, "21 hdrcharset=BINARY\n"...)
			break
		}
	}
	for _, r := range records {
		rest := len(r.key) + len(r.value) + len(" =\n")
		length := rest
		for length != rest+len(strconv.Itoa(length)) {
			length = rest + len(strconv.Itoa(length))
		}
		b = fmt.Appendf(b, "%d %s=%s\n", length, r.key, r.value)
	}
	return b
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// toASCII replaces every other character, or byte where there is no character,
// by "?": the field is then for readers that do not know PAX.
func toASCII(s string) string {
	if isASCII(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r >= utf8.RuneSelf {
			return '?'
		}
		return r
	}, s)
}
