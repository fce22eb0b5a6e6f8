"""Go's slog records in Python's logging."""

from __future__ import annotations

import logging
import time

import pytest

import faults
from gostitch import runtime_info
from invariants import settled
from programs import Programs


def _messages(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.name == "gostitch.go"]


@pytest.mark.parametrize(
    ("slog", "level"), [(4, logging.WARNING), (8, logging.ERROR), (12, 50), (5, 32)]
)
def test_level(caplog: pytest.LogCaptureFixture, slog: int, level: int) -> None:
    """A record arrives with the level that means the same, in between too."""
    faults.log(slog, "hello")
    assert 1 == settled(lambda: len(_messages(caplog)), 1)

    assert level == _messages(caplog)[0].levelno


def test_content(caplog: pytest.LogCaptureFixture) -> None:
    """A record has message, attributes as fields, the place that logs, the call and time."""
    faults.log(8, "100% of %s done")
    settled(lambda: len(_messages(caplog)), 1)
    [record] = _messages(caplog)

    assert "100% of %s done" == record.getMessage()
    assert {
        "fixed": "yes",
        "group.index": 0,
        "group.share": 0.5,
        "group.flag": True,
        "group.inner.pause": "1s",
        "group.bytes": "\ufffd",
        "gostitch.function": "faults.log",
    }.items() <= vars(record).items()
    assert record.funcName.endswith("faults.Log")
    assert "message.go" == record.filename
    assert record.lineno > 0
    assert abs(record.created - time.time()) < 60


def test_below_the_level(caplog: pytest.LogCaptureFixture) -> None:
    """What Python would not show does not cross."""
    with caplog.at_level(logging.ERROR, "gostitch.go"):
        faults.log(4, "quiet", count=100)
        faults.log(8, "loud")
        settled(lambda: len(_messages(caplog)), 1)

    assert ["loud"] == [record.getMessage().split()[0] for record in _messages(caplog)]


def test_a_storm(caplog: pytest.LogCaptureFixture) -> None:
    """A storm of records neither blocks Go nor fills memory: what has no room is counted."""
    before = runtime_info()["records_dropped"]
    faults.log(8, "storm", count=50_000)
    assert settled(
        lambda: len(_messages(caplog)) + runtime_info()["records_dropped"] - before,
        50_000,
        seconds=50,  # under sanitizers
    )

    assert 50_000 == len(_messages(caplog)) + runtime_info()["records_dropped"] - before


def test_handlers_may_call(caplog: pytest.LogCaptureFixture) -> None:
    """A logging handler may itself call Go."""
    seen: list[int] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(faults.add(1, 2) + faults.add.submit(1, 2).result())

    handler = Handler()
    logging.getLogger("gostitch.go").addHandler(handler)
    try:
        faults.log(8, "hello")
        assert [6] == settled(lambda: seen, [6])
    finally:
        logging.getLogger("gostitch.go").removeHandler(handler)


def test_a_broken_handler_harms_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    """An exception in a logging handler does not stop the replies of other calls."""

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.name == "gostitch.go":
                raise RuntimeError("a broken handler")

    handler = Handler()
    logging.getLogger("gostitch.go").addHandler(handler)
    try:
        faults.log(8, "hello", count=10)
        assert 3 == faults.add.submit(1, 2).result(20)
    finally:
        logging.getLogger("gostitch.go").removeHandler(handler)


def test_a_filter_that_fails(program: Programs) -> None:
    """One of the root logger, which fails at what is said of its failure too: replies go on."""
    done = program(
        """
import logging
import faults

class Broken(logging.Filter):
    def filter(self, record):
        raise ValueError

handler = logging.StreamHandler()
handler.addFilter(Broken())
logging.getLogger().addHandler(handler)
faults.log.submit(8, "text").result(10)
print(faults.add.submit(1, 2).result(10))
"""
    )

    assert "3\n" == done.stdout, done.stderr
