"""The lines that the matrix prints, and its end."""

from __future__ import annotations

from collections.abc import Callable


class Tally:
    """Counts what was tried."""

    def __init__(self, say: Callable[[str], object]) -> None:
        self._say = say
        self.passed = self.failed = self.gone = 0

    def add(self, what: object, trouble: str | None, seconds: float) -> None:
        """Note that something was tried, and what the trouble was."""
        self.passed, self.failed = self.passed + (not trouble), self.failed + bool(trouble)
        self._say(f"{'FAILED' if trouble else 'ok':<6} {what} ({seconds:.0f} s)")
        if trouble:
            self._say(trouble)

    def add_gone(self, what: object) -> None:
        """Note what cannot be tried, for no registry serves it any more: the one skip there is."""
        self.gone += 1
        self._say(f"{what}: not run, version gone")

    def end(self) -> int:
        """Say the last line, which counts, and return the exit status."""
        skipped = f", {self.gone} skipped" if self.gone else ""
        self._say(f"{self.passed} passed, {self.failed} failed{skipped}")
        return 1 if self.failed or not self.passed else 0
