"""``gostitch symbols``: the library with the names of its functions inside, for profilers."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path

import gostitch

NAME = "symbols"
HELP = "Write the library with the names of its functions inside, for py-spy --native"

SHIPPED = Path(gostitch.__file__).parent / "libgostitch.so"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("file", type=Path, metavar="FILE", help="where to write it")
    parser.add_argument(
        "--library",
        type=Path,
        default=SHIPPED,
        metavar="LIBRARY",
        help="a library of your own, with its symbols file beside it (default: gostitch's)",
    )


def run(options: argparse.Namespace) -> int:
    """Join the two files, write the result, and say how to use it."""
    from gostitch.build import _disk_space, _symbols

    library: Path = options.library.resolve()
    out: Path = options.file
    symbols = _symbols.beside(library)
    if out.is_dir() or out.resolve() in (library, symbols):
        what = "it is a folder" if out.is_dir() else "the library is read from it"
        sys.exit(f"{out} cannot be written: {what}; name another file")
    try:
        stripped = _read(library)
        if _symbols.are_inside(stripped):
            sys.exit(f"{library} has its symbols inside already; use it as it is")
        joined = _symbols.join(stripped, _read(symbols))
    except _symbols.SymbolsError as error:
        sys.exit(f"{library}: {error}; {_remedy(library)}")
    temporary = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        temporary.write_bytes(joined)
        temporary.replace(out)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        why = _disk_space.reason(str(error)) or error
        sys.exit(f"{out} cannot be written: {why}")
    print(f"{out} is {library.name} with its symbols; profile with it:")
    path = shlex.quote(str(out.resolve()))
    print(f"GOSTITCH_LIBRARY={path} py-spy record --native -o profile.svg -- python app.py")
    return 0


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        of = file.name.removesuffix(".debug") if file.suffix == ".debug" else ""
        remedy = _remedy(file.with_name(of)) if of else "name a library with --library"
        sys.exit(f"{file} cannot be read ({error.strerror}); {remedy}")


def _remedy(library: Path) -> str:
    """Say how to get a library and its symbols file of one build."""
    if library == SHIPPED.resolve():
        return "install gostitch again, which brings both files"
    return "build the library again ('gostitch develop', or 'gostitch build' and install)"
