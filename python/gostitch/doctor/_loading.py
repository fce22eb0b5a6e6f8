"""Whether the Go library can be loaded and works, in this process or a trial process."""

from __future__ import annotations

import re
from typing import Any

from gostitch.doctor import _runtime
from gostitch.doctor._finding import Verdict, note, ok, problem, warning
from gostitch.doctor._trial import Trial

_KNOWN = {
    r"failed to reserve|cannot allocate|cannot reserve|out of memory|pthread_create": (
        "Raise or remove the limits of address space (ulimit -v), memory and processes."
    ),
    r"GOMEMLIMIT is |GOMEMLIMIT=|malformed GOMEMLIMIT": (
        "Correct or unset GOMEMLIMIT; it reads like 512MiB."
    ),
    r"static TLS": "Raise or remove glibc.rtld.optional_static_tls in GLIBC_TUNABLES.",
    r"GLIBC_[\d.]+' not found": "Use a newer system, or a release wheel, built for old ones.",
    r"failed to map segment": "Mount the file system of the library without noexec.",
    r"does not export|invalid ELF|file too short": (
        "Name a library built with this version of gostitch in GOSTITCH_LIBRARY, or unset it."
    ),
}
_UNKNOWN = (
    "See what python -X faulthandler -c 'import gostitch._process as p; p.library()' prints, and "
    "report it with the output of gostitch doctor --json."
)


def not_tried(damage: str) -> Verdict:
    """Say that nothing was loaded, since the file is damaged."""
    fix = "Do what the finding about the file says."
    return problem(f"It was not loaded, since {damage}.", fix, where=None)


def of_trial(trial: Trial) -> Verdict:
    """Say how loading went in a trial process."""
    load, call = trial.stages.get("load"), trial.stages.get("call")
    facts: dict[str, Any] = {"where": "trial process", "ended": trial.ended, "said": trial.said}
    if not trial.started:
        words = f"A process that was to load the library {trial.ended}."
        return warning(words, "Try it from a shell: gostitch doctor.", **facts)
    if load is None:
        return _stopped("load the library", trial, facts)
    if "error" in load:
        return _refused(load["error"], facts)
    facts |= _facts(load["info"]) | {"load_seconds": round(load["seconds"], 4)}
    words = f"It loads in {load['seconds'] * 1e3:.0f} ms and has {facts['functions']} functions"
    if call is not None and "error" in call:
        words += f", but a first call failed: {call['error']}."
        return problem(words, _fix(call["error"]), **facts)
    if trial.ended is not None:
        return _stopped("make a first call", trial, facts)
    if call is not None:
        facts["call_seconds"] = round(call["seconds"], 4)
        words += "; a call and a submitted call worked"
    return ok(f"{words} (tried in a process of its own).", **facts)


def here(may_load: bool) -> Verdict:
    """Say how it is in this process; load the library if asked."""
    facts: dict[str, Any] = {"where": "this process"}
    try:
        from gostitch import _info, _process

        info = _info.runtime_info()
    except ImportError as error:
        return problem(f"The package cannot be imported: {error}.", _fix(str(error)), **facts)
    if not info["loaded"] and not may_load and not _refuses(info):
        return note("The Go library is not loaded yet; the first call does it.", **facts)
    try:
        _process.library()
    except Exception as error:
        return _refused(str(error), facts)
    info = _info.runtime_info()
    facts |= _facts(info)
    words = f"It is loaded in this process, with {facts['functions']} functions"
    return ok(f"{words}, and {info['calls']} calls are being run.", **facts)


def _refuses(info: dict[str, Any]) -> bool:
    """Tell whether an attempt to load does no more than say why it may not."""
    return info["forked_from"] is not None and _runtime.fork_policy() == "error"


def _facts(info: dict[str, Any]) -> dict[str, Any]:
    same = ("library", "library_version", "go_version", "abi")
    return {name: info[name] for name in same} | {"functions": len(info["functions"])}


def _stopped(aim: str, trial: Trial, facts: dict[str, Any]) -> Verdict:
    said = f"; its last words: {trial.said}" if trial.said else ""
    words = f"A process that was to {aim} {trial.ended or 'ended without a word'}{said}."
    return problem(words, _fix(trial.said or ""), **facts)


def _refused(message: str, facts: dict[str, Any]) -> Verdict:
    """Make a verdict of an error, whose last clause is the remedy if it has one.

    For an error that is known the doctor has a better one.
    """
    words, semicolon, remedy = message.rpartition("; ")
    if not semicolon:
        words = message
    known = _known(message)
    fix = known or (_sentence(remedy) if semicolon else _UNKNOWN)
    return problem(_sentence(words), fix, error=message, **facts)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "."


def _fix(text: str) -> str:
    return _known(text) or _UNKNOWN


def _known(text: str) -> str | None:
    return next((fix for pattern, fix in _KNOWN.items() if re.search(pattern, text)), None)
