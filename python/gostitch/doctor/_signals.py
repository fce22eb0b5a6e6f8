"""Signals: who handles those that the Go runtime and Ctrl-C need."""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
from typing import Any

from gostitch.doctor import _handlers, _library, _maps, _runtime
from gostitch.doctor._finding import Verdict, note, ok, problem, warning

_FAULTS_FIRST = "Set handlers of SIGSEGV, SIGBUS and SIGFPE before the first call of a Go function."
_URGENT_LATE = "Set handlers of SIGURG before the first call of a Go function."


def _owner(number: int, maps: list[_maps.Mapping]) -> str | None:
    """Give the file whose code handles a signal, or a word for what else happens."""
    handler = _handlers.of(number)
    if handler is None:
        return None
    if not handler.is_code:
        return "ignored" if handler.address else "default"
    return _maps.owner(handler.address, maps) or "unknown"


def _is_go(owner: str | None, info: dict[str, Any]) -> bool:
    known = owner is not None and owner.startswith("/")
    return known and (owner in (info["library"], info["mapped"]) or _library.is_ours(str(owner)))


def signals() -> Verdict:
    """Check who handles SIGURG and SIGINT."""
    info, maps = _runtime.info(), _maps.read()
    loaded = info is not None and info["loaded"]
    interrupt = signal.getsignal(signal.SIGINT)
    facts: dict[str, Any] = {
        "sigurg": _owner(signal.SIGURG, maps),
        "sigint": _owner(signal.SIGINT, maps),
        "sigint_ignored": interrupt == signal.SIG_IGN,
        "interrupts_calls": bool(info and info["signals_watched"]),
        "without_alternate_stack": _without_stack(maps) if loaded else [],
    }
    if loaded and info is not None and facts["sigurg"] and not _is_go(facts["sigurg"], info):
        words = (
            f"SIGURG was taken from the Go runtime (by {facts['sigurg']}), so it cannot interrupt "
            "goroutines that compute: they delay garbage collection and all others."
        )
        return problem(words, _URGENT_LATE, **facts)
    if facts["without_alternate_stack"]:
        words = (
            f"Handlers of {', '.join(facts['without_alternate_stack'])} were set without "
            "SA_ONSTACK; on a thread of Go such a handler can overrun its small stack and crash."
        )
        return warning(
            words, "Let what sets them use SA_ONSTACK, or set them before Go loads.", **facts
        )
    if facts["sigint_ignored"]:
        words = "SIGINT is ignored here (as in background jobs of a shell), so Ctrl-C ends no call."
        return note(words, "Give calls a timeout=, or set a handler for SIGINT.", **facts)
    if not loaded:
        return ok("Nothing stands in the way of the Go runtime's signal handlers.", **facts)
    words = "The Go runtime has its signal handlers."
    if facts["interrupts_calls"]:
        words += " Ctrl-C cancels a call of the main thread."
    return ok(words, **facts)


def _without_stack(maps: list[_maps.Mapping]) -> list[str]:
    found = []
    for number in sorted(signal.valid_signals()):
        handler = _handlers.of(number)
        if handler is not None and handler.is_code and not handler.on_stack:
            owner = os.path.basename(_maps.owner(handler.address, maps) or "unknown code")
            found.append(f"{_name(number)} ({owner})")
    return found


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {int(number)}"


def fault_handler() -> Verdict:
    """Check that the Go runtime learns of its own faults, and faulthandler of others."""
    info, maps = _runtime.info(), _maps.read()
    facts: dict[str, Any] = {
        "enabled": faulthandler.is_enabled(),
        "sigsegv": _owner(signal.SIGSEGV, maps),
        "by_option": bool(sys.flags.dev_mode or "faulthandler" in sys._xoptions)
        or bool(os.environ.get("PYTHONFAULTHANDLER")),
    }
    loaded = info is not None and info["loaded"]
    if not loaded:
        words = "Faults of Go become GoPanic, faults of C are left to faulthandler"
        return ok(f"{words} {'(enabled)' if facts['enabled'] else 'if you enable it'}.", **facts)
    if info is not None and not info["faults_covered"]:
        who = facts["sigsegv"] or "unknown code"
        words = (
            f"The Go runtime is not asked first about faults, but {who}: a nil dereference in Go "
            "ends the process, instead of becoming GoPanic."
        )
        return problem(words, _FAULTS_FIRST, **facts)
    words = "The Go runtime is asked first about faults, so a nil dereference in Go becomes GoPanic"
    return ok(f"{words}; faults of C are left to who handled them before.", **facts)
