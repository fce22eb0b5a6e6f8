"""Starts the demo as a script: `python examples/ci_pipeline/run.py [--out DIR] [--wheels DIR]`."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
runpy.run_module("ci_pipeline", run_name="__main__", alter_sys=True)
