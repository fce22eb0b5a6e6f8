"""Python's resource, with the types that Go's attributes have.

Twin of ``gocore/observe/provider.go``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gostitch.observe import _generated

# Classes of the user's own, an Enum of texts say, count as what they are made from.
_KINDS = (bool, int, float, str)
_LIMIT = 2**63


def refusal(resource: Any) -> str:
    """Say which attribute Go cannot have; nothing if it can have all."""
    for key, value in resource.attributes.items():
        if _attribute(key, value) is None:
            return f"its resource has the attribute {key}, whose value Go has not: {value!r}"
    return ""


def described(resource: Any) -> list[_generated.ObserveAttribute]:
    """Describe all attributes, none of which is refused."""
    found = (_attribute(key, value) for key, value in resource.attributes.items())
    return [each for each in found if each is not None]


def _attribute(key: str, value: Any) -> _generated.ObserveAttribute | None:
    if not isinstance(value, Sequence) or isinstance(value, str):
        kind = _kind(value)
        if kind is None:
            return None
        return _generated.ObserveAttribute(key, kind.__name__, [_text(kind, value)])
    if isinstance(value, bytes | bytearray):
        return None
    kind, *others = set(map(_kind, value)) or {str}
    if others or kind is None:
        return None
    texts = [_text(kind, item) for item in value]
    return _generated.ObserveAttribute(key, f"list of {kind.__name__}", texts)


def _kind(value: Any) -> type | None:
    kind = next((each for each in _KINDS if isinstance(value, each)), None)
    return None if kind is int and not -_LIMIT <= value < _LIMIT else kind


def _text(kind: Any, value: Any) -> str:
    # Not the text that a class of the user's own has for itself.
    return str(kind.__str__(value) if kind is str else kind.__repr__(value))
