// Package observe stitches calls into OpenTelemetry traces and reports to
// Sentry what Python never sees. It implements gocore.Observer; the core does
// not know it.
//
// Python's configuration is the truth: the resource, the endpoint and the
// Sentry options arrive through the function observe.configure, which Python
// calls when it finds OpenTelemetry or Sentry in the process. Until then, and
// for calls without a trace context, observing costs next to nothing.
package observe
