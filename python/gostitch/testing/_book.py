"""What a test has prepared, by function, with the record of the calls that came."""

from __future__ import annotations

import threading
from typing import Any

from gostitch.testing._call import FakeCall
from gostitch.testing._contract import Contract, contract_of
from gostitch.testing._error import FakeError
from gostitch.testing._outcomes import Outcome


class Book:
    """The prepared outcomes and the calls of one fake library; safe for use by threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._contracts: dict[str, Contract] = {}
        self._prepared: dict[str, list[Outcome]] = {}
        self._calls: list[FakeCall] = []

    def contract(self, function: Any) -> Contract:
        """Give the contract of a function."""
        name = getattr(function, "name", None)
        known = self._contracts.get(name) if isinstance(name, str) else None
        if known is None:
            known = contract_of(function)
            self._contracts[known.name] = known
        return known

    def prepare(self, contract: Contract, outcomes: list[Outcome]) -> None:
        """Add outcomes for the calls to come."""
        with self._lock:
            self._prepared.setdefault(contract.name, []).extend(outcomes)

    def forget(self, contract: Contract) -> None:
        """Take out what was prepared."""
        with self._lock:
            self._prepared.pop(contract.name, None)

    def outcome(self, contract: Contract, call: FakeCall) -> Outcome:
        """Record a call and give its outcome: the next one, or the last again."""
        with self._lock:
            self._calls.append(call)
            prepared = self._prepared.get(contract.name)
            if prepared:
                return prepared.pop(0) if len(prepared) > 1 else prepared[0]
        error = FakeError(
            f"the test has prepared nothing for {contract.name}(); before it is called, write "
            f"fake.returns({contract.name}, ...), fake.raises(...), fake.answers(...) or "
            "fake.hangs(...)"
        )
        call.end(None, error)
        raise error

    def calls(self) -> list[FakeCall]:
        """Give the calls so far, in the order in which they began."""
        with self._lock:
            return list(self._calls)
