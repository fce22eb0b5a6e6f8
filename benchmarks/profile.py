"""Take the profile that libraries are built with: ``make profile``.

What is called is what the benchmarks call; the argument is the file to write.
"""

from __future__ import annotations

import gzip
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import faults
from benchmarks.contenders import awaits_gostitch, calls_gostitch, tasks_gostitch
from benchmarks.inputs import inputs
from benchmarks.work import Work

SECONDS = 60.0
_TEXTS, _WITH_LENGTH = 6, 2
TURN_S = 0.25  # each work in turn, so that all are equally in the profile


def main(target: Path) -> None:
    """Call everything in turn, until the profile is complete."""
    with tempfile.TemporaryDirectory(dir=target.parent) as folder, inputs(quick=True) as made:
        unfinished = Path(folder) / target.name
        profiled = faults.profile.submit(str(unfinished), SECONDS)
        everything = list(works(str(made.tree), str(made.archive("zst")), str(made.folder)))
        while not profiled.done():
            for work in everything:
                take_turn(work)
        profiled.result()
        target.write_bytes(without_paths(unfinished.read_bytes()))
        for work in everything:
            work.close()


def works(tree: str, archive: str, folder: str) -> Iterator[Work]:
    """Give what is called."""
    yield calls_gostitch.crossing(2_000)
    yield calls_gostitch.scalar(2_000)
    yield calls_gostitch.structured(1_000)
    yield awaits_gostitch.many(1_000)
    yield awaits_gostitch.one(200)
    yield awaits_gostitch.callbacks(640)
    yield tasks_gostitch.hash_tree(tree, "blake3")
    yield tasks_gostitch.pack(tree, folder, "zst")
    yield tasks_gostitch.unpack(archive, folder)


def take_turn(work: Work) -> None:
    """Repeat a work for some time."""
    end = time.monotonic() + TURN_S
    while time.monotonic() < end:
        work.reset()
        work.run()


def without_paths(profile: bytes) -> bytes:
    """Leave out where the files of this machine are, which the compiler does not look at.

    A profile is a message of protobuf; its texts are field 6.
    """
    message, kept, at = gzip.decompress(profile), bytearray(), 0
    while at < len(message):
        start = at
        tag, at = _number(message, at)
        value, at = _number(message, at)
        if tag & 7 != _WITH_LENGTH:
            kept += message[start:at]
            continue
        text = message[at : at + value]
        at += value
        if tag >> 3 == _TEXTS and text.startswith(b"/"):
            kept += message[start : start + 1] + b"\0"
        else:
            kept += message[start:at]
    return gzip.compress(bytes(kept), mtime=0)


def _number(message: bytes, at: int) -> tuple[int, int]:
    """Read a number of protobuf; give where it ends, too."""
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
