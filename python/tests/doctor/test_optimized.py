"""The command line and calls in a Python that leaves out docstrings and assertions (``-OO``)."""

from __future__ import annotations

import subprocess
import sys

import pytest

from gostitch.cli import COMMANDS
from programs import Programs


@pytest.mark.parametrize("command", ["", *(command.NAME for command in COMMANDS)])
def test_help(command: str) -> None:
    """Every subcommand says what it does, in the words that it has with docstrings."""
    said = []
    for options in ([], ["-OO"]):
        done = subprocess.run(
            [sys.executable, *options, "-m", "gostitch", *command.split(), "--help"],
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )
        assert (0, "") == (done.returncode, done.stderr)
        said.append(done.stdout)

    assert said[0] == said[1]


def test_calls_of_every_kind(program: Programs) -> None:
    """Calls, streams, callbacks, futures and fakes work, and errors say what is wrong."""
    done = program(
        """
import asyncio
import faults, gostitch
from gostitch.testing import fake_library
print(faults.add(1, 2), faults.add.submit(3, 4).result(20), len(list(faults.lines(3))))
print(faults.ask(2, lambda question: question.number))

async def main():
    return await faults.add.submit(5, 6)

print(asyncio.run(main()))
try:
    faults.add("1", 2)
except TypeError as error:
    print(error)
with fake_library() as fake:
    fake.returns(faults.add, 8)
    print(faults.add(1, 2))
""",
        "-OO",
    )

    assert (0, "") == (done.returncode, done.stderr)
    lines = done.stdout.splitlines()
    assert "3 7 3" == lines[0]
    assert ["11", "faults.add() argument a: expected int, got str", "8"] == lines[2:]
