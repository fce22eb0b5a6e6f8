package codec_test

import (
	"testing"

	"github.com/tinylib/msgp/msgp"
)

// pack writes any value as MessagePack, as a caller with other types might.
func pack(t testing.TB, value any) []byte {
	t.Helper()
	out, err := msgp.AppendIntf(nil, plain(value))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// plain turns maps into what AppendIntf knows.
func plain(value any) any {
	switch v := value.(type) {
	case map[string]bool:
		out := map[string]any{}
		for key, item := range v {
			out[key] = item
		}
		return out
	case map[string]string:
		out := map[string]any{}
		for key, item := range v {
			out[key] = item
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = plain(item)
		}
		return out
	}
	return value
}
