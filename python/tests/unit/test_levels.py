"""Levels of logging and of Go's slog."""

from __future__ import annotations

import logging

import pytest

from gostitch._logs import logging_level, slog_level


@pytest.mark.parametrize(
    ("slog", "level"),
    [(-4, logging.DEBUG), (0, logging.INFO), (4, logging.WARNING), (8, logging.ERROR), (12, 50)],
)
def test_the_named_ones_mean_each_other(slog: int, level: int) -> None:
    """Debug, info, warning and error are the same on both sides, both ways."""
    assert level == logging_level(slog)
    assert slog == slog_level(level)


def test_keep_their_order() -> None:
    """Levels in between stay in between."""
    levels = [logging_level(slog) for slog in range(-8, 20)]

    assert sorted(set(levels)) == levels


def test_are_positive() -> None:
    """However low a level of slog is, it is one of logging, where 0 means not set."""
    assert 1 == logging_level(-100)


@pytest.mark.parametrize("level", range(1, 60))
def test_a_threshold_lets_through_what_python_would_show(level: int) -> None:
    """The threshold for Go is the lowest level of slog that Python would show."""
    threshold = slog_level(level)

    assert logging_level(threshold) >= level
    assert logging_level(threshold - 1) < level or logging_level(threshold - 1) == 1
