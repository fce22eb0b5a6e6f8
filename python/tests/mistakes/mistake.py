"""A planted mistake: what was done wrong, and what must be said."""

from __future__ import annotations

import re
from typing import NamedTuple


class Mistake(NamedTuple):
    """One mistake; ``cause`` and ``fix`` are patterns of what its one sentence must say."""

    name: str
    cause: str
    fix: str


def judge(mistake: Mistake, said: str) -> None:
    """Insist on one sentence, on one line, with the cause and the fix."""
    assert said, f"nothing is said about {mistake.name}"
    assert "\n" not in said.strip(), said
    assert len(said) < 700, said
    assert not re.search(r"[.!?] [A-Z]", said.replace("...", "")), f"several sentences: {said}"
    assert re.search(mistake.cause, said), f"the cause is not in: {said}"
    assert re.search(mistake.fix, said), f"the fix is not in: {said}"
