"""The list of all checks, in the order in which they are told."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Literal

from gostitch import _cgroup
from gostitch.doctor import (
    _crash_reports,
    _environment,
    _file_systems,
    _fork,
    _go_libraries,
    _library,
    _loading,
    _opentelemetry,
    _package,
    _platform,
    _python,
    _quotas,
    _rlimits,
    _runtime,
    _sentry,
    _servers,
    _signals,
    _trial,
)
from gostitch.doctor._finding import Finding, Verdict, warning

Load = Literal["no", "trial", "here"]

_Check = tuple[str, str, Callable[[], Verdict]]


def examine(*, load: Load = "no", timeout_s: float = _trial.TIMEOUT_S) -> list[Finding]:
    """Examine this process and its environment; gives a finding for each check.

    ``load`` says whether the Go library may be loaded: ``"no"`` looks at it only
    if it is loaded already, ``"trial"`` loads it in a process of its own, where
    a crash does no harm, which takes at most ``timeout_s`` seconds, ``"here"``
    loads it in this process. Nothing else is changed. No secret is in the
    findings, so they can be logged or sent to somebody.
    """
    if load not in ("no", "trial", "here"):
        raise ValueError(f"load must be 'no', 'trial' or 'here', not {load!r}")
    return [_finding(check) for check in _checks(load, timeout_s)]


def _finding(check: _Check) -> Finding:
    """Do one check; one that fails is a finding too and does not hide the others."""
    name, title, look = check
    try:
        verdict = look()
    except Exception as error:
        words = f"This could not be looked at: {type(error).__name__}: {error}."
        verdict = warning(words, "Report it with the output of gostitch doctor --json.")
    return Finding(name, title, verdict.status, verdict.facts, verdict.words, verdict.fix)


def _checks(load: Load, timeout_s: float) -> list[_Check]:
    env, limits = os.environ, _cgroup.read()
    damage = None if load == "no" else _library.damage()
    trial = _trial.run(timeout_s, load=damage is None) if load == "trial" else None

    def compiled() -> Verdict:
        modules = trial.stages.get("compiled", {}).get("modules") if trial else None
        tried = trial is not None and trial.started
        return _package.compiled(modules if tried else _package.import_compiled())

    def threads() -> Verdict:
        return _rlimits.threads((limits.pids, limits.pids_used), _runtime.is_loaded())

    def loading() -> Verdict:
        if damage is not None:
            return _loading.not_tried(damage)
        return _loading.of_trial(trial) if trial else _loading.here(load == "here")

    return [
        ("python.interpreter", "interpreter", _python.interpreter),
        ("python.package", "package", _package.package),
        ("python.compiled", "compiled part", compiled),
        ("library.file", "file", _library.library_file),
        ("library.load", "loading", loading),
        ("go.loaded", "in this process", _go_libraries.loaded),
        ("go.installed", "installed", _go_libraries.installed),
        ("process.fork", "fork", _fork.fork),
        ("process.servers", "servers", _servers.servers),
        ("process.signals", "signals", _signals.signals),
        ("process.faulthandler", "faulthandler", _signals.fault_handler),
        ("process.crash_reports", "crash reports", _crash_reports.crash_reports),
        ("observe.opentelemetry", "OpenTelemetry", _opentelemetry.opentelemetry),
        ("observe.settings", "OTEL_* settings", lambda: _opentelemetry.settings(env)),
        ("observe.sentry", "Sentry", lambda: _sentry.sentry(env)),
        ("system.platform", "platform", _platform.system),
        ("system.mounts", "file systems", _file_systems.file_systems),
        ("system.confinement", "confinement", _rlimits.confinement),
        ("limits.files", "open files", _rlimits.open_files),
        ("limits.address_space", "address space", _rlimits.address_space),
        ("limits.threads", "threads", threads),
        ("limits.processors", "processors", _bound(_quotas.processors, limits, "GOMAXPROCS")),
        ("limits.memory", "memory", _bound(_quotas.memory, limits, "GOMEMLIMIT")),
        ("environment.go", "Go runtime", lambda: _environment.go_variables(env)),
        ("environment.gostitch", "gostitch", lambda: _environment.own_variables(env)),
        (
            "environment.late",
            "changed late",
            lambda: _environment.late_variables(env, _runtime.environment()),
        ),
    ]


def _bound(
    judge: Callable[[_cgroup.Limits, str | None], Verdict], limits: _cgroup.Limits, variable: str
) -> Callable[[], Verdict]:
    return lambda: judge(limits, os.environ.get(variable))
