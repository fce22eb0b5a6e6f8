package fetch

import "time"

// Redact gives a URL as errors show it.
var Redact = redact

// Delay is the wait before a retry at the pace that users get.
func Delay(attempts int, asked time.Duration) time.Duration { return userPace.delay(attempts, asked) }

var userPace = defaultPace

// QuickenPace makes the waits between attempts short; TestMain calls it once,
// before any test runs.
func QuickenPace() {
	defaultPace = pace{first: time.Millisecond, longest: 4 * time.Millisecond, asked: 30 * time.Millisecond}
}
