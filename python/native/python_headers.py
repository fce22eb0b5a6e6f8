"""Python's headers for another machine than this one.

Everything but ``pyconfig.h`` is the same on all machines, and that file is the
same on x86-64 and aarch64 in all that the limited API looks at
(docs/decisions/0005-packaging.md).
"""

from __future__ import annotations

import shutil
import sysconfig
from pathlib import Path


def for_other_machine(machine: str, folder: Path) -> list[str]:
    """Give folders to search after Python's own, made below ``folder``.

    On Debian ``pyconfig.h`` only includes another one by a path with the name
    of the machine in it, below ``/usr/include``, which zig does not search.
    """
    include = Path(sysconfig.get_path("include"))
    here = sysconfig.get_config_var("MULTIARCH")
    real = include.parent / str(here) / include.name / "pyconfig.h"
    if not real.is_file():
        return []
    copy = folder / f"{machine}-linux-gnu" / include.name / "pyconfig.h"
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(real, copy)
    return [str(folder)]
