"""How much of the matrix is run: a sample, or with ``GOSTITCH_LONG=1`` all of it."""

from __future__ import annotations

import os

from fork.exercises import EXERCISES

LONG = os.environ.get("GOSTITCH_LONG") == "1"

KINDS = [*EXERCISES, "all"] if LONG else ["all"]
"""The exercises that each launcher is tested with, each in processes of its own."""
