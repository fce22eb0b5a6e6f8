package fetch

// The defaults of Options; the struct tags repeat them for the Python face.
const (
	defaultConcurrency    = 64
	defaultPerHost        = 16
	defaultAttemptTimeout = 60 // seconds
)

// Item is one file to download.
type Item struct {
	// URL is where to get the file: http or https. A user name and password
	// in it are sent as basic authentication and never appear in an error.
	URL string `gostitch:"url"`
	// Path is the file to write. Missing parent directories are made; an
	// existing file is replaced only by a complete, verified download. The
	// mode is 0644 less the umask. A symbolic link is replaced, not followed.
	Path string `gostitch:"path,path"`
	// Digest is the digest that the file must have: "sha256:" or "blake3:"
	// and 64 hexadecimal digits, or the digits alone for SHA-256. Without it
	// nothing is compared.
	Digest string `gostitch:"digest,default="`
}

// Options says what to download and how. The zero value downloads nothing;
// with Items set, the zero value of every other field is usable.
type Options struct {
	// Items are the files to download. No two may have the same path.
	Items []Item `gostitch:"items"`
	// Concurrency is the greatest number of requests under way at once; 0
	// means 64.
	Concurrency int `gostitch:"concurrency,default=64"`
	// PerHost is the greatest number of requests under way at once to one
	// scheme, host and port, as written in the item's URL (redirects are not
	// counted); 0 means 16.
	PerHost int `gostitch:"per_host,default=16"`
	// Retries is the number of attempts an item may have after the first has
	// failed; 0 means none. (In Go the zero value is 0, not 3.)
	Retries int `gostitch:"retries,default=3"`
	// AttemptTimeoutS is the time in seconds for which an attempt may make no
	// progress: until the response begins, and after that between two pieces
	// of the body. The attempt has then failed and may be retried. A transfer
	// that goes on is never cut; the timeout of the call bounds the whole. 0
	// means 60.
	AttemptTimeoutS float64 `gostitch:"attempt_timeout_s,default=60"`
	// Resume keeps the unfinished file of an item that failed or was
	// cancelled as <path>.part, with <path>.part.json beside it, and continues
	// such a file if it belongs to the same URL (or digest), is undamaged, and
	// the server confirms that the resource has not changed. Any other file
	// of that name is overwritten.
	Resume bool `gostitch:"resume,default=false"`
	// Headers are sent with every request, for instance Authorization. They
	// do not follow a redirect to another scheme, host or port.
	Headers map[string]string `gostitch:"headers,default="`
}

// Result says what became of one item.
type Result struct {
	// URL is the item's URL as it was given, credentials included.
	URL string `gostitch:"url"`
	// Path is the item's path as it was given.
	Path string `gostitch:"path,path"`
	// OK is true if the complete, verified file is at path.
	OK bool `gostitch:"ok"`
	// Error says why the item failed, with credentials and query values
	// masked; it is empty if the item did not fail.
	Error string `gostitch:"error"`
	// Status is the last HTTP status received, 0 if none was: 206 is a
	// continued download.
	Status int `gostitch:"status"`
	// Bytes is the size of the file in bytes, 0 if the item failed.
	Bytes int64 `gostitch:"bytes"`
	// Digest is the digest of the file, "sha256:" or "blake3:" and 64
	// hexadecimal digits; SHA-256 unless the item asked for another. It is
	// empty if the item failed.
	Digest string `gostitch:"digest"`
	// Attempts is the number of attempts made. An attempt to continue a file
	// that the server refuses goes on with the whole file and counts once.
	Attempts int `gostitch:"attempts"`
}

// Progress says how far a call has come.
type Progress struct {
	// Done is the number of items that have ended, well or not.
	Done int64 `gostitch:"done"`
	// Total is the number of items.
	Total int64 `gostitch:"total"`
	// Failed is the number of items that have ended with an error.
	Failed int64 `gostitch:"failed"`
	// Bytes is the number of bytes so far in finished and unfinished files.
	// It falls when an unfinished file is given up.
	Bytes int64 `gostitch:"bytes"`
	// BytesTotal is the sum of the file sizes announced so far, -1 before the
	// first. It grows while items start.
	BytesTotal int64 `gostitch:"bytes_total"`
}
