"""A hundred faults made by hand over the boundary: each is one that a tired person could make.

``old`` stands once in its file. Each is to be found by the tests named for it. A survivor is listed
with the reason: what the fault changes nobody can see.
"""

from __future__ import annotations

from typing import NamedTuple

NATIVE, GO, PYTHON = "python/native/", "gocore/", "python/gostitch/"


class Mutant(NamedTuple):
    """A fault: in ``file``, ``old`` becomes ``new``."""

    file: str
    old: str
    new: str
    tests: str
    """The tests that should find it, with spaces between: below ``python/tests``, or packages of Go."""
    survives: str = ""
    """Why no test can find it."""


def _all(file: str, tests: str, *faults: tuple[str, str] | tuple[str, str, str]) -> list[Mutant]:
    return [Mutant(file, fault[0], fault[1], tests, *fault[2:]) for fault in faults]


MUTANTS = [
    # Records: which is first, and whose.
    *_all(
        NATIVE + "batches.c",
        "adversity/test_sequences.py abi/test_stress.py abi/test_asyncio.py abi/test_messages.py abi/test_finalizers.py",
        ("batch->left > 0 && batch->at == place->at", "batch->left > 0"),
        (
            "if (batch->left < 2 || batch->at != first->at) return 0;",
            "if (batch->left < 1) return 0;",
        ),
        ("  backlog->first->owners++;\n", ""),
        ("if (--batch->owners == 0) free(batch);", "free(batch);"),
        ("batch->at = (size_t)(in.at - batch->data);", "batch->at = 0;"),
        (
            "each != NULL; each = atomic_load(&each->next)) count += each->left;",
            "each != NULL; each = NULL) count += each->left;",
        ),
    ),
    *_all(
        NATIVE + "queue.c",
        "abi/test_future.py abi/test_messages.py abi/test_buffers.py abi/test_asyncio.py abi/test_message_order.py adversity abi/test_reentrancy.py abi/test_interrupt.py abi/test_fork.py",
        (
            "  if (leaving && q->is_shared && (uint64_t)pthread_self() != gs_main_thread) gs_abandon(future);\n",
            "",
            "a thread that submits after the handlers of atexit is rarely told anything before the end",
        ),
        ("    drop(q, token);\n    refused", "    refused"),
        ("  if (latest == q) latest = NULL;\n", ""),
        (
            "  if (!gs_is_first(batch, place)) {\n    Py_XDECREF(result);\n    return DONE;\n  }\n",
            "",
            "if another thread took the record, its future is settled, and leave_to_python checks the same again",
        ),
        ("  drop(t->queue, token);\n  int failed", "  int failed"),
        (
            "  if (is_of_one && record->kind == GS_TRACE) return DONE;\n",
            "",
            "Python then looks once more at a call for which nothing waits",
        ),
        (
            "if (memory != NULL && how != FAILED && was_first) gs_memory",
            "if (memory != NULL && how != FAILED) gs_memory",
        ),
        (
            "if (memory != NULL && how != FAILED && was_first) gs_memory",
            "if (memory != NULL && was_first) gs_memory",
        ),
        ("    failed = gs_chain_hand(&q->left, hand) < 0;\n", ""),
        ("    failed = gs_remind(&q->left, of) < 0;\n", ""),
        ("  if (of != NULL && gs_was_reminded(of) < 0) how = FAILED;\n", ""),
        ("arguments[3] == Py_True && gs_let_go(arguments[1]) < 0;", "0;"),
        ("  if (left != 0 || more) wake(q);\n", "  if (more) wake(q);\n"),
        ("  if (left != 0 || more) wake(q);\n", "  if (left != 0) wake(q);\n"),
        ("  (void)remind(q, arguments[1]);\n", ""),
        ("  if (has > 0) wake(q);\n", ""),
        (
            "  gs_wait_for_drain(&q->backlog); /* which reads the descriptor */\n",
            "",
            "another thread reads the descriptor nanoseconds after it has looked whether it is open",
        ),
        (
            "generation != 0 && generation == gs_alive && fd >= 0",
            "fd >= 0",
            "only a loop's queue has a descriptor in a forked child, and the loop keeps it there",
        ),
        ("  int is_of_one = of != NULL;\n", "  int is_of_one = 0;\n"),
        (
            "  return record->kind == GS_REPLY && record->status == GOSTITCH_OK && record->handle == 0;",
            "  return record->kind == GS_REPLY && record->handle == 0;",
        ),
        (
            "  return record->kind == GS_REPLY && record->status == GOSTITCH_OK && record->handle == 0;",
            "  return record->kind == GS_REPLY && record->status == GOSTITCH_OK;",
        ),
        (
            "  int fd = closes ? atomic_exchange(&q->fd, -1) : -1;",
            "  int fd = atomic_exchange(&q->fd, -1);",
        ),
    ),
    *_all(
        NATIVE + "conversation.c",
        "abi/test_message_order.py abi/test_reentrancy.py abi/test_messages.py abi/test_interrupt.py adversity",
        ("  if (!is_free) return 0;\n", ""),
        ("is_calling == Py_True && left == Py_None", "left == Py_None"),
        ("  if (may == 0) return take_reply(of, hand);\n", "  if (may == 0) return 0;\n"),
        ("  return found == 0 ? let_go(of, hand) : found;\n", "  return found;\n"),
        ("  return let_go(of, hand) < 0 ? -1 : is;\n", "  return is;\n"),
        ("(kind == GS_REPLY && end(of, conversations) < 0)", "0"),
        ("  if (found < 0) end_failed(of, conversations, pending, hand);\n", ""),
        ("PyDict_Contains(pending, token) == 0) (void)end(", "0) (void)end("),
    ),
    *_all(
        NATIVE + "future.c",
        "unit/test_future.py abi/test_future.py abi/test_asyncio.py abi/test_loops.py adversity/test_sequences.py abi/test_buffers.py",
        ("  if (f->claimed) return 0;\n", ""),
        (
            "  if (f->state != RUNNING) Py_RETURN_FALSE;\n  if (PyList_Append(f->blocked",
            "  if (PyList_Append(f->blocked",
        ),
        ("  wake_threads(f);\n", ""),
        ("  if (!claim(f)) Py_RETURN_FALSE;\n", "  claim(f);\n"),
        (
            "!is_set(f->awaiting) &&\n         !is_set(f->callbacks)",
            "!is_set(f->awaiting)",
            "the callbacks are run all the same, from within the bridge",
        ),
        ("  return f->plain && !f->abandoned && !f->taken", "  return f->plain && !f->taken"),
        ("  if (f->state == RUNNING && wait->asked) {", "  if (0) {"),
        ("is_here ? call_soon_name : call_soon_threadsafe_name", "call_soon_name"),
        (
            "    if (failed && type == NULL) PyErr_Fetch(&type, &value, &traceback); /* the others still must know */",
            "    if (failed) return -1;",
        ),
        (
            '  if (f->state == CANCELLED) return PyObject_CallMethod((PyObject *)f, "_raise_cancelled", NULL);\n',
            "",
        ),
        ("  gs_take_back(object, token);\n  end_loan(f);\n", "  gs_take_back(object, token);\n"),
        ("  f->call = BEGUN;\n", ""),
        ("  if (f->call == BEGUN && is_set(f->loan)) gs_loan_runs(f->loan, -1);\n", ""),
    ),
    *_all(
        NATIVE + "future.c",
        "adversity/test_memory.py",
        ("PyErr_ExceptionMatches(PyExc_MemoryError)) {\n      left = 1;", "0) {\n      left = 1;"),
    ),
    # Memory: who owns it, and until when.
    *_all(
        NATIVE + "memory.c",
        "abi/test_buffers.py abi/test_tables.py abi/test_loans.py abi/test_fork.py",
        ("memory_order_acq_rel) != 1) return;", "memory_order_acq_rel) != 2) return;"),
        ("  atomic_fetch_add_explicit(&memory->owners, 1, memory_order_relaxed);\n", ""),
        ("  gs_release(memory->handle, memory->generation);\n", ""),
        (
            "size <= SIZE_MAX - sizeof *memory ? ",
            "1 ? ",
            "no buffer that Python has is within 32 bytes of the address space",
        ),
        ("  memory->generation = gs_alive;", "  memory->generation = 1;"),
    ),
    *_all(
        NATIVE + "loan.c",
        "abi/test_loans.py abi/test_buffers.py abi/test_exit.py abi/test_fork.py adversity/test_sequences.py",
        ("i < ended.count; i++) PyBuffer_Release", "i < ended.count - 1; i++) PyBuffer_Release"),
        ("object->running > 0 && object->generation == gs_alive", "object->running > 0"),
        ("object->running > 0 && object->generation == gs_alive", "0"),
        ("  *loan = (gs_loan){0};\n  for", "  for"),
    ),
    *_all(
        NATIVE + "decode.c",
        "abi/test_broken.py abi/test_buffers.py contract abi/test_properties.py abi/test_items.py",
        (
            "if (in->end - in->at < 1 + size) return -1;",
            "if (in->end - in->at < size) return -1;",
            "the byte behind a frame can be read, and whether it ends where it should is looked at last",
        ),
        (
            "take_length(in, 0x90, 0x0f, 0xdc, 2, count) < 0 || *count > (uint64_t)(in->end - in->at) ? -1 : 0;",
            "take_length(in, 0x90, 0x0f, 0xdc, 2, count);",
        ),
        ("    *is_unsigned = tag == 0xcf;", "    *is_unsigned = 0;"),
        ("  if (value != NULL && in.at != in.end) {", "  if (0) {"),
        (
            "in->end - in->at < 18 || ",
            "",
            "only Go makes frames with memory of its own, and those are whole",
        ),
        ("(Py_ssize_t)count != expected", "(Py_ssize_t)count > expected"),
        (
            "size % (uint64_t)stride == 0 && ",
            "",
            "only Go makes frames with memory of its own, and those are whole",
        ),
        (
            "fields != 4",
            "fields < 4",
            "Go writes four fields, and the header is the same bytes in every record",
        ),
    ),
    *_all(
        NATIVE + "encode.c",
        "abi/test_call.py contract abi/test_properties.py abi/test_errors.py abi/test_loans.py abi/test_buffers.py abi/test_items.py unit/test_arguments.py",
        ("if (schema->bits < 64 && number >> schema->bits != 0)", "if (0)"),
        (
            "  if (overflow != 0 || !fits(number, schema->bits)) return out_of_range(place, schema, value);\n  return write_signed",
            "  if (overflow != 0) return out_of_range(place, schema, value);\n  return write_signed",
        ),
        ("if (PyBool_Check(value) || !PyIndex_Check(value))", "if (!PyIndex_Check(value))"),
        ("PyLong_Check(value) && !PyBool_Check(value)", "PyLong_Check(value)"),
        ("(uint64_t)writer->loan.count - 1, 4", "(uint64_t)writer->loan.count, 4"),
        ("  gs_take_last_back(&writer->loan);\n  return status;", "  return status;"),
        (
            "    if (text == NULL) PyErr_Clear();\n  }\n  if (text != NULL) {\n    status",
            "  }\n  if (text != NULL) {\n    status",
        ),
    ),
    *_all(
        NATIVE + "function.c",
        "abi/test_call.py mistakes/test_arguments.py abi/test_interrupt.py abi/test_signals_that_raise.py abi/test_fork.py observe/test_fork.py abi/test_callbacks.py abi/test_reentrancy.py",
        (
            "  if (f->bound_to == gs_ready && gs_ready != 0) return 1;",
            "  if (f->bound_to != 0) return 1;",
        ),
        ("    if (out->values[i] != NULL) {\n", "    if (0) {\n"),
        ("PyTuple_GetItem(kept, 0) == gs_hook.age", "1"),
        ("  if (payload != NULL && PyErr_CheckSignals() < 0) Py_CLEAR(payload);\n", ""),
        (
            "  looks_done = wanted; /* not what was wanted meanwhile */",
            "  looks_done = gs_looks_wanted;",
        ),
        ("  int goes_on = answer == Py_False;", "  int goes_on = 1;"),
        ("  if (ended) gs_note_waited(&f->pace, gs_clock() - begun);\n", ""),
    ),
    # Signals and waiting.
    *_all(
        NATIVE + "interrupt.c",
        "abi/test_interrupt.py abi/test_signals.py abi/test_fork.py abi/test_host.py",
        (" || now.st_dev != notices_device || now.st_ino != notices_inode) return;", ") return;"),
        ("  look();\n", ""),
        ("  atomic_store(&seen, 1);\n", ""),
        ("  if (call != 0) tell(call);", "  tell(call);"),
        ("now.sa_handler == SIG_DFL || now.sa_handler == SIG_IGN", "now.sa_handler == SIG_DFL"),
    ),
    *_all(
        NATIVE + "waiting.c",
        "abi/test_signals_that_raise.py abi/test_signals.py fork tasks/test_full_disk.py",
        ("    if (gs_interrupted() && cancel(queue, future) < 0) return -1;\n", ""),
        ("now.st_dev == mounts_device && now.st_ino == mounts_inode", "1"),
        ("    do_at_last(gs_hook.let_go, queue, NULL, future);\n", ""),
        ("poll(&on, 1, LOOK_MS)", "poll(&on, 1, 2000)"),
        ("  if (context == NULL && later.value != error.value) {", "  if (0) {"),
    ),
    *_all(
        NATIVE + "process.c",
        "abi/test_fork.py abi/test_signals.py abi/test_loading.py abi/test_faulthandler.py fork",
        ("  gs_alive = gs_ready = 0;\n", "  gs_ready = 0;\n"),
        (
            "  if (thread_key_known) pthread_key_delete(thread_key);\n",
            "",
            "of a thousand keys one is lost in each child of a child",
        ),
        ("  if (limit_known) setrlimit(RLIMIT_NOFILE, &limit_before);\n", ""),
        (
            "sigaction(number, &handlers_before[number], NULL);\n  }\n  library_start",
            "(void)0;\n  }\n  library_start",
        ),
        ("  gs_forget_interrupts();\n  if (thread", "  if (thread"),
    ),
    # Go's side of the door.
    *_all(
        GO + "queue.go",
        "./gocore abi/test_messages.py abi/test_loops.py abi/test_stress.py abi/test_future.py abi/test_abandoning.py",
        ("\tq.signalled = false\n\treturn false", "\treturn false"),
        ("\tif q.shut {\n", "\tif false {\n"),
        ("\tcase <-c.context.Load().Done():\n\t\treturn\n\t}\n\toutput", "\t}\n\toutput"),
        ("if c.outbox == nil || c.closed.Load() {\n\t\treturn", "if c.outbox == nil {\n\t\treturn"),
        ("const outboxSize = 256", "const outboxSize = 1024"),
    ),
    *_all(
        GO + "stream.go",
        "./gocore abi/test_streams.py",
        ("\t\tw.bytes -= size\n", "\t\t_ = size\n"),
        ("len(w.sizes) == 0 || ", ""),
        ("w.bytes+size <= windowBytes", "true"),
        ("\tcount = min(count, len(w.sizes))\n", ""),
    ),
    *_all(
        GO + "callback.go",
        "./gocore abi/test_callbacks.py",
        ("\tdefer a.forget(number)\n", ""),
        ("\tcase <-ctx.Done():\n\t\treturn nil, ctx.Err()\n", ""),
        ("\t\tdelete(a.waiting, number)\n\t\treply <- message", "\t\treply <- message"),
    ),
    *_all(
        GO + "limit.go",
        "operate",
        ("\tdefer func() { <-l.turns }()\n", ""),
        ("if l.waiting.Add(1) > int64(l.Queue) {", "if l.waiting.Add(1) > int64(l.Queue)+1 {"),
        ("\tcase <-ctx.Done():\n\t\treturn ctx.Err()\n", ""),
    ),
    *_all(
        GO + "monitor.go",
        "./gocore abi/test_stops_of_the_world.py",
        ("\t\tgoWasUsed.Store(true)\n\t\tnapWhenUsed.begin()\n", "\t\tgoWasUsed.Store(true)\n"),
        ("\t\t\tnextNap()\n", ""),
        ("background.Load() > 0 || countRunning() > 0", "false"),
    ),
    *_all(
        GO + "cabi/abi.go",
        "abi/test_stops_of_the_world.py",
        ("func endure(value any) {\n\tgocore.KeepMonitorAwake()\n", "func endure(value any) {\n"),
        ("\tgocore.KeepMonitorAwake()\n\tif value == nil {", "\tif value == nil {"),
        ("\t\tgocore.KeepMonitorAwake()\n\t\tif value := recover()", "\t\tif value := recover()"),
        ("\tgocore.KeepMonitorAwake() // for what the function waits for outside of Go\n", ""),
    ),
    *_all(
        GO + "cabi/pending.go",
        "abi/test_messages.py abi/test_buffers.py abi/test_items.py abi/test_stress.py abi/test_streams.py",
        ("\t\tif len(out)+recordOverhead+size > len(room) {\n\t\t\treturn false\n\t\t}\n", ""),
        ("|| len(r.Held) > 0 ", ""),
        ("\tif remain {\n\t\t*more = 1\n\t}\n", "\t_ = remain\n"),
    ),
    *_all(
        GO + "cabi/buffer.go",
        "abi/test_buffers.py abi/test_tables.py abi/test_fork.py adversity/test_sequences.py",
        ("\t\tb.pinner.Pin(address)\n", "\t\t_ = address\n"),
        ("\t\thandles.buffers.Add(-1)\n", ""),
        ("handles.byID.LoadAndDelete(uint64(handle))", "handles.byID.Load(uint64(handle))"),
    ),
    # Python's side.
    *_all(
        PYTHON + "_copies.py",
        "abi/test_memory_files.py unit/test_copies.py abi/test_fork.py",
        ("_SEAL | _SHRINK | _GROW | _WRITE)", "_WRITE)"),
        ("            os.ftruncate(target, 0)\n", ""),
        ("                if sent == 0:\n", "                if False:\n"),
        (
            "os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW",
            "os.O_CLOEXEC | os.O_NOFOLLOW",
            "the name has 48 random bits, so nobody can have made it before",
        ),
    ),
    *_all(
        PYTHON + "_crash_files.py",
        "abi/test_crashes.py",
        (" and found.st_uid == os.geteuid()", ""),
        ("_SAFE = os.O_NOFOLLOW | ", "_SAFE = "),
        (" and found.st_nlink == 1", ""),
    ),
    *_all(
        PYTHON + "_stream.py",
        "abi/test_streams.py abi/test_fork.py",
        (
            "        if self._ended:  # another thread has closed the stream just now, and saw no call\n            queue.cancel(future._token)\n",
            "",
        ),
        (
            "            if self._taken == _REPORT_EVERY:\n                self._report()\n",
            "",
            "a consumer that has to wait tells Go too, so it is only slower",
        ),
        ("not self._ended and of is not _process.loaded()", "False"),
    ),
    *_all(
        PYTHON + "_late.py",
        "abi/test_late_imports.py",
        ("        if _is_doing():\n", "        if False:\n"),
        ("    _turn.take(_FORK_WAIT_S)\n", "    pass\n"),
    ),
    *_all(
        PYTHON + "_calls.py",
        "abi/test_late_imports.py",
        ("        bridge.look_again()  # by the next call\n", "        pass\n"),
    ),
    *_all(
        PYTHON + "_queue.py",
        "abi/test_asyncio.py abi/test_loops.py abi/test_messages.py abi/test_callbacks.py abi/test_future.py",
        (
            "            if not future._abandoned:\n                self._settle",
            "            if True:\n                self._settle",
        ),
        (
            "            if self._loop_has_ended and isinstance(error, GoCancelledError):",
            "            if False:",
        ),
        (
            "                if self.loop is not None and (loop is None or loop.is_closed()):",
            "                if False:",
        ),
        (
            "        if conversation.handled == _REPORT_EVERY:",
            "        if conversation.handled == 1 << 40:",
        ),
    ),
]
