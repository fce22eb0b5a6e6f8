"""The modules of ``gostitch.build`` that gostitch's own build uses too.

They ship with the package, and here they are imported without it: it is not
built yet, and an old Python must be able to read this far. So the folder is made
a package of another name.
"""

from __future__ import annotations

import importlib
import sys
import types
from pathlib import Path

_NAME = "gostitch_build"

if _NAME not in sys.modules:
    _package = types.ModuleType(_NAME)
    _package.__path__ = [str(Path(__file__).resolve().parents[1] / "gostitch" / "build")]
    sys.modules[_NAME] = _package

disk_space = importlib.import_module(f"{_NAME}._disk_space")
targets = importlib.import_module(f"{_NAME}._targets")
toolchain = importlib.import_module(f"{_NAME}._toolchain")
symbols = importlib.import_module(f"{_NAME}._symbols")
go_build = importlib.import_module(f"{_NAME}._go_build")
