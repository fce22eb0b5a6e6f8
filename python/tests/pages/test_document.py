"""A page loads nothing and lets nothing in."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

import pytest

from gostitch.pages import demo_page, document
from gostitch.pages.markup import tag

LOADING = ("src", "srcset", "data", "poster", "action", "formaction", "background", "ping")


def test_the_page_refers_to_nothing_outside(
    parse: Any, summary: dict[str, Any], stitched: dict[str, Any]
) -> None:
    """No element loads anything; links lead only to the files beside the page."""
    source = demo_page(summary, stitched)
    page = parse(source)
    loads = [(kind, key) for kind, found in page.elements for key in found if key in LOADING]
    assert loads == []
    targets = {str(found["href"]) for _, found in page.elements if "href" in found}
    assert targets == {"#content", "summary.json", "trace.json", "data:,"}
    styles = re.findall(r"<style>(.*?)</style>", source, re.S)
    assert "url(" not in styles[0]
    assert "@import" not in styles[0]


def test_the_policy_allows_this_script_and_nothing_else(
    parse: Any, summary: dict[str, Any], stitched: dict[str, Any]
) -> None:
    """The content security policy names the page's own script and style by their digests."""
    source = demo_page(summary, stitched)
    policy = next(
        str(found["content"])
        for found in parse(source).all("meta")
        if found.get("http-equiv") == "Content-Security-Policy"
    )
    assert "default-src 'none'" in policy
    assert "'unsafe-inline'" not in policy.replace("style-src-attr 'unsafe-inline'", "")
    for kind in ("script", "style"):
        inline = re.findall(f"<{kind}>(.*?)</{kind}>", source, re.S)
        assert len(inline) == 1
        digest = base64.b64encode(hashlib.sha256(inline[0].encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy


def test_a_document_without_a_script_allows_none(parse: Any) -> None:
    """The title is escaped, every element closed, and no script may run."""
    source = document("<T>", main=tag("p", "x"))
    page = parse(source)
    assert source.startswith('<!doctype html>\n<html lang="en">')
    assert any("script-src 'none'" in str(meta.get("content")) for meta in page.all("meta"))
    assert "<T> Skip to the content x" in page.text


def test_a_style_that_would_end_its_element_is_refused() -> None:
    """A closing tag inside a style sheet or script is a mistake of ours, told at once."""
    with pytest.raises(ValueError, match="closing tag"):
        document("t", styles=["</style>"])
