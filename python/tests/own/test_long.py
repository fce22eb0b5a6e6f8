"""``//gostitch:long`` above a function of a user's own, from the Go source to the signal's handler."""

from __future__ import annotations

from collections.abc import Callable

from own.projects import Project

_LONG = """
// Wait waits for 20 s, or until its context ends.
//
//gostitch:long
func Wait(ctx context.Context, a Args) (int64, error) {
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-time.After(20 * time.Second):
		return a.A, nil
	}
}

// Register is called"""


def test_the_first_call_ends_by_a_signal(project: Project, play: Callable) -> None:
    """A handler that raises ends the very first call on the main thread, as it ends time.sleep."""
    project.edit("sums.go", '\t"context"\n', '\t"context"\n\t"time"\n')
    project.edit("sums.go", "\n// Register is called", _LONG)
    project.edit(
        "sums.go", 'gocore.Register("sums.add", Add)', 'gocore.Register("sums.wait", Wait)'
    )
    project.develop()

    lines = play(
        """
import signal, sums, time

class Alarm(Exception):
    pass

def ring(number, frame):
    raise Alarm

signal.signal(signal.SIGALRM, ring)
for wait in (lambda: sums.wait(1, 2), lambda: time.sleep(20)):
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    begun = time.monotonic()
    try:
        wait()
    except Alarm:
        print("rung", time.monotonic() - begun < 10)
""",
        project,
    )

    assert ["rung True", "rung True"] == lines
    assert "long=True" in (project.source / "sums" / "_generated.py").read_text()
