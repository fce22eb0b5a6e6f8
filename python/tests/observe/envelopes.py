"""What Python's Sentry client gives to its transport, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any, NamedTuple

TESTS = Path(__file__).parents[1]

_PRELUDE = """
import asyncio, json, os, sys, threading, time
import sentry_sdk
from sentry_sdk.transport import Transport

class Kept(Transport):
    def capture_envelope(self, envelope):
        with open(os.environ["ENVELOPES"], "a") as file:
            for item in envelope.items:
                body = item.payload.json
                if body is None:
                    body = item.get_bytes().decode()
                file.write(json.dumps([item.headers.get("type"), item.headers, body, envelope.headers], default=str) + "\\n")

def init(**options):
    # Integrations that come by themselves import what is installed here: half of the time.
    sentry_sdk.init(**{"dsn": "http://public@127.0.0.1:9/1", "transport": Kept({}), "release": "shop@1.2.3", "auto_enabling_integrations": False, **options})

def wait_until(holds):
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, "unexpected: it did not come"
        time.sleep(0.005)

import faults, gostitch
"""


class Item(NamedTuple):
    """One item of an envelope."""

    kind: str
    headers: dict[str, Any]
    body: Any
    envelope: dict[str, Any]


def items(folder: Path, code: str, **env: str) -> list[Item]:
    """Run the code, which calls init, in a process of its own; give what its client has sent."""
    return items_and_print(folder, code, **env)[0]


def items_and_print(folder: Path, code: str, **env: str) -> tuple[list[Item], str]:
    """Run the code as ``items`` does; give what it printed as well."""
    process = start(folder, code, **env)
    stdout, stderr = process.communicate(timeout=50)
    assert process.returncode == 0, stderr
    assert "unexpected" not in stderr, stderr
    return kept(folder), stdout


def start(folder: Path, code: str, **env: str) -> subprocess.Popen[str]:
    """Start the code in a process of its own, whose client's envelopes are kept in the folder."""
    envelopes = folder / "envelopes"
    envelopes.unlink(missing_ok=True)
    return subprocess.Popen(
        [sys.executable, "-c", _PRELUDE + textwrap.dedent(code)],
        env={**os.environ, "ENVELOPES": str(envelopes), "PYTHONPATH": str(TESTS), **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def kept(folder: Path) -> list[Item]:
    """Give what was sent by processes that keep their envelopes in the folder."""
    envelopes = folder / "envelopes"
    lines = envelopes.read_text().splitlines() if envelopes.exists() else []
    return [Item(*json.loads(line)) for line in lines]


def events(folder: Path, code: str, **env: str) -> list[dict[str, Any]]:
    """Run the code as ``items`` does; give the events alone."""
    return [item.body for item in items(folder, code, **env) if item.kind == "event"]


def values(event: dict[str, Any]) -> list[tuple[str, str]]:
    """Give type and text of each exception of an event, the cause first."""
    return [(value["type"], value["value"]) for value in event["exception"]["values"]]
