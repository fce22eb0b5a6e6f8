package observe

import (
	"context"
	"runtime"
	"runtime/debug"
	"strings"
)

// Build is what the library was made of, and for.
type Build struct {
	// GoVersion it was built with.
	GoVersion string
	// System it was built for, and Arch.
	System string
	// Arch is the processor's architecture.
	Arch string
	// Modules it was built from, and the version of each. One of a working tree is called (devel).
	Modules map[string]string
}

// DescribeBuild tells what sentry-go tells of a program. Its twin is
// python/gostitch/observe/_build.py.
func DescribeBuild(context.Context, FlushConfig) (Build, error) {
	built := Build{GoVersion: runtime.Version(), System: runtime.GOOS, Arch: runtime.GOARCH, Modules: map[string]string{}}
	info, known := debug.ReadBuildInfo()
	if !known {
		return built, nil
	}
	built.Modules[info.Main.Path] = info.Main.Version
	for _, each := range info.Deps {
		version := each.Version
		if each.Replace != nil {
			version = strings.TrimSpace(version + " => " + each.Replace.Path + " " + each.Replace.Version)
		}
		built.Modules[each.Path] = version
	}
	return built, nil
}
