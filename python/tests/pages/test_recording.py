"""gostitch trace: a recording becomes a page, or a sentence that says why not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gostitch import cli


def _page(tmp_path: Path, *options: str) -> str:
    assert 0 == cli.main(["trace", str(tmp_path / "spans.json"), *options])
    return (tmp_path / "spans.html").read_text(encoding="utf-8")


def test_a_document(tmp_path: Path, stitched: dict[str, Any], capsys: Any) -> None:
    """Each span is on the page, with what it counts; nothing is fetched from elsewhere."""
    (tmp_path / "spans.json").write_text(json.dumps(stitched))
    page = _page(tmp_path)

    assert "spans.html: " in capsys.readouterr().out
    assert "tasks.pack" in page
    assert "tasks.unpack" in page
    assert "2 failed" in page
    assert "http-equiv" in page
    assert "src=" not in page


def test_one_document_a_line(tmp_path: Path, maker: Any) -> None:
    """The Collector's file exporter writes a document for each batch."""
    root = maker.span("first")
    maker.span("second", root)
    whole = maker.document()
    (one,) = whole["resourceSpans"]
    lines = []
    for span in one["scopeSpans"][0]["spans"]:
        scope = one["scopeSpans"][0] | {"spans": [span]}
        lines.append(json.dumps({"resourceSpans": [one | {"scopeSpans": [scope]}]}))
    (tmp_path / "spans.json").write_text("\n".join(lines) + "\n\n")
    page = _page(tmp_path)

    assert "first" in page
    assert "second" in page
    assert "in 1 trace" in page


def test_several_traces(tmp_path: Path, stitched: dict[str, Any]) -> None:
    """Each has a section; one can be chosen; a torn one says so."""
    text = json.dumps(stitched)
    one = stitched["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    other = text.replace(one["traceId"], "ab" * 16)
    torn = json.loads(other)
    del torn["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    (tmp_path / "spans.json").write_text(f"{text}\n{json.dumps(torn)}\n")
    both = _page(tmp_path)
    alone = _page(tmp_path, "--trace", one["traceId"].upper())

    assert "in 2 traces" in both
    assert "a parent that is not in this file" in both
    assert "in 1 trace" in alone
    assert "a parent that is not" not in alone


ONE = """{"resourceSpans": [{"scopeSpans": [{"spans": [
    {"traceId": "ab", "spanId": "cd", "name": "x", "startTimeUnixNano": "1", "endTimeUnixNano": "2"}
]}]}]}"""


@pytest.mark.parametrize(
    ("text", "options", "reason"),
    [
        ("{", [], "is no JSON"),
        ('{"resourceSpans": []}\n{', [], "line 2, is no JSON"),
        ("[1, 2]", [], "has no spans"),
        ("[" * 200_000, [], "nested too deeply"),
        ("\ufeff{}", [], "has no spans"),
        (ONE, ["--out", "{folder}"], "is a folder"),
        ('{"resourceSpans": [3, {"scopeSpans": 7}]}', [], "has no spans"),
        ("{}", ["--trace", "ff"], "has no trace ff"),
        ("{}", ["--out", "{folder}/spans.json"], "would replace the recording"),
        (b"\xff\xfe", [], "cannot be read"),
        (None, [], "cannot be read"),
    ],
)
def test_what_is_no_recording(
    tmp_path: Path, text: str | bytes | None, options: list[str], reason: str
) -> None:
    """One sentence says what is wrong; no page is left."""
    file = tmp_path / "spans.json"
    if text is not None:
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
    given = [option.format(folder=tmp_path) for option in options]
    with pytest.raises(SystemExit, match=reason):
        cli.main(["trace", str(file), *given])

    assert ([file.name] if text is not None else []) == [each.name for each in tmp_path.iterdir()]


def test_a_folder_in_place_of_a_file(tmp_path: Path) -> None:
    """It cannot be read, and what it is called does not matter."""
    with pytest.raises(SystemExit, match="cannot be read"):
        cli.main(["trace", "."])


def test_a_folder_that_is_not_there(tmp_path: Path, stitched: dict[str, Any]) -> None:
    """So does one for a page that cannot be written."""
    (tmp_path / "spans.json").write_text(json.dumps(stitched))
    with pytest.raises(SystemExit, match="cannot be written"):
        cli.main(
            ["trace", str(tmp_path / "spans.json"), "--out", str(tmp_path / "no" / "page.html")]
        )
