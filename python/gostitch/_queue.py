"""The queue that replies of submitted calls arrive on, and the calls that wait for them.

Twin of ``gocore/queue.go``. Draining is safe from any thread: Go hands each
record out once. Who drains is not known here: a queue has an attendant to ask
for help (the pump of ``_pending``).
"""

from __future__ import annotations

import contextvars
import functools
import os
import sys
import time
import weakref
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from gostitch import _codec, _hooks, _logs, _process, _space, _threads
from gostitch._callbacks import Callbacks, answer, within_trace
from gostitch._future import CANCELLED, FINISHED, Future
from gostitch._loop_future import LoopFuture
from gostitch._loops import running_loop
from gostitch._process import bridge
from gostitch.exceptions import ForkedHandleError, GoCancelledError, GoError, GoPanic

if TYPE_CHECKING:
    import asyncio

Record = tuple[int, int, int, bytes | memoryview]  # kind, token, status, payload

# Of gostitch.h: GOSTITCH_MESSAGES for calls, the others for queues.
_MESSAGES = 2
RECORDS, QUESTIONS = 1, 2
_HANDLED = 1 << 63
"""GOSTITCH_HANDLED of gostitch.h."""

_OURS = "observe."
"""What names of the functions of ``gostitch.observe`` begin with; nobody else waits for those."""

_REPORT_EVERY = 64
"""How many messages are handled before Go is told: a quarter of its outboxSize."""

_REMINDER = 0
"""The kind of a record that only tells that something waits at a conversation."""

_MOST_FAILURES = 8
"""How often handling a record may fail in a row for another reason than memory or Ctrl-C."""

_STUCK_S = 2.0
"""Seconds with one message after which others are handled beside it, if somebody waits."""

_REPORT = _REPORT_EVERY.to_bytes(4, "little")
_FORKED = (
    "process {} was forked from process {} while this call ran there; its reply cannot "
    "arrive here, so make the call again in this process"
)


class Attendant(Protocol):
    """What drains queues that their owners may not."""

    def watch(self, queue: Queue) -> None:
        """Drain this queue too, until it is idle."""

    def stand_in(self) -> None:
        """Let another thread take over if this is the attendant's."""

    def relieve(self) -> None:
        """Let another thread take over if the attendant's is in one callback for long."""


class Call(NamedTuple):
    """A call to submit that has messages: what crosses, and what is done with what comes back."""

    function: bridge.Function
    frame: bytes
    loan: Any  # the memory of buffers, or None
    timeout_ns: int
    message_of: Callable[[bytes | memoryview], Any]
    callback: Callable[[Any], Any]
    answer: Any  # the schema of what the callback gives, if it is asked something
    context: contextvars.Context | None  # the caller's, for its callback; None: it is our own


class _Conversation:
    """What is needed when a message of a call arrives."""

    __slots__ = (
        "call",
        "callbacks",
        "future",
        "handled",
        "holder",
        "is_calling",
        "is_reminded",
        "is_told",
        "left",
        "reminder",
        "stuck",
        "token",
        "traces",
        "waiting",
    )

    def __init__(self, call: Call, future: Future[Any]) -> None:
        self.call = call
        self.future: Future[Any] | None = future  # None once its reply was handled
        self.token = future._token
        self.handled = 0  # messages of which Go was not told
        self.stuck: tuple[Record | None, float] = (None, 0.0)  # in hand since, when it was seen
        self.is_calling = False  # the program's callback, in which the holder is
        name = call.function.name
        context = call.context
        self.callbacks = (
            Callbacks(name, call.callback, call.answer, context)
            if call.answer and context is not None
            else None
        )
        # The trace contexts of questions that wait, by number; 0: of all messages.
        self.traces: dict[int, bytes] = {}
        # For the bridge (python/native/conversation.c) these: what has arrived for the callback,
        # the reply after it, in order; the first of what was interrupted; the hand of who takes
        # from both, with the record that it handles; what tells that there is something, which
        # is made now, as it must not fail later, and whether it does.
        self.waiting: deque[Record] = deque()
        self.left: list[Any] | None = None
        self.holder: list[Any] | None = None
        self.reminder: list[Any] = [(_REMINDER, future._token, 0, b""), None]
        self.is_reminded = False
        self.is_told = False  # the callback, of the record in hand


