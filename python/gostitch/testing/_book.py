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
        self._surprises: list[str] = []  # calls that nothing was prepared for
        self._faults: list[tuple[str, BaseException]] = []  # what no call raises, and was raised
        self._told: list[BaseException] = []  # not a set: some cannot be hashed
        self._excused: set[FakeCall] = set()
        self._began = 0, 0, 0  # how many of these three there were before the test
        self._cut_short = False  # a test did not come to its end

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
            self._surprises.append(contract.name)
        error = FakeError(
            f"the test has prepared nothing for {contract.name}(); before it is called, write "
            f"fake.returns({contract.name}, ...), fake.raises(...), fake.answers(...) or "
            "fake.hangs(...)"
        )
        call.end(None, error)
        self._told.append(error)
        raise error

    def note_fault(self, contract: Contract, error: BaseException) -> None:
        """Record that what the test has prepared raised what no call raises."""
        with self._lock:
            # Another time it is of a call that the test's answer made.
            if not any(error is each for each in self._told):
                self._told.append(error)
                self._faults.append((contract.name, error))

    def begin_test(self) -> None:
        """Note that another test begins, which uses the same fake library."""
        with self._lock:
            self._began = len(self._calls), len(self._surprises), len(self._faults)

    def excuse_test(self) -> None:
        """Forget what the test has done so far: it has failed by itself, or was skipped."""
        with self._lock:
            calls, surprises, faults = self._began
            self._excused.update(self._calls[calls:])
            del self._surprises[surprises:], self._faults[faults:]
            self._cut_short = True

    def fault(self) -> BaseException | None:
        """Give the first exception that no call raises, for its traceback."""
        with self._lock:
            return self._faults[0][1] if self._faults else None

    def complaints(self) -> Iterator[str]:
        """Say what was prepared and not seen, and what was seen and not prepared."""
        with self._lock:
            for name, outcomes in {} if self._cut_short else self._prepared.items():
                count = len(outcomes) - (name in self._met)
                if count:
                    what = "1 outcome that was" if count == 1 else f"{count} outcomes that were"
                    yield f"{what} prepared for {name}() did not happen: so many calls were missing"
            for name, count in Counter(self._surprises).items():
                times = "" if count == 1 else f" {count} times"
                yield (
                    f"{name}() was called{times} although nothing was prepared for it, and the "
                    f"FakeError that said so was {_CAUGHT}"
                )
            for name, error in self._faults:
                yield _fault(name, error)
            for call in self._calls:
                if call.is_forgotten() and call not in self._excused:
                    yield f"{call.function}() was submitted, and nobody took its result or waited"

    def calls(self) -> list[FakeCall]:
        """Give the calls so far, in the order in which they began."""
        with self._lock:
            return list(self._calls)


_CAUGHT = (
    "caught, by the code under test or by the test itself; a test of what is refused says "
    "fake_library(strict=False)"
)


def _fault(name: str, error: BaseException) -> str:
    """Say what was wrong with what a call ended with."""
    if isinstance(error, FakeError):
        return f"{error}; the FakeError that said so was {_CAUGHT}"
    said = f"what the test has prepared for {name}() raised {error!r}"
    if isinstance(error, AssertionError) or not isinstance(error, Exception):
        return f"{said}, which was {_CAUGHT}"
    return (
        f"{said}, which no call raises; have it raise an instance of GoError, such as "
        "GoValueError('...') where a ValueError is meant"
    )
