package gocore

import (
	"slices"
	"strings"
	"sync/atomic"
)

// offline has the hosts that may be reached all the same, or nil where a test has forbidden nothing.
var offline atomic.Pointer[[]string]

// SetOffline forbids functions to reach hosts, but those, until EndOffline. It is for tests: Python's
// gostitch.testing.offline asks for it.
func SetOffline(hosts []string) {
	hosts = slices.Clone(hosts)
	offline.Store(&hosts)
}

// EndOffline forbids nothing any more.
func EndOffline() { offline.Store(nil) }

// MayReach returns an error if a test has forbidden to reach an address such as "example.com:443".
// The functions of gostitch ask; one of yours does so before it dials:
//
//	DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
//		if err := gocore.MayReach(address); err != nil {
//			return nil, err
//		}
//		return dialer.DialContext(ctx, network, address)
//	}
func MayReach(address string) error {
	hosts := offline.Load()
	if hosts == nil {
		return nil
	}
	host := address
	if end := strings.LastIndexByte(address, ':'); end >= 0 { // of the port; package net is megabytes
		host = strings.Trim(address[:end], "[]")
	}
	if slices.Contains(*hosts, host) {
		return nil
	}
	return Errorf(CodeOffline, "a test has forbidden to reach %s; allow it there (hosts=), or fake the function that does", host).With("host", host)
}
