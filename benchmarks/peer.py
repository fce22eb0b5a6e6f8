"""Leaves out the contenders that this machine cannot build."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping

PACKAGE = "benchmarks.contenders"


def present(contenders: Mapping[str, str]) -> dict[str, str]:
    """Give those that can run, by their full names: without cargo there is no PyO3."""
    return {
        name: f"{PACKAGE}.{where}"
        for name, where in contenders.items()
        if name != "rust" or importlib.util.find_spec("rust_peer")
    }
