package fetch_test

import (
	"context"
	"encoding/hex"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zeebo/blake3"

	"github.com/gostitch/gostitch/gocore/tasks/fetch"
)

// Arguments that cannot work fail the call, naming the argument and the item,
// before any request is sent.
func TestRefusesBadArguments(t *testing.T) {
	t.Parallel()
	s, dir := newSite(t), t.TempDir()
	good := fetch.Item{URL: s.on("/f", whole([]byte("x"), "")), Path: filepath.Join(dir, "f")}
	item := func(url, path, digest string) fetch.Options {
		return fetch.Options{Items: []fetch.Item{good, {URL: url, Path: path, Digest: digest}}}
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	for name, o := range map[string]fetch.Options{
		"items empty url":         item("", at("g"), ""),
		"items ftp":               item("ftp://host/x", at("g"), ""),
		"items no scheme":         item("host/x", at("g"), ""),
		"items file":              item("file:///etc/passwd", at("g"), ""),
		"items no host":           item("http:///x", at("g"), ""),
		"items only a port":       item("http://:80/x", at("g"), ""),
		"items big port":          item("http://host:70000/x", at("g"), ""),
		"items secret":            item("http://joe:hunter2/x@host/", at("g"), ""),
		"items control character": item("http://host/\n", at("g"), ""),
		"items no path":           item(good.URL, "", ""),
		"items NUL":               item(good.URL, "a\x00b", ""),
		"items same path":         item(good.URL, good.Path, ""),
		"items same path again":   item(good.URL, dir+"/./x/../f", ""),
		"items inside another":    item(good.URL, at("f/g/h"), ""),
		"items directory":         item(good.URL, dir, ""),
		"items device":            item(good.URL, "/dev/null", ""),
		"items short digest":      item(good.URL, at("g"), "sha256:abcd"),
		"items not hex":           item(good.URL, at("g"), strings.Repeat("g", 64)),
		"items unknown algorithm": item(good.URL, at("g"), "md5:"+strings.Repeat("a", 64)),
		"items part of another":   {Items: []fetch.Item{good, {URL: good.URL, Path: at("f.part")}}, Resume: true},
		"concurrency":             {Items: []fetch.Item{good}, Concurrency: -1},
		"per_host":                {Items: []fetch.Item{good}, PerHost: -1},
		"retries":                 {Items: []fetch.Item{good}, Retries: -1},
		"attempt_timeout_s minus": {Items: []fetch.Item{good}, AttemptTimeoutS: -1},
		"attempt_timeout_s nan":   {Items: []fetch.Item{good}, AttemptTimeoutS: math.NaN()},
		"attempt_timeout_s inf":   {Items: []fetch.Item{good}, AttemptTimeoutS: math.Inf(1)},
		"headers name":            {Items: []fetch.Item{good}, Headers: map[string]string{"a b": "c"}},
		"headers no name":         {Items: []fetch.Item{good}, Headers: map[string]string{"": "c"}},
		"headers injection":       {Items: []fetch.Item{good}, Headers: map[string]string{"A": "hunter2\r\nB: c"}},
		"headers own":             {Items: []fetch.Item{good}, Headers: map[string]string{"range": "bytes=0-"}},
		"headers twice":           {Items: []fetch.Item{good}, Headers: map[string]string{"x-a": "1", "X-A": "2"}},
	} {
		results, err := fetch.Fetch(context.Background(), o, nil)
		argument, _, _ := strings.Cut(name, " ")
		wantArgument(t, err, argument)
		if results != nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, %v", name, results, err)
		}
		if argument == "items" && !strings.Contains(err.Error(), "items[1]") {
			t.Errorf("%s: %v does not say which item", name, err)
		}
	}
	if n := len(s.requests("/f")); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
	wantOnly(t, dir)
}

// All three ways to write a digest are checked, and blake3 is answered in kind.
func TestDigestForms(t *testing.T) {
	t.Parallel()
	body := realFile(t, "fmt/print.go")
	b3 := blake3.Sum256(body)
	blake := "blake3:" + hex.EncodeToString(b3[:])
	s := newSite(t)
	url := s.on("/f", whole(body, ""))
	for given, want := range map[string]string{
		"":                                       sha(body),
		sha(body):                                sha(body),
		strings.ToUpper(sha(body)):               sha(body),
		strings.TrimPrefix(sha(body), "sha256:"): sha(body),
		blake:                                    blake,
	} {
		r := one(t, fetch.Item{URL: url, Path: filepath.Join(t.TempDir(), "f"), Digest: given})
		if !r.OK || r.Digest != want {
			t.Errorf("given %q: %+v", given, r)
		}
	}
	wrong := "blake3:" + strings.Repeat("0", 64)
	r := one(t, fetch.Item{URL: url, Path: filepath.Join(t.TempDir(), "f"), Digest: wrong})
	if r.OK || !strings.Contains(r.Error, blake) || !strings.Contains(r.Error, wrong) {
		t.Errorf("%+v", r)
	}
}

// No items is no work, and one final progress report.
func TestNoItems(t *testing.T) {
	t.Parallel()
	var reports []fetch.Progress
	results, err := fetch.Fetch(context.Background(), fetch.Options{}, func(p fetch.Progress) { reports = append(reports, p) })
	if err != nil || len(results) != 0 || len(reports) != 1 || reports[0] != (fetch.Progress{BytesTotal: -1}) {
		t.Fatalf("%v %v %v", results, err, reports)
	}
}
