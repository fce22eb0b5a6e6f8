"""What a test has prepared, by function, with the record of the calls that came."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
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
        self._met: set[str] = set()  # the functions whose last outcome happened, and stays
        self._calls: list[FakeCall] = []
        self._surprises: Counter[str] = Counter()  # calls that nothing was prepared for

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
            waiting = self._prepared.setdefault(contract.name, [])
            if contract.name in self._met:  # it stayed until another one was prepared
                waiting.clear()
                self._met.discard(contract.name)
            waiting.extend(outcomes)

    def forget(self, contract: Contract) -> None:
        """Take out what was prepared."""
        with self._lock:
            self._prepared.pop(contract.name, None)
            self._met.discard(contract.name)

    def outcome(self, contract: Contract, call: FakeCall) -> Outcome:
        """Record a call and give its outcome: the next one, or the last again."""
        with self._lock:
            self._calls.append(call)
            prepared = self._prepared.get(contract.name)
            if prepared:
                if len(prepared) > 1:
                    return prepared.pop(0)
                self._met.add(contract.name)
                return prepared[0]
            self._surprises[contract.name] += 1
        error = FakeError(
            f"the test has prepared nothing for {contract.name}(); before it is called, write "
            f"fake.returns({contract.name}, ...), fake.raises(...), fake.answers(...) or "
            "fake.hangs(...)"
        )
        call.end(None, error)
        raise error

    def complaints(self) -> Iterator[str]:
        """Say what was prepared and not seen, and what was seen and not prepared."""
        with self._lock:
            for name, outcomes in self._prepared.items():
                count = len(outcomes) - (name in self._met)
                if count:
                    what = "1 outcome that was" if count == 1 else f"{count} outcomes that were"
                    yield f"{what} prepared for {name}() did not happen: so many calls were missing"
            for name, count in self._surprises.items():
                times = "" if count == 1 else f" {count} times"
                yield (
                    f"{name}() was called{times} although nothing was prepared for it, and the "
                    "FakeError that said so did not reach the test"
                )
            for call in self._calls:
                if call.submitted and not call.taken and not call.cancelled:
                    yield f"{call.function}() was submitted, and nobody took its result or waited"

    def calls(self) -> list[FakeCall]:
        """Give the calls so far, in the order in which they began."""
        with self._lock:
            return list(self._calls)
