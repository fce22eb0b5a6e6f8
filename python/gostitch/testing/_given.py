"""What the caller has given to a function, for the answers of a test."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from gostitch.testing._contract import Contract
from gostitch.testing._error import FakeError


class Given:
    """The checked arguments of one call, in the way the caller has given them."""

    def __init__(self, contract: Contract, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        values, self.timeout_ns, self.callback = contract.made.check(*args, **kwargs)
        self._name = contract.name
        live: dict[str, Any] = dict(zip(contract.made.parameters, values, strict=True))
        # What the function writes to is the caller's own memory.
        self._lent = [each for each in values if _is_writable(each)]
        self.values = {name: _as_it_is(value) for name, value in live.items()}
        self.timeout: float | None = kwargs.get("timeout")
        # A callback that is asked stands last among them, if it is not given by name.
        self._args = values[: len(args) - (contract.asks and contract.callback not in kwargs)]
        self._kwargs = {name: live[name] for name in kwargs if name in live}
        # What a callable gets only if it takes it.
        self._extra = {"timeout": self.timeout} if "timeout" in kwargs else {}
        if contract.callback is not None and self.callback is not None:
            self._extra[contract.callback] = None
        self._callback_name = contract.callback

    def end(self) -> None:
        """Take back what was lent, as at the end of a real call."""
        for view in self._lent:
            try:
                view.release()
            except BufferError:
                pass  # the test keeps an array of it, and with it the caller's memory

    def hand_to(self, answer: Callable[..., Any], callback: Callable[[Any], Any]) -> Any:
        """Call what the test gave as the function's answer."""
        extra = dict(self._extra)
        if self._callback_name in extra:
            extra[self._callback_name] = callback
        try:
            signature = inspect.signature(answer)
        except (TypeError, ValueError):  # of some built-in functions
            return answer(*self._args, **self._kwargs)
        kwargs = self._kwargs | {
            name: value for name, value in extra.items() if _takes(signature, name)
        }
        try:
            signature.bind(*self._args, **kwargs)
        except TypeError as error:
            raise FakeError(
                f"the test's answer to {self._name}() does not take what the caller gives "
                f"({error}): its parameters are {signature}, and the caller gave "
                f"({_shown(self._args, self._kwargs | extra)})"
            ) from None
        return answer(*self._args, **kwargs)


def _is_writable(value: Any) -> bool:
    return isinstance(value, memoryview) and not value.readonly


def _as_it_is(value: Any) -> Any:
    """Give a value that later writes do not change."""
    if not _is_writable(value):
        return value
    copy = memoryview(bytes(value))
    return copy.cast(value.format) if len(value) else copy


def _takes(signature: inspect.Signature, name: str) -> bool:
    kinds = {each.kind for each in signature.parameters.values()}
    if inspect.Parameter.VAR_KEYWORD in kinds:
        return True
    found = signature.parameters.get(name)
    return found is not None and found.kind is not inspect.Parameter.POSITIONAL_ONLY


def _shown(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    return ", ".join([repr(each) for each in args] + [f"{name}=..." for name in kwargs])