class Queue(bridge.Queue):
    """Where the replies of submitted calls arrive, and how their futures are settled.

    Owns an eventfd and a queue of Go; ``close`` gives both back, which only
    may happen when nothing is pending: Go still reads lent buffers until the
    reply.
    """

    def __init__(
        self,
        library: _process.Library,
        attendant: Callable[[], Attendant],
        *,
        roles: int = 0,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        # A weak reference, or a loop that is dropped with calls under way would live
        # as long as they do, and nobody would close its queue.
        of = None if loop is None else weakref.ref(loop)
        futures = Future if loop is None else LoopFuture
        library.refuse_unnoticed_fork()
        try:
            super().__init__(roles, of, futures)
        except OSError as error:
            raise _space.no_descriptor(error) from None
        self._library = library
        self.roles = roles
        self._attendant = attendant
        self._conversations: dict[int, _Conversation] = {}
        self.handled = 0  # spans and logs
        self._blocked = False  # the loop's own thread may be the one that waits
        self.watched = False  # the pump polls the descriptor, so nobody else may close it
        self.retired = False
        self._loop_has_ended = False
        self._failures = 0  # in a row, to handle a record
        _queues[self.handle] = self

    def converse(
        self, call: Call, keep: Callable[[Future[Any]], object] | None = None
    ) -> Future[Any]:
        """Start a call with messages, and give its future; others are submitted by the bridge.

        Who has to cancel the call, come what may, is given the future before it starts.
        """
        _hooks.look()
        trace = _hooks.trace_context(call.function.name)
        future: Future[Any] = self.new_future(call.function, trace, call.loan)
        # Registered before the crossing: messages may be drained by another
        # thread before that is over.
        self._conversations[future._token] = _Conversation(call, future)
        try:
            if keep is not None:
                keep(future)
            refused = self.start(future, _MESSAGES, call.timeout_ns, call.frame)
        except BaseException:
            if future._token in self.pending:  # Ctrl-C, and the call runs
                future.cancel()
            else:
                self._conversations.pop(future._token, None)
            raise
        if refused is not None:
            del self._conversations[future._token]
            future._end_loan()
            raise decode_error(refused, trace)
        return future

    def send(self, token: int, message: bytes) -> None:
        """Send a message to a running function."""
        if self.is_foreign():
            raise ForkedHandleError(self._forked(), details=self._pids())
        refused = bridge.send(self.handle, token, message)
        if refused is not None:
            raise decode_error(refused, b"")

    def serve(self, token: int) -> None:
        """Make sure that the reply of a cancelled function is taken."""
        if self.loop is not None and not self.is_foreign():
            # The loop may be at its end, and nobody else would take the reply.
            self._let_pump_serve(token)

    def pending_count(self) -> int:
        """Give the number of replies that are to come."""
        forgotten = self._conversations.keys() - self.pending.keys()  # there must be none
        return sum(not future._taken for future in list(self.pending.values())) + len(forgotten)

    def watch(self, future: Future[Any], *, blocks: bool) -> None:
        """Make sure that somebody drains this queue although its owner may not."""
        if future.done():
            return
        self._library.refuse_unnoticed_fork()  # or the reply is waited for in vain
        if self.loop is not None and running_loop() is self.loop():
            self._blocked = blocks
        conversation = self._conversations.get(future._token)
        if conversation is not None:
            if blocks:
                bridge.let_go(conversation)  # this may be its own callback
            self.remind(conversation)
        if self._let_pump_serve(future._token) and blocks:
            self._attendant().stand_in()
            if self.has_records():
                # A callback is about to wait, perhaps for a reply further down its own batch.
                self.wake()

    def relieve(self) -> None:
        """Have another thread handle replies if the pump is held up by a callback."""
        if self.is_foreign():
            return
        self._library.refuse_unnoticed_fork()  # or the reply is waited for in vain
        self._let_go_of_stuck()
        if sys.is_finalizing():  # a destructor waits, and the pump has ended
            while self.drain():
                pass
        else:
            self._attendant().relieve()

    def _let_go_of_stuck(self) -> None:
        """Have others take what has arrived for calls whose callbacks take long, as somebody waits.

        A callback may wait for the end of its own call in a way that cannot be seen.
        """
        now = time.monotonic()
        for conversation in list(self._conversations.values()):
            hand = conversation.holder
            record = hand[0] if hand else None
            before, since = conversation.stuck
            if hand is None:
                self.remind(conversation)  # a loop that was to handle it has stopped, say
            elif record is None or record is not before:
                conversation.stuck = (record, now)
            elif now - since >= _STUCK_S:
                conversation.holder = None
                self.remind(conversation)

    def _let_pump_serve(self, token: int) -> bool:
        """Have the pump drain this queue until the reply is there; false if it is already."""
        self.awaited.add(token)
        if token not in self.pending:  # drained meanwhile
            self.awaited.discard(token)
            return False
        self._attendant().watch(self)
        return True

    def needs_attendant(self) -> bool:
        """Tell whether there is something that the pump must do for this queue."""
        if self.is_foreign() or self.fd < 0:
            return False
        return bool(self.pending if self.retired else self.awaited)

    def is_served(self) -> bool:
        """Tell whether the loop of this queue is running, and will drain it."""
        loop = None if self.loop is None else self.loop()
        return loop is not None and not self._blocked and loop.is_running()

    def is_ready(self) -> bool:
        """Tell whether records wait, as far as the descriptor tells."""
        return bool(_threads.poll_of(self.fd).poll(0))

    def has_records(self) -> bool:
        """Tell whether something was drained and not handled yet."""
        return bool(self.drained())

    def drain_in_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        """Drain what waits, as the loop's reader.

        One batch at a time, so that the loop's other work has its turn.
        """
        self._blocked = False
        self.drain()

    def drain(self, until: float | None = None) -> bool:
        """Handle one batch of waiting records, or what can be until then; tell if more wait."""
        if self.is_foreign():
            return False
        if self.retired or (self.loop is not None and not self.is_served()):
            self._remind_of_all()
        return self.drain_to(self._handle, self._conversations, until)

    def _remind_of_all(self) -> None:
        """Have looked at what was given to a loop that has ended before it could, or left."""
        for conversation in list(self._conversations.values()):
            self.remind(conversation)

    def _handle(
        self,
        here: asyncio.AbstractEventLoop | None,
        kind: int,
        token: int,
        status: int,
        payload: Any,  # of an event: with its caller
    ) -> None:
        """Handle a record, which the bridge keeps if this raises."""
        if self.is_foreign():
            return  # a callback has forked, and this is the child: the parent goes on
        if token:
            # A goroutine that outlived its call may still send.
            conversation = self._conversations.get(token)
            if conversation is not None:
                self._handle_here_or_in_loop(conversation, here)
            elif kind == _codec.REPLY and token in self.pending:
                try:
                    self._reply(self.pending[token], None, status, payload)
                except Exception as error:
                    if self._gives_up(error):
                        self._forget(token)
                    raise
                self._failures = 0
        elif kind in _codec.OF_HOST:
            try:
                if kind == _codec.LOG:
                    _logs.take(payload)
                elif kind == _codec.SPANS:
                    _hooks.spans(bytes(payload))
                elif kind == _codec.ENTRY:
                    _hooks.entry(payload)
                elif kind == _codec.EVENT:
                    _hooks.event(*payload)
                else:
                    _hooks.ids()
            finally:
                self.handled += 1
        else:
            self.send(0, answer_of_host(payload, status))

    def _gives_up(self, error: Exception) -> bool:
        """Tell whether a record fails so often that those behind it must be handled without it.

        A signal's handler raises here only now and then, and memory may come back.
        """
        if isinstance(error, MemoryError):
            return False
        self._failures += 1
        if self._failures < _MOST_FAILURES:
            return False
        self._failures = 0
        return True

    def _handle_here_or_in_loop(
        self, conversation: _Conversation, here: asyncio.AbstractEventLoop | None
    ) -> None:
        loop = None if self.loop is None else self.loop()
        handler, calls = self._handle_one, self._conversations
        is_nested = hasattr(loop, "_nest_patched")
        if loop is not None and (is_nested or loop is not here) and self.is_served():
            # The pump helps a loop that is slow; callbacks still belong to the loop's thread.
            # Under nest_asyncio they may run the loop, which cannot enter its reader twice.
            try:
                loop.call_soon_threadsafe(
                    self.handle_waiting, handler, conversation, calls, is_nested
                )
                return
            except Exception as error:
                if not loop.is_closed() and not self._gives_up(error):
                    raise
        self.handle_waiting(handler, conversation, calls, False)

    def _handle_one(
        self,
        conversation: _Conversation,
        kind: int,
        token: int,
        status: int,
        payload: bytes | memoryview,
    ) -> None:
        """Handle a record of a call with a callback, which the bridge keeps if this raises."""
        try:
            if kind == _codec.REPLY:
                future = self.pending.get(token)
                if future is not None:
                    self._reply(future, conversation.callbacks, status, payload)
            else:
                self._message(conversation, status, payload)
        except Exception as error:
            if self._gives_up(error):
                if kind == _codec.REPLY:
                    self._forget(token)
                else:
                    conversation.future = None  # nor are the messages behind it told
                    self.cancel(token)
                    self.serve(token)
            raise
        self._failures = 0

    def _reply(
        self,
        future: Future[Any],
        callbacks: Callbacks | None,
        status: int,
        payload: bytes | memoryview,
    ) -> None:
        try:
            future._taken = True
            future._end_loan()
            if not future._abandoned:
                self._settle(future, callbacks, status, payload)
        except BaseException as error:  # MemoryError, say: the waiter must not wait for ever
            # If this fails too, it is taken up again with the record, which is kept.
            future.settle(FINISHED, None, error, True)
            future._resume(True)
            self._forget(future._token)
            if not isinstance(error, Exception):
                raise
        else:
            self._forget(future._token)
        finally:
            # It may hold an exception whose traceback holds this frame.
            del future

    def _settle(
        self,
        future: Future[Any],
        callbacks: Callbacks | None,
        status: int,
        payload: bytes | memoryview,
    ) -> None:
        if future._claimed:
            future._resume(True)  # whoever has claimed it may have been interrupted
        elif status == _codec.OK:
            if callbacks:
                callbacks.end()
            future.settle(FINISHED, future._function.result_of(payload), None, True)
        else:
            error = decode_error(payload, future._trace or b"", status == _codec.CAPTURED)
            if self._loop_has_ended and isinstance(error, GoCancelledError):
                future.settle(CANCELLED, None, None, True)
            else:
                cause = callbacks.original(error) if callbacks else error
                future.settle(FINISHED, None, cause, True)

    def _forget(self, token: int) -> None:
        self.pending.pop(token, None)
        self.awaited.discard(token)

    def _message(
        self, conversation: _Conversation, number: int, payload: bytes | memoryview
    ) -> None:
        call, future = conversation.call, conversation.future
        if future is None or future._abandoned or future.done():
            return
        token = future._token
        loop = None if self.loop is None else self.loop()
        try:
            message = call.message_of(payload)
            conversation.is_calling = call.context is not None
            if conversation.callbacks is not None:
                answer = functools.partial(self._answer, token)
                trace = conversation.traces.pop(number, None)
                if self.loop is not None and (loop is None or loop.is_closed()):
                    conversation.callbacks.refuse(number, answer)
                else:
                    conversation.callbacks.ask(message, number, answer, loop, trace)
            elif call.context is None:
                call.callback(message)
            else:
                within = within_trace(call.context, conversation.traces.get(0))
                within.run(call.callback, message)
                self._report(conversation)
            conversation.is_told = True  # from here on it is not told again, whatever is raised
        except BaseException as error:
            # A caller's broken callback is the caller's to see. First, as another signal may come.
            future.settle(FINISHED, None, error)
            self.cancel(token)
            self.serve(token)
            if not isinstance(error, Exception):
                raise
        finally:
            conversation.is_calling = False
            del future  # as above

    def _report(self, conversation: _Conversation) -> None:
        """Tell Go how many messages were handled, so that the function may send more."""
        conversation.handled += 1
        if conversation.handled == _REPORT_EVERY:
            conversation.handled = 0
            self._answer(conversation.token | _HANDLED, _REPORT)

    def _answer(self, token: int, message: bytes) -> None:
        """Answer a question; a function that has ended meanwhile needs no answer."""
        if not self.is_foreign():
            bridge.send(self.handle, token, message)

    def is_foreign(self) -> bool:
        """Tell whether this is a queue of the process that this one was forked from."""
        return _process.loaded() is not self._library

    def _forked(self) -> str:
        return _FORKED.format(os.getpid(), self._library.pid)

    def _pids(self) -> dict[str, int]:
        return {"pid": os.getpid(), "parent_pid": self._library.pid}

    def retire(self) -> None:
        """Close the queue as soon as nothing is pending."""
        if self.is_foreign():
            return
        if self.loop is None:
            # Of one call, whose caller leaves: a second Ctrl-C may have kept it from cancelling.
            for token in list(self.pending):
                self.cancel(token)
        self._retire()

    def end_of_loop(self) -> None:
        """Cancel and free what belonged to the loop, which is closed or gone.

        What a thread or another loop waits for goes on; questions are answered with an error.
        """
        if self.is_foreign() or sys.is_finalizing() or self.fd < 0 or self.handle in retired:
            return
        self._loop_has_ended = True
        for token in list(self.pending):
            if token not in self.awaited:
                self.cancel(token)
        for conversation in list(self._conversations.values()):
            if conversation.callbacks is not None:
                answer = functools.partial(self._answer, conversation.token)
                conversation.callbacks.refuse_open(answer)
        self._retire()

    def _retire(self) -> None:
        self.retired = True
        self._remind_of_all()
        if self.has_records():
            self.wake()  # nobody else would look at that
        if not (self.pending or self.watched):
            self.close()
            return
        # Nothing may be polled after it was closed: the number may soon be another file's.
        try:
            retired[self.handle] = self  # until it is closed
            self._attendant().watch(self)
        except BaseException:  # Ctrl-C, before the attendant knows
            self._attendant().watch(self)
            raise

    def close(self) -> None:
        """Give the queue and its descriptor back."""
        self.shut()
        retired.pop(self.handle, None)
        # Not by the weak reference, whose callback Python runs when the queue is freed: what a
        # signal's handler raises there is lost.
        _queues.pop(self.handle, None)
        # Each may hold an exception whose traceback holds the loop, and so this queue.
        self._conversations.clear()

    def abandon(self) -> None:
        """Leave who still waits alone: the interpreter ends, and they are daemon threads."""
        for future in list(self.pending.values()):
            # A thread of a provider may be in one of ours, and the provider waits for that thread.
            future._abandoned = not future._function.name.startswith(_OURS)

    def fail(self) -> None:
        """Fail what is pending, in a forked child where no reply can come."""
        for future in list(self.pending.values()):
            # Locks may have been held by threads that do not exist here.
            future.forget_threads()
            future.settle(FINISHED, None, ForkedHandleError(self._forked(), details=self._pids()))
        self.pending.clear()
        self._conversations.clear()
        # That of a loop may still be in its selector, where a number must not come again.
        self.forget(self.loop is None)


def decode_error(payload: bytes | memoryview, trace: bytes, captured: bool = False) -> GoError:
    """Build the exception of an error frame, and report it if it is a panic that nobody has."""
    error = _codec.decode_error(payload)
    error.trace = trace
    if captured:
        error.reported = True
    elif isinstance(error, GoPanic):
        _hooks.panicked(error)
    return error


def answer_of_host(question: bytes | memoryview, number: int) -> bytes:
    """Answer what Go asks of the process, and of no call in particular."""
    if bytes(question) != b"environment":
        error = ("LookupError", f"nobody knows {bytes(question)!r}")
        return answer(number, error, failed=True)
    return answer(number, _process.as_go_has_it(_process.present_environment()))


_queues: weakref.WeakValueDictionary[int, Queue] = weakref.WeakValueDictionary()
"""The queues by handle. A dict can be copied while other threads add to it; a set cannot."""

retired: dict[int, Queue] = {}
"""Those that are to be closed as soon as nothing is pending and nobody polls them."""


def close_retired() -> bool:
    """Close the queues that are to be, as who polls them; tell whether there were any."""
    closed = False
    for queue in list(retired.values()):
        if not queue.pending:
            queue.watched = False
            queue.close()
            closed = True
    return closed


def leave() -> None:
    """Abandon what is pending, and what other threads submit from now on."""
    bridge.leave(True)
    for queue in all_queues():
        queue.abandon()


def all_queues() -> list[Queue]:
    """Give every queue that is open."""
    found = {queue.handle: queue for ref in _queues.valuerefs() if (queue := ref()) is not None}
    # One that a collection found lost its weak reference before its finalizer came here.
    found.update(retired)
    return list(found.values())


def _after_fork_in_child() -> None:
    bridge.leave(False)
    for queue in all_queues():
        queue.fail()
    _queues.clear()
    retired.clear()


os.register_at_fork(after_in_child=_after_fork_in_child)
