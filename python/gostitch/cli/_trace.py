"""``gostitch trace``: a file of recorded spans as a page with waterfalls."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

NAME = "trace"
HELP = "Turn recorded spans (OTLP/JSON) into a page with waterfalls"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "file",
        type=Path,
        help="OTLP/JSON: a document, or one on each line, as the Collector's file exporter writes",
    )
    parser.add_argument(
        "-o", "--out", type=Path, metavar="FILE", help="the page (default: FILE with .html)"
    )
    parser.add_argument("--trace", metavar="ID", help="show this trace alone")


def run(options: argparse.Namespace) -> int:
    """Read, write the page, and say where it is."""
    from gostitch import pages

    try:
        text = options.file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        sys.exit(f"{options.file} cannot be read: {error}")
    out: Path = options.out or options.file.with_suffix(".html")
    if out == options.file:
        sys.exit(f"{out}: the page would replace the recording; name another file with --out")
    document = {"resourceSpans": list(_resource_spans(options.file, text))}
    if options.trace:
        document = _only(document, options.trace.lower())
    found = pages.read_trace(document)
    if not found.spans:
        which = f"no trace {options.trace}" if options.trace else "no spans"
        sys.exit(
            f"{options.file} has {which}; record with OTLP/JSON (the Collector's file exporter)"
        )
    page = pages.recording_page(document, options.file.name)
    if out.is_dir():
        sys.exit(f"{out} cannot be written: it is a folder; name a file with --out")
    temporary = out.with_name(f".{out.name}.new")
    try:
        temporary.write_text(page, encoding="utf-8")
        temporary.replace(out)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        sys.exit(f"{out} cannot be written: {error}")
    traces = len(found.trace_ids)
    print(f"{out}: {len(found.spans)} spans in {traces} trace{'s' if traces != 1 else ''}")
    return 0


def _resource_spans(file: Path, text: str) -> Iterator[Any]:
    """Give the spans of one document, or of one on each line."""
    try:
        yield from _of(json.loads(text))
        return
    except RecursionError:
        sys.exit(f"{file} is no OTLP/JSON: it is nested too deeply")
    except json.JSONDecodeError as whole:
        if "\n" not in text.strip():
            sys.exit(f"{file} is no JSON: {whole}")
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                yield from _of(json.loads(line))
            except json.JSONDecodeError as error:
                sys.exit(f"{file}, line {number}, is no JSON: {error}")


def _of(document: Any) -> list[Any]:
    found = document.get("resourceSpans") if isinstance(document, Mapping) else None
    return found if isinstance(found, list) else []


def _only(document: Mapping[str, Any], trace_id: str) -> dict[str, Any]:
    """Keep the spans of one trace; what is malformed is left to whoever reads it."""
    kept = json.loads(json.dumps(document))
    for of_resource in kept["resourceSpans"]:
        scopes = of_resource.get("scopeSpans") if isinstance(of_resource, dict) else None
        for scope in scopes if isinstance(scopes, list) else []:
            spans = scope.get("spans") if isinstance(scope, dict) else None
            if isinstance(spans, list):
                scope["spans"] = [
                    span
                    for span in spans
                    if isinstance(span, dict) and str(span.get("traceId")).lower() == trace_id
                ]
    return dict(kept)
