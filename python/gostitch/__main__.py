"""``python -m gostitch``: the command line, for where the script is not on PATH."""

import sys

from gostitch.cli import main

if __name__ == "__main__":
    sys.exit(main(program="python -m gostitch"))
