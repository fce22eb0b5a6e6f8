"""Markup is escaped by construction."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gostitch.pages.markup import Markup, join, raw, tag, text


def test_text_is_escaped_between_tags_and_in_attributes() -> None:
    """Whatever is not Markup cannot open a tag or leave an attribute."""
    made = tag("p", "<b>&", title='"><script>')
    assert made == '<p title="&quot;&gt;&lt;script&gt;">&lt;b&gt;&amp;</p>'


def test_markup_passes_and_nesting_is_flattened() -> None:
    """Elements go into elements as they are; lists, numbers and None may stand among them."""
    inner = tag("i", "x")
    assert tag("p", [inner, [None, 3]], "<") == "<p><i>x</i>3&lt;</p>"
    assert join("a", raw("<hr>")) == "a<hr>"


def test_attributes_that_are_false_are_left_out() -> None:
    """True gives a bare attribute, False and None give none; underscores become hyphens."""
    assert tag("input", hidden=True, class_=None, aria_label="x") == '<input hidden aria-label="x">'


@pytest.mark.parametrize("name", ["", "a b", "1a", "a>", "onload=x"])
def test_names_that_are_none_are_refused(name: str) -> None:
    """A name can never carry markup."""
    with pytest.raises(ValueError, match="not an element name"):
        tag(name)
    with pytest.raises(ValueError, match="not an attribute name"):
        tag("p", **{name: "x"})


def test_characters_that_no_page_may_hold_are_replaced() -> None:
    """Controls and half surrogate pairs become the replacement character."""
    shown = text("a\x00b\x1b[31m\ud800c\r\nd")
    assert shown == "a\ufffdb\ufffd[31m\ufffdc\nd"
    shown.encode("utf-8")


@given(st.text())
def test_no_text_can_break_out(value: str) -> None:
    """For any text at all, the result holds no angle bracket and no quote."""
    made = text(value)
    assert isinstance(made, Markup)
    assert not set("<>\"'") & set(made)
