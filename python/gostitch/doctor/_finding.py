"""What a check of the doctor finds."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal, NamedTuple

Status = Literal["ok", "note", "warning", "problem"]
"""How bad it is: a problem will not work, a warning may not, a note is worth knowing."""


class Verdict(NamedTuple):
    """What a check says; ``examine`` makes a finding of it."""

    status: Status
    words: str
    fix: str | None
    facts: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Finding:
    """What was found out about one thing.

    ``id`` is stable and made for programs. ``words`` says in one or two
    sentences what is the case, ``fix`` in one sentence what to do about it
    (None where nothing has to be done), ``facts`` holds what was measured.
    Secrets are in none of them.
    """

    id: str
    title: str
    status: Status
    facts: dict[str, Any]
    words: str
    fix: str | None

    def as_dict(self) -> dict[str, Any]:
        """Give the finding as ``gostitch doctor --json`` prints it."""
        return dataclasses.asdict(self)


def ok(words: str, fix: str | None = None, **facts: Any) -> Verdict:
    """Say that all is well."""
    return Verdict("ok", words, fix, facts)


def note(words: str, fix: str | None = None, **facts: Any) -> Verdict:
    """Say something worth knowing."""
    return Verdict("note", words, fix, facts)


def warning(words: str, fix: str | None = None, **facts: Any) -> Verdict:
    """Say that something may not work, or not as one would expect."""
    return Verdict("warning", words, fix, facts)


def problem(words: str, fix: str | None = None, **facts: Any) -> Verdict:
    """Say that something will not work."""
    return Verdict("problem", words, fix, facts)
