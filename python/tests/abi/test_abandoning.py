"""A function that ignores its context: its caller is let go after the grace, and it is counted."""

from __future__ import annotations

import math
import signal
import threading
from collections.abc import Iterator

import pytest

import faults
import gostitch
from gostitch import _waiting, runtime_info
from invariants import settled


@pytest.fixture(autouse=True)
def grace() -> Iterator[None]:
    """A grace that is far shorter than the functions run."""
    gostitch.configure(grace=0.1)
    yield
    gostitch.configure(grace=None)


def _abandoned() -> int:
    return int(runtime_info()["abandoned"])


def test_after_the_timeout() -> None:
    """The caller gets GoTimeoutError, which says that the function still runs."""
    with pytest.raises(gostitch.GoTimeoutError, match=r"linger\(\) did not end") as e:
        faults.linger(1, b"", timeout=0.1)

    assert {"function": "faults.linger", "abandoned": True} == e.value.details
    assert 1 == runtime_info()["calls"]
    assert 1 == settled(_abandoned, 1)
    assert 0 == settled(_abandoned, 0)


def test_on_another_thread() -> None:
    """Threads are let go too, as is the main thread."""
    errors: list[BaseException] = []

    def call() -> None:
        try:
            faults.linger(0.6, b"", timeout=0.05)
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    thread.join(20)

    assert [gostitch.GoTimeoutError] == [type(error) for error in errors]


def test_after_ctrl_c() -> None:
    """KeyboardInterrupt has the reason as its cause."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    main = threading.main_thread().ident
    assert main is not None
    timer = threading.Timer(0.1, signal.pthread_kill, (main, signal.SIGINT))
    try:
        timer.start()
        with pytest.raises(KeyboardInterrupt) as caught:
            faults.linger(1, b"")
    finally:
        timer.join()
        signal.signal(signal.SIGINT, before)

    cause = caught.value.__cause__
    assert isinstance(cause, gostitch.GoCancelledError)
    assert "of Ctrl-C and was abandoned: it still runs" in str(cause)


def test_a_function_that_listens() -> None:
    """One that ends within the grace ends as it would without."""
    with pytest.raises(gostitch.GoTimeoutError, match="did not finish within its timeout"):
        faults.sleep(60, timeout=0.05)
    assert 3 == faults.add(1, 2)
    assert 0 == _abandoned()


def test_what_was_lent() -> None:
    """A buffer stays lent as long as the function runs."""
    data = bytearray(100_000)
    with pytest.raises(gostitch.GoTimeoutError):
        faults.linger(0.8, data, timeout=0.05)
    with pytest.raises(BufferError):
        data.append(0)

    def free() -> bool:
        try:
            data.append(0)
        except BufferError:
            return False
        return True

    assert settled(free, True)


def test_with_a_callback() -> None:
    """A call with messages is abandoned as well."""
    with pytest.raises(gostitch.GoTimeoutError):
        faults.linger_with_messages(0.8, b"", progress=lambda _: None, timeout=0.05)


def test_a_future_is_counted() -> None:
    """A future is cancelled at once; its function counts while it runs on."""
    begun = threading.Event()
    # For longer than a busy machine takes to tell of it.
    future = faults.linger_with_messages.submit(3, b"", progress=lambda _: begun.set())
    assert begun.wait(20)
    future.cancel()

    assert 1 == settled(_abandoned, 1)
    assert 0 == settled(_abandoned, 0)


def test_a_stream_is_counted() -> None:
    """A stream that was closed early counts while its function runs on."""
    stream = faults.linger_in_stream(1, b"")
    next(stream)
    stream.close()

    assert 1 == settled(_abandoned, 1)
    assert 0 == settled(_abandoned, 0)


def test_without_a_grace() -> None:
    """By default the caller waits for what there is, and the call counts after five seconds."""
    gostitch.configure(grace=None)
    assert 3 == faults.linger(0.4, b"abc", timeout=0.05)
    assert [1, 0] == [_waiting.abandoned([6 * 10**9]), _waiting.abandoned([4 * 10**9])]


def test_a_default_timeout_on_another_thread() -> None:
    """A timeout that was configured lets callers go as one that was given does."""
    errors: list[BaseException] = []

    def call() -> None:
        try:
            faults.linger(0.6, b"")
        except BaseException as error:
            errors.append(error)

    gostitch.configure(limits={"faults.linger": gostitch.Limit(timeout=0.05)})
    thread = threading.Thread(target=call)
    thread.start()
    thread.join(20)
    gostitch.configure(limits=None)

    assert [gostitch.GoTimeoutError] == [type(error) for error in errors]


def test_a_timeout_that_is_none() -> None:
    """timeout=math.inf waits as long as the function takes."""
    gostitch.configure(default_timeout=0.05)
    try:
        assert 0.3 == faults.sleep(0.3, timeout=math.inf)
    finally:
        gostitch.configure(default_timeout=None)


def test_a_second_interrupt_while_the_first_is_handled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever keeps the caller from cancelling, the function ends: nobody waits for it any more."""

    def struck(*_: object) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as ctrl_c:
        ctrl_c.setattr(_waiting, "_drain", struck)
        ctrl_c.setattr(_waiting, "_end", struck)
        with pytest.raises(KeyboardInterrupt):
            faults.sleep(60, timeout=50)

    assert 0 == settled(lambda: runtime_info()["calls"], 0)
