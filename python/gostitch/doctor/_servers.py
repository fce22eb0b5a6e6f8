"""Servers that fork their workers, and what they need to know."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Mapping
from typing import Any

from gostitch.doctor import _versions
from gostitch.doctor._finding import Verdict, note, ok, warning

_TITLES = {"gunicorn": "gunicorn", "celery": "Celery", "uwsgi": "uWSGI"}
_DISTRIBUTIONS = {"gunicorn": "gunicorn", "celery": "celery", "uwsgi": "uWSGI"}
_ADVICE = {
    "gunicorn": (
        "With gunicorn --preload, let no module call Go while it is imported (a post_fork hook "
        "may): each worker then needs no copy of the library."
    ),
    "celery": (
        "With Celery's prefork pool, make the first call in a task or in worker_process_init: then "
        "the children need no copy of the library. Send SIGTERM to the parent only."
    ),
    "uwsgi": (
        "With uWSGI, set enable-threads = true, and lazy-apps = true or py-call-osafterfork = true."
    ),
}


def servers() -> Verdict:
    """Tell which such servers are in this process or installed."""
    installed = {name: _versions.installed(of) for name, of in _DISTRIBUTIONS.items()}
    imported = [name for name, is_here in _HERE.items() if is_here()]
    facts: dict[str, Any] = {
        "imported": imported,
        "installed": {name: version for name, version in installed.items() if version},
    }
    concerned = imported or list(facts["installed"])
    if not concerned:
        return ok("No server that forks (gunicorn, Celery, uWSGI) is installed.", **facts)
    fix = " ".join(_ADVICE[name] for name in concerned)
    said = [warned for name in imported if (warned := _WARNED.get(name, str)())]
    if said:
        return warning(" ".join(said), fix, **facts)
    names = ", ".join(_TITLES[name] for name in concerned)
    words = f"{'Imported' if imported else 'Installed'} here, and forking its workers: {names}."
    return note(words, fix, **facts)


def _has_celery() -> bool:
    """Tell whether this is a worker, or has an application; sentry_sdk imports Celery without."""
    if "celery.apps.worker" in sys.modules:
        return True
    state = sys.modules.get("celery._state")
    return bool(list(getattr(state, "_apps", ())))


_HERE: dict[str, Callable[[], bool]] = {
    "gunicorn": lambda: "gunicorn.app.base" in sys.modules,
    "celery": _has_celery,
    "uwsgi": lambda: "uwsgi" in sys.modules,
}


def preloads(environment: Mapping[str, str], arguments: list[str]) -> bool:
    """Tell whether gunicorn was told to import the application before it forks."""
    try:
        more = shlex.split(environment.get("GUNICORN_CMD_ARGS", ""))
    except ValueError:
        more = []
    return any(word in ("--preload", "--preload-app") for word in [*arguments, *more])


def _gunicorn() -> str | None:
    if os.environ.get("GOSTITCH_FORK") == "error" and preloads(os.environ, sys.argv[1:]):
        return (
            "gunicorn runs with --preload, so modules are imported before the workers are forked, "
            "and GOSTITCH_FORK=error: where one calls Go, all calls of the workers fail."
        )
    return None


def _uwsgi() -> str | None:
    options = getattr(sys.modules["uwsgi"], "opt", {})
    names = {name.decode() if isinstance(name, bytes) else name for name in options}
    if not names & {"enable-threads", "threads"}:
        return "uWSGI runs without enable-threads, so futures of submitted calls never end."
    if not names & {"lazy-apps", "lazy", "py-call-osafterfork"}:
        return (
            "uWSGI runs without lazy-apps and without py-call-osafterfork: where a module calls Go "
            "while it is imported, all calls of the workers fail."
        )
    return None


_WARNED = {"gunicorn": _gunicorn, "uwsgi": _uwsgi}
