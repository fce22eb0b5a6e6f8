"""Runs one build as a process of its own.

`python -m ci_pipeline.build before` (or `after`), with the server's URL and a folder.

Prepares telemetry, display and folders, runs the pipeline, and leaves what is known of the run in a
JSON file for the demo.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import telemetry
from .artifacts import ArtifactServer
from .pipeline import Build, Heavy, run
from .progress import shown

__all__ = ["main"]

Epilogue = Callable[[Build], dict[str, Any]]
"""What a side does after its build, still inside the trace; its result goes into the file."""


def main() -> None:
    """Build what the artifact server publishes, with the heavy steps of one side."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("side", choices=("before", "after"), help="whose heavy steps to use")
    parser.add_argument("--server", required=True, help="URL of the artifact server")
    parser.add_argument("--work", required=True, type=Path, help="an empty folder to work in")
    parser.add_argument(
        "--result", required=True, type=Path, help="file to write times and digests to, as JSON"
    )
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends our own children too
    heavy, epilogue = _side(options.side)
    try:
        with telemetry.recorded(f"{options.side}.py"):
            known = _build(heavy, epilogue, options)
    except KeyboardInterrupt:
        sys.exit(130)  # whoever asked for it knows why
    options.result.write_text(json.dumps(known), encoding="utf-8")


def _side(name: str) -> tuple[Heavy, Epilogue]:
    """Import the heavy steps of a side.

    Only the chosen side is imported: `before` runs in a process that knows nothing of Go.
    """
    if name == "before":
        from . import before

        return before, lambda build: {}
    from . import after, failure

    return after, failure.provoke


def _build(heavy: Heavy, epilogue: Epilogue, options: argparse.Namespace) -> dict[str, Any]:
    attributes = {"cicd.pipeline.name": "release", "cicd.pipeline.run.id": options.side}
    with telemetry.process_span("build the release", attributes), shown(options.side) as display:
        build = Build(heavy, ArtifactServer(options.server), options.work.resolve(), display)
        run(build)
        more = epilogue(build)
    return {"seconds": build.seconds, "digests": build.digests, **more}


if __name__ == "__main__":
    main()
