"""uWSGI as a program of the interpreter that runs the tests."""

from __future__ import annotations

import sys

import pyuwsgi

if __name__ == "__main__":
    pyuwsgi.run(sys.argv[1:])
