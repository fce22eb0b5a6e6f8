"""Crash reports in Sentry: where the process that crashed would have sent them, as what it was."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import gostitch
from observe import envelopes

_SHOP = "release='shop@1', environment='staging', dist='d1', server_name='host-1'"
_OTHER = "release='shop@2', environment='production', dist='d2', server_name='host-2'"
_ELSEWHERE = f"dsn='http://other@127.0.0.1:9/2', {_OTHER}"
_CRASH = "faults.crash('goroutine')"
_START = "faults.add(1, 2)"


class Service:
    """Processes of one user: what they send, and what is left of crashes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.crashes = folder / "crashes"

    def __call__(self, options: str | None, code: str = _START) -> list[dict[str, Any]]:
        """Run a process, with a Sentry client if there are options for one; give its events."""
        process = self.start(options, code)
        _, self.stderr = process.communicate(timeout=50)
        assert "unexpected" not in self.stderr, self.stderr
        assert code != _START or process.returncode == 0, self.stderr
        return [item.body for item in envelopes.kept(self.folder) if item.kind == "event"]

    def start(self, options: str | None, code: str = _START, folder: Path | None = None) -> Any:
        """Start a process."""
        init = "" if options is None else f"init({options})\n"
        env = {"GOSTITCH_CRASH_DIR": str(self.crashes)}
        return envelopes.start(folder or self.folder, init + code, **env)

    def files(self) -> list[str]:
        """Give the ends of the names of what is left."""
        return sorted(path.suffix for path in self.crashes.iterdir())

    def told(self) -> str:
        """Give how often the last process has logged a crash."""
        return str(self.stderr.count("Go ended process"))


@pytest.fixture
def service(tmp_path: Path) -> Service:
    """Processes that share a folder of crash reports."""
    return Service(tmp_path)


def named(event: dict[str, Any]) -> list[Any]:
    """Give what an event says of its process."""
    return [event.get(name) for name in ("release", "environment", "dist", "server_name")]


def test_the_event_is_of_the_process_that_crashed(service: Service) -> None:
    """Its release, environment, dist and server; and nothing of who sends it."""
    service(_SHOP, _CRASH)
    (event,) = service(
        _OTHER,
        """
sentry_sdk.get_global_scope().set_tag("of", "the sender")
sentry_sdk.set_tag("of", "the sender")
sentry_sdk.set_user({"id": "the sender"})
sentry_sdk.set_context("request", {"of": "the sender"})
sentry_sdk.add_breadcrumb(message="of the sender")
faults.add(1, 2)
""",
    )

    assert ["shop@1", "staging", "d1", "host-1"] == named(event)
    assert "the sender" not in json.dumps(event)
    assert {"go_crash", "runtime"} == set(event["contexts"])
    assert "go" == event["contexts"]["runtime"]["name"]
    assert event["contexts"]["runtime"]["version"].startswith("go1.")
    assert gostitch.__version__ == event["tags"]["gostitch.version"]
    assert not {"modules", "extra", "breadcrumbs", "user"} & set(event)
    assert [] == service.files()
    assert [] == service(_SHOP)


def test_what_the_process_had_not_set_stays_so(service: Service) -> None:
    """A release or dist of the sender is not put in the place of none."""
    service(
        "environment='staging', dist=None",
        "sentry_sdk.get_client().options['release'] = None\n" + _CRASH,
    )
    (event,) = service(_OTHER)

    assert (None, None) == (event.get("release"), event.get("dist"))
    assert "staging" == event["environment"]


def test_another_service_leaves_it(service: Service) -> None:
    """It is logged by the first process that finds it, and sent by one with the same DSN."""
    service(_SHOP, _CRASH)
    assert [] == service(_ELSEWHERE)
    assert "1" == service.told()
    assert "of shop@1 staging" in service.stderr
    assert [] == service(None)
    assert "0" == service.told()
    (event,) = service(_OTHER)

    assert ["shop@1", "staging", "d1", "host-1"] == named(event)
    assert "0" == service.told()
    assert [] == service.files()


def test_without_sentry_it_waits(service: Service) -> None:
    """A process that does not use Sentry logs it and leaves it to one that does."""
    service(_SHOP, _CRASH)
    assert [] == service(None)
    assert ("1", [".json", ".told"]) == (service.told(), service.files())

    assert 1 == len(service(_SHOP))


def test_a_crash_of_nobody_is_not_sent(service: Service) -> None:
    """A process without a client, or whose client sends nowhere, has agreed to no sending."""
    for options in (None, "dsn=''"):
        service(options, _CRASH)
        assert [] == service(_SHOP)
        assert ("1", []) == (service.told(), service.files())


def test_sentry_may_come_late_and_change(service: Service) -> None:
    """What counts is the client that there was at the crash."""
    later = "faults.add(1, 2)\ninit(release='late', environment='e')\n"
    service(None, later + "faults.add(1, 2)\n" + _CRASH)
    assert ["late", "e"] == named(*service(_SHOP))[:2]
    service(_SHOP, "faults.add(1, 2)\ninit(release='new', environment='e')\n" + _CRASH)
    assert ["new", "e"] == named(*service(_SHOP))[:2]
    service(_SHOP, f"{_START}\nsentry_sdk.get_global_scope().set_client(None)\n{_START}\n{_CRASH}")
    assert [] == service(_SHOP)


