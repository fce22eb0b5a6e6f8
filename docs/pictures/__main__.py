"""Takes the pictures of the docs: ``make pictures``.

A viewer of traces (Phoenix) and one of Sentry events (Spotlight) get what ``service.py``
and ``panic.py`` send, and a browser looks at them. The argument is the program of Phoenix.
"""

from __future__ import annotations

import io
import os
import random
import socket
import subprocess
import sys
import tarfile
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import http_servers
from fork.servers import wait_until
from observe import spotlight
from pages.test_browser import CHROMIUM, SWITCHES

HERE = Path(__file__).parent
_START_S = 120.0
_STOP_S = 20.0


def main(phoenix: str) -> None:
    """Take all pictures."""
    from playwright.sync_api import sync_playwright

    with (
        tempfile.TemporaryDirectory() as name,
        _phoenix(phoenix, Path(name)) as (traces, endpoint),
        spotlight.serving(Path(name)) as errors,
        http_servers.serving(_artifacts(Path(name))) as artifacts,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        # It keeps no events for those who come later.
        event = browser.new_page(viewport={"width": 1400, "height": 730})
        _open(event, errors)
        subprocess.run(
            [sys.executable, HERE / "service.py", artifacts],
            env=os.environ
            | {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "SENTRY_DSN": errors.dsn}
            | {"OTEL_SERVICE_NAME": "shop"},
            stderr=subprocess.DEVNULL,  # its second release fails
            timeout=60,
            check=False,
        )
        _picture_event(event)
        _picture_panic(browser.new_page(viewport={"width": 1400, "height": 800}), errors)
        _picture_trace(browser.new_page(viewport={"width": 1400, "height": 780}), traces)


def _open(page: Any, errors: spotlight.Spotlight) -> None:
    """Have Spotlight show what comes from now on."""
    page.goto(f"{errors.dsn.replace('public@', '').removesuffix('/1')}/telemetry/errors")
    page.get_by_text("Connected to Sidecar").wait_for()


def _picture_panic(page: Any, errors: spotlight.Spotlight) -> None:
    _open(page, errors)
    subprocess.run(
        [sys.executable, HERE / "panic.py"],
        env=os.environ | {"SENTRY_DSN": errors.dsn},
        stderr=subprocess.DEVNULL,  # nobody catches it
        timeout=60,
        check=False,
    )
    page.get_by_text("runtime.errorString").first.click()
    page.get_by_text("place_order").first.wait_for()
    page.wait_for_timeout(500)
    page.screenshot(path=HERE / "panic.png", clip={"x": 240, "y": 0, "width": 1160, "height": 800})


def _picture_event(page: Any) -> None:
    page.get_by_text("*errors.errorString").first.click()
    page.get_by_text("make_release").first.wait_for()
    page.get_by_text("readError").first.click()  # which opens the frame
    page.wait_for_timeout(500)
    page.screenshot(path=HERE / "sentry.png", clip={"x": 240, "y": 0, "width": 1160, "height": 730})


def _picture_trace(page: Any, traces: str) -> None:
    page.goto(f"{traces}/projects")
    page.get_by_text("default").first.click()
    page.get_by_text("POST /releases").last.click()  # the first one; later ones come first
    page.get_by_role("button", name="tasks.fetch").first.click()
    page.get_by_role("tab", name="Attributes").click()
    page.mouse.move(1000, 770)
    page.get_by_text("gostitch.call.run_ns").wait_for()
    page.wait_for_timeout(500)
    page.screenshot(path=HERE / "trace.png", clip={"x": 350, "y": 46, "width": 1050, "height": 734})


@contextmanager
def _phoenix(program: str, folder: Path) -> Iterator[tuple[str, str]]:
    """Give the addresses of the pages and of the receiver of Phoenix, while it runs."""
    web, grpc = _free_port(), _free_port()
    environment = {
        "PHOENIX_WORKING_DIR": str(folder),
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_PORT": str(web),
        "PHOENIX_GRPC_PORT": str(grpc),
        "PHOENIX_TELEMETRY_ENABLED": "false",
    }
    said = folder / "phoenix.log"
    with said.open("w") as log:
        server = subprocess.Popen(
            [program, "serve"], env=os.environ | environment, stdout=log, stderr=log
        )
    try:
        wait_until(lambda: _answers(f"http://127.0.0.1:{web}/healthz"), said.read_text, _START_S)
        yield f"http://127.0.0.1:{web}", f"http://127.0.0.1:{grpc}"
    finally:
        server.terminate()
        try:
            server.wait(_STOP_S)
        finally:
            server.kill()


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=5).close()
    except (OSError, urllib.error.URLError):
        return False
    return True


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def _artifacts(folder: Path) -> Path:
    """Make archives, one of which is broken."""
    chance = random.Random(1)
    for name, files in {"engine": 300, "site": 120, "docs": 60}.items():
        with tarfile.open(folder / f"{name}.tar.gz", "w:gz") as archive:
            for number in range(files):
                data = chance.randbytes(16) * 4096
                member = tarfile.TarInfo(f"{name}/{number:03}.bin")
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
    whole = (folder / "site.tar.gz").read_bytes()
    (folder / "broken.tar.gz").write_bytes(whole[: len(whole) // 2])
    return folder


if __name__ == "__main__":
    main(sys.argv[1])
