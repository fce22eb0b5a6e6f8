"""How deep tests go that could go on for hours: ``make test`` takes samples.

``GOSTITCH_NIGHTLY=1`` takes every place, as ``make soak`` and ``make test-nightly`` do;
``GOSTITCH_SAMPLE`` is where samples begin.
"""

from __future__ import annotations

import os

NIGHTLY = os.environ.get("GOSTITCH_NIGHTLY") == "1"

SAMPLE = int(os.environ.get("GOSTITCH_SAMPLE", "7"))
"""The first of the places that are taken, and the seed of what is drawn."""

GC_THRESHOLD = int(os.environ.get("GOSTITCH_GC_THRESHOLD", "0"))
"""Objects after which the collector runs in every test and program; 0: as in any other program."""