def test_of_those_that_start_at_once_one_sends_it(service: Service, tmp_path: Path) -> None:
    """Eight processes find it together: there is one event."""
    service(_SHOP, _CRASH)
    folders = [tmp_path / str(number) for number in range(8)]
    for folder in folders:
        folder.mkdir()
    processes = [service.start(_SHOP, folder=folder) for folder in folders]
    for process in processes:
        _, stderr = process.communicate(timeout=50)
        assert process.returncode == 0, stderr
    sent = [item for folder in folders for item in envelopes.kept(folder) if item.kind == "event"]

    assert (1, []) == (len(sent), service.files())


@pytest.mark.parametrize(
    ("options", "again"),
    [("before_send=lambda event, hint: None", 0), ("error_sampler=lambda *_: 0", 0)],
)
def test_a_client_that_drops_it_has_had_it(service: Service, options: str, again: int) -> None:
    """before_send and sampling are the last word."""
    service(_SHOP, _CRASH)
    assert [] == service(options)

    assert (again, []) == (len(service(_SHOP)), service.files())


def test_who_fails_leaves_it_to_the_next(service: Service) -> None:
    """A transport that raises has not sent it."""
    service(_SHOP, _CRASH)
    broken = "Kept.capture_envelope = lambda *_: 1 / 0\n" + _START
    assert [] == service(_SHOP, broken)

    assert 1 == len(service(_SHOP))


def test_a_forked_child_has_its_own(service: Service) -> None:
    """A child's crash is as its own client says, and the parent's file goes with the parent."""
    service(
        _SHOP,
        f"""
{_START}
if (child := os.fork()) == 0:
    init({_OTHER})
    {_CRASH}
os.waitpid(child, 0)
""",
    )
    assert [".crash", ".json"] == service.files()
    (event,) = service(_SHOP)

    assert ["shop@2", "production", "d2", "host-2"] == named(event)


@pytest.mark.parametrize("end", ["", "os._exit(0)", "os.kill(os.getpid(), 9)"])
def test_without_a_crash_nothing_stays(service: Service, end: str) -> None:
    """However the process ends, what it was is forgotten."""
    service(_SHOP, f"{_START}\n{end}")
    service(_SHOP)

    assert [] == service.files()


def _elsewhere(service: Service, days: float) -> None:
    """Have what is left be of another container, and so old."""
    for path in list(service.crashes.iterdir()):
        pid, start, _ = path.stem.split("-")
        moved = path.with_name(f"{pid}-{start}-123{path.suffix}")
        path.rename(moved)
        then = time.time() - days * 86400
        os.utime(moved, (then, then))


def test_another_container_sends_it(service: Service) -> None:
    """The folder outlives a container: the next one, where numbers of processes mean others."""
    service(_SHOP, _CRASH)
    _elsewhere(service, days=1)

    assert ["shop@1", "staging", "d1", "host-1"] == named(*service(_OTHER))


def test_it_is_not_kept_for_ever(service: Service) -> None:
    """What nobody has sent within a month is removed, and no more than 200 wait."""
    service(_SHOP, _CRASH)
    service(None)
    _elsewhere(service, days=31)
    service(None)
    service(None)
    assert [] == service.files()

    service(_SHOP, _CRASH)
    service(None)
    (told,) = service.crashes.glob("*.told")
    for number in range(300):
        for path in (told, told.with_suffix(".json")):
            path.with_name(f"{number}-1-123{path.suffix}").write_bytes(path.read_bytes())
    service(None)
    assert 200 == len(list(service.crashes.glob("*.told")))
    assert 20 == len(service(_SHOP))


def _link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/hostname")


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


_HOSTILE: dict[str, Callable[[Path], object]] = {
    "no JSON": lambda path: path.write_text("{"),
    "another type": lambda path: path.write_text("[1]"),
    "numbers": lambda path: path.write_text(json.dumps(json.loads(path.read_text()) | {"dist": 7})),
    "no DSN": lambda path: path.write_text('{"release": "x"}'),
    "deep": lambda path: path.write_text("[" * 100_000),
    "long": lambda path: path.write_bytes(b'{"dsn": "' + b"x" * (1 << 26) + b'"}'),
    "bytes": lambda path: path.write_bytes(bytes(range(256))),
    "a link": _link,
    "a pipe": _pipe,
}


@pytest.mark.parametrize("kind", _HOSTILE)
def test_what_is_beside_a_report_may_be_anything(service: Service, kind: str) -> None:
    """Whatever stands there: the report is logged, nothing is waited for, and nobody sends it."""
    service(_SHOP, _CRASH)
    (beside,) = service.crashes.glob("*.json")
    _HOSTILE[kind](beside)

    assert [] == service(_SHOP)
    assert ("1", []) == (service.told(), service.files())


def test_long_texts_are_bounded(service: Service) -> None:
    """A file of gostitch's own making with other texts in it is sent with no more than Sentry takes."""
    service(_SHOP, _CRASH)
    (beside,) = service.crashes.glob("*.json")
    found = json.loads(beside.read_text())
    assert "127.0.0.1" not in beside.read_text()
    beside.write_text(json.dumps(found | {"release": "x" * 5000, "environment": "a\nb"}))
    (event,) = service(_SHOP)

    assert 250 >= len(event["release"])
    assert "a\nb" not in service.stderr
