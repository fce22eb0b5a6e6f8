"""The panic in the picture of one: a nil dereference in Go, below Python code.

The function is one of the library of the tests, which GOSTITCH_LIBRARY names.
"""

from __future__ import annotations

import sentry_sdk

import faults

sentry_sdk.init(release="shop@1.2.3", environment="staging")  # SENTRY_DSN says where


def place_order(item: str) -> None:
    """Fail in Go."""
    faults.fail_as("dereference")


if __name__ == "__main__":
    place_order("tea")
