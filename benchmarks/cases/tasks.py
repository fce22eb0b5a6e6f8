"""tasks.*: the task library against Python on a real tree, equal results proved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from benchmarks.inputs import Inputs, inputs, served
from benchmarks.measure import Case
from benchmarks.peer import present

OFTEN = 20
"""How many calls a round of tasks.pack.often makes."""


def cases(quick: bool) -> Iterator[Case]:
    """Give the cases; their inputs last until the next is asked for."""
    rounds = 3 if quick else 7
    with inputs(quick) as made:
        root, folder = str(made.tree), str(made.folder)
        yield case(
            "hash_tree",
            made,
            rounds,
            {"root": root, "algorithm": "blake3"},
            {
                "python": "pathlib and the blake3 wheel, file by file",
                "best_python": "scandir, the blake3 wheel, a warm process for each core",
            },
        )
        yield case(
            "hash_tree",
            made,
            rounds,
            {"root": root, "algorithm": "sha256"},
            {
                "python": "pathlib and hashlib, file by file",
                "best_python": "scandir, hashlib, a warm process for each core",
            },
            suffix="sha256",
        )
        for compression, plain, best in (
            ("zst", "zstandard", "zstandard with threads"),
            ("gz", "gzip at level 6", "isal with threads at level 2"),
        ):
            yield case(
                "pack",
                made,
                rounds,
                {"root": root, "folder": folder, "compression": compression},
                {"python": f"tarfile, {plain}", "best_python": f"tar blocks by hand, {best}"},
                suffix=compression,
            )
        # Who goes on for long, at whatever levels, needs no more memory than one call.
        yield Case(
            name="tasks.pack.often",
            size=made.bytes,
            unit="s",
            note=f"{made.name}: {made.files} files, {OFTEN} calls in one process, at four levels",
            contenders=present({"gostitch": "tasks_gostitch:pack_often"}),
            peers={},
            arguments={"root": root, "folder": folder, "calls": OFTEN},
            times=OFTEN,
            rounds=1 if quick else 3,
        )
        for compression, plain, best in (("zst", "zstandard", "zstandard"), ("gz", "gzip", "isal")):
            yield case(
                "unpack",
                made,
                rounds,
                {"archive": str(made.archive(compression)), "folder": folder},
                {"python": f"tarfile, {plain}", "best_python": f"files by hand, {best}"},
                suffix=compression,
            )
        with served(made) as listing:
            yield case(
                "fetch",
                made,
                3 if quick else 5,
                {"listing": str(listing), "folder": folder},
                {
                    "python": "requests on 8 threads",
                    "best_python": "aiohttp on uvloop, 16 connections",
                },
            )


def case(
    function: str,
    made: Inputs,
    rounds: int,
    arguments: Mapping[str, str],
    peers: Mapping[str, str],
    suffix: str = "",
) -> Case:
    """Give the case of the functions with this name."""
    modules = {
        "gostitch": "tasks_gostitch",
        "python": "tasks_plain",
        "best_python": f"{function.removesuffix('_tree')}_best",
    }
    return Case(
        name=f"tasks.{function}" + (f".{suffix}" if suffix else ""),
        size=made.bytes,
        unit="s",
        note=f"{made.name}: {made.files} files, {made.bytes / 1e6:.0f} MB",
        contenders=present({who: f"{module}:{function}" for who, module in modules.items()}),
        peers=peers,
        arguments=arguments,
        rounds=rounds,
    )
