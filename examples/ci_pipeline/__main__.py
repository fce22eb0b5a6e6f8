"""Runs the whole demo.

Publish inputs, serve them, build twice, compare, and leave a page, a summary and a trace.

Exit status 0 only if both builds succeeded and made the same thing.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from . import outputs, telemetry
from .compare import Comparison, compare
from .processes import ChildError, run_module, serving
from .publish import Manifest, publish
from .receiver import Receiver, receiving
from .wheels import WheelsError, bundled, wheels
from .workplace import working_folder

__all__ = ["main"]

REPOSITORY = Path(__file__).resolve().parents[2]


def main(arguments: list[str] | None = None) -> int:
    """Run the demo; returns the exit status."""
    options = _options(arguments)
    os.umask(
        0o022
    )  # modes are part of what is compared; a release does not depend on whose shell made it
    options.out.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # stopped politely either way
    try:
        with working_folder(options.out / "work", options.work, keep=options.keep) as work:
            return _demo(options, work)
    except (ChildError, WheelsError) as error:
        print(f"the demo failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="ci_pipeline", description=outputs.TITLE)
    add = parser.add_argument
    add(
        "--out",
        type=Path,
        default=REPOSITORY / "out" / "demo",
        help="folder for the results (out/demo)",
    )
    add(
        "--wheels",
        type=Path,
        default=REPOSITORY / "build" / "demo-wheels",
        help="folder that keeps the wheels",
    )
    add(
        "--work",
        type=Path,
        help="folder to work in (memory where there is enough, else beside the results)",
    )
    add(
        "--small",
        action="store_true",
        help="a small input that needs no download; too small to measure",
    )
    add("--keep", action="store_true", help="keep the working folder")
    return parser.parse_args(arguments)


def _demo(options: argparse.Namespace, work: Path) -> int:
    chosen = bundled() if options.small else wheels(options.wheels)
    with receiving() as receiver:
        os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = receiver.endpoint
        with telemetry.recorded("run.py"), telemetry.process_span("ci_pipeline demo"):
            print("publishing real inputs on a local artifact server", flush=True)
            with telemetry.span("publish the inputs"):
                manifest = publish(work / "store", chosen, small=options.small)
            known = _build_twice(work, receiver)
            print("comparing the results", flush=True)
            with telemetry.span("compare the results"):
                compared = _compare(work, known)
        trace = receiver.document()
    return _finish(options.out, work, manifest, known, compared, trace)


def _build_twice(work: Path, receiver: Receiver) -> dict[str, Any]:
    """Both builds against one server, one by one, each in a fresh process and folder."""
    known = {}
    with serving(
        "server", [str(work / "store")], telemetry.child_environment(receiver.endpoint)
    ) as served:
        for side in ("before", "after"):
            os.sync()  # neither build pays for what was written before it
            result = work / f"{side}.json"
            with telemetry.span(f"run {side}.py"):
                _build(side, f"http://127.0.0.1:{served['port']}", work, result, receiver)
            known[side] = json.loads(result.read_text(encoding="utf-8"))
    return known


def _build(side: str, server: str, work: Path, result: Path, receiver: Receiver) -> None:
    arguments = [side, "--server", server, "--work", str(work / side), "--result", str(result)]
    run_module("build", arguments, telemetry.child_environment(receiver.endpoint))


def _compare(work: Path, known: Mapping[str, Any]) -> list[Comparison]:
    before, after = (work / side / "release.tar.zst" for side in ("before", "after"))
    return compare(before, after, (known["before"]["digests"], known["after"]["digests"]))


def _finish(
    out: Path,
    work: Path,
    manifest: Manifest,
    known: Mapping[str, Any],
    compared: Sequence[Comparison],
    trace: Mapping[str, Any],
) -> int:
    before, after = known["before"], known["after"]
    summary = outputs.summarise(before["seconds"], after["seconds"], compared, trace)
    page = outputs.page(
        summary,
        trace,
        compared,
        after["failure"],
        outputs.environment(after["runtime"], work),
        manifest,
    )
    outputs.write(out, summary, trace, page)
    outputs.print_table(summary, out)
    for one in compared:
        if not one.equal:
            print(f"NOT EQUAL: {one.what}: before {one.before}, after {one.after}", file=sys.stderr)
    return 0 if summary["equal"] else 1


if __name__ == "__main__":
    sys.exit(main())
