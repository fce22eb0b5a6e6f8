package fetch

import (
	"errors"
	"net/url"
	"strings"
)

// mask stands for what an error must not show.
const mask = "***"

// redact gives a URL for people to read: user name, password and the values of
// the query are masked. No list of secret parameter names could be complete.
func redact(u *url.URL) string {
	var b strings.Builder
	b.WriteString(u.Scheme + "://")
	if u.User != nil {
		b.WriteString(mask + "@")
	}
	b.WriteString(u.Host + u.EscapedPath())
	if u.RawQuery == "" {
		return b.String()
	}
	separator := "?"
	for part := range strings.SplitSeq(u.RawQuery, "&") {
		name, _, valued := strings.Cut(part, "=")
		if !valued {
			name = mask // ?token, without a name
		} else {
			name += "=" + mask
		}
		b.WriteString(separator + name)
		separator = "&"
	}
	return b.String()
}

// bare takes an error of net/http out of its *url.Error, which quotes the URL,
// and hides what it quotes of a malformed redirect.
func bare(err error) error {
	var outer *url.Error
	for errors.As(err, &outer) {
		err = outer.Err
	}
	if strings.Contains(err.Error(), "Location header") {
		return permanent(errors.New("redirect to a malformed address"))
	}
	return err
}

// origin is the scheme, host and port of a URL, with the port always there.
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port
}
