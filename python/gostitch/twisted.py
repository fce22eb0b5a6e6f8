"""Submitted calls as Twisted's ``Deferred``.

``await f.submit(...)`` works in coroutines that Twisted drives; this is for everything else.
"""

from __future__ import annotations

import concurrent.futures
from typing import TYPE_CHECKING, Any, TypeVar

from twisted.internet import defer
from twisted.python import failure

if TYPE_CHECKING:
    from gostitch import Future

T = TypeVar("T")

__all__ = ["deferred"]


def deferred(future: Future[T]) -> defer.Deferred[T]:
    """Return a ``Deferred`` that fires in the reactor's thread with the outcome of a call.

    Cancelling it cancels the context of the Go function. A call that is cancelled in another way
    ends it with ``concurrent.futures.CancelledError``.
    """
    from twisted.internet import reactor

    def cancel(_: defer.Deferred[Any]) -> None:
        future.cancel()

    answer: defer.Deferred[Any] = defer.Deferred(cancel)

    def fire() -> None:
        if answer.called:
            return
        error = concurrent.futures.CancelledError() if future.cancelled() else future.exception()
        if error is None:
            answer.callback(future.result())
        else:
            answer.errback(failure.Failure(error))  # type: ignore[no-untyped-call]

    future.add_done_callback(lambda _: reactor.callFromThread(fire))
    return answer
