"""The demo's page says what the summary says, also where that is no good news."""

from __future__ import annotations

from typing import Any

from gostitch.pages import Failure, demo_page

FAILURE = Failure(
    story="It failed on purpose.",
    type="gostitch.GoUnsafeError",
    code="unsafe",
    message='entry "<b>../x" climbs out',
    python_stack='Traceback\n  File "after.py", line 3, in refuse\n    unpack()\n',
    go_stack="archive.Unpack\n\tarchive/unpack.go:79",
    details={"entry": "../x", "n": 3},
)


def test_the_figures_are_those_of_the_summary(
    parse: Any, summary: dict[str, Any], stitched: dict[str, Any]
) -> None:
    """Headline, steps, sums and the words for faster, slower and unmoved."""
    text = parse(demo_page(summary, stitched)).text
    assert "4.2\u00d7" in text
    assert "faster over the two steps that moved from Python to Go" in text
    assert "the results are equal byte for byte" in text
    assert "8.50 s became 2.00 s" in text
    assert "8.0\u00d7" in text
    assert "0.50\u00d7 slower" in text
    assert "6 Python and 2 Go spans from 3 processes" in text


def test_a_slower_whole_is_not_called_faster(
    parse: Any, summary: dict[str, Any], stitched: dict[str, Any]
) -> None:
    """Below 1 the headline says so."""
    text = parse(demo_page(summary | {"total_ratio": 0.8}, stitched)).text
    assert "of the former speed" in text
    assert "faster over" not in text


def test_unequal_results_are_told(
    parse: Any, summary: dict[str, Any], stitched: dict[str, Any]
) -> None:
    """Both digests are shown where they differ."""
    results = [("tree", "aa", "aa"), ("tar", "bb", "cc")]
    text = parse(demo_page(summary | {"equal": False}, stitched, results=results)).text
    assert "Results differ" in text
    assert "but the results differ" in text
    assert "tar different before bb, after cc" in text
    assert "tree equal aa" in text


def test_the_failure_shows_both_stacks(
    parse: Any, summary: dict[str, Any], stitched: dict[str, Any]
) -> None:
    """Type, message, code and details, and frames of both sides."""
    text = parse(demo_page(summary, stitched, failure=FAILURE)).text
    assert 'gostitch.GoUnsafeError : entry "<b>../x" climbs out' in text
    assert "code unsafe" in text
    for frame in ("refuse", "after.py:3", "archive.Unpack", "archive/unpack.go:79"):
        assert frame in text


def test_empty_input_makes_a_page(parse: Any) -> None:
    """Nothing at all is still a valid page."""
    text = parse(demo_page({}, {})).text
    assert "The trace holds no spans." in text


def test_the_same_input_makes_the_same_page(
    summary: dict[str, Any], stitched: dict[str, Any]
) -> None:
    """No clock and no chance in it."""
    assert demo_page(summary, stitched) == demo_page(summary, stitched)
