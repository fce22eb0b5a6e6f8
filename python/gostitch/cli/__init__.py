"""The command line ``gostitch``: a subcommand is a module of this package.

Such a module has ``NAME``, ``HELP`` (a line), ``add_arguments(parser)`` and
``run(options)``, which gives the exit status: 0 if all is well, 1 if not. Wrong
usage is status 2. A line in ``COMMANDS`` registers it.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Protocol

import gostitch
from gostitch.cli import _build, _develop, _doctor, _symbols, _trace


class Command(Protocol):
    """What the module of a subcommand has."""

    NAME: str
    HELP: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare options and arguments."""

    def run(self, options: argparse.Namespace) -> int:
        """Do it; gives the exit status."""


_DESCRIPTION = "Move the slow parts of a Python service into Go without losing sight of them."

COMMANDS: tuple[Command, ...] = (_build, _develop, _doctor, _symbols, _trace)


def main(arguments: Sequence[str] | None = None, program: str = "gostitch") -> int:
    """Run a subcommand; gives the exit status."""
    parser = argparse.ArgumentParser(prog=program, description=_DESCRIPTION, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"gostitch {gostitch.__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="command", required=True)
    for command in COMMANDS:
        of_command = subparsers.add_parser(
            command.NAME, help=command.HELP, description=command.HELP, allow_abbrev=False
        )
        command.add_arguments(of_command)
        of_command.set_defaults(run=command.run)
    options = parser.parse_args(arguments)
    try:
        status: int = options.run(options)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read it has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or the flush at exit fails again
        return 1
    except KeyboardInterrupt:
        return 130
    return status
