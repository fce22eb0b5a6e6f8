"""Build what a release consists of into ``dist``.

That is the sdist, and from it a wheel for each target. For the
Makefile, in an environment with requirements/build.txt and
requirements/wheel.txt. Ends with a table of sizes, or with what is wrong.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import wheel_checks
from core_sources import ROOT
from shipped import targets, toolchain

DIST = ROOT / "dist"


def sdist(env: dict[str, str]) -> Path:
    """Pack the source distribution."""
    subprocess.run(
        [sys.executable, "setup.py", "--quiet", "sdist", "--dist-dir", str(DIST)],
        cwd=ROOT,
        env=env,
        check=True,
    )
    (packed,) = DIST.glob("*.tar.gz")
    return packed


def wheel(source: Path, target: targets.Target, env: dict[str, str]) -> Path:
    """Build the wheel of one target from the source distribution."""
    subprocess.run(
        [
            sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
            "--wheel-dir", str(DIST), str(source),
        ],
        env=env | {targets.VARIABLE: target.machine},
        check=True,
    )  # fmt: skip
    (built,) = DIST.glob(f"*_{target.machine}.whl")
    return built


def source_date() -> str:
    """Give the time that files in the wheels bear: the one of the commit, in seconds."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given:
        return given
    command = ["git", "log", "-1", "--format=%ct"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    # Zip knows no time before 1980.
    return done.stdout.strip() if done.returncode == 0 else "315532800"


def table(wheels: list[Path]) -> str:
    """Show the sizes, and what each library needs of glibc."""
    lines = [f"{'file':<60} {'bytes':>12}  {'machine':<8} needs"]
    for built in wheels:
        lines.append(f"{built.name:<60} {built.stat().st_size:>12,}")
        for library in wheel_checks.libraries(built):
            needs = ".".join(map(str, library.glibc))
            lines.append(
                f"  {library.name:<58} {library.size:>12,}  {library.machine:<8} glibc {needs}"
            )
    return "\n".join(lines)


def main() -> int:
    """Build, check and show."""
    go = toolchain.go()
    if go is None:
        sys.exit(toolchain.no_go())
    for old in DIST.glob("gostitch-*"):
        old.unlink()
    env = os.environ | {"SOURCE_DATE_EPOCH": source_date()}
    source = sdist(env)
    built = {target: wheel(source, target, env) for target in targets.TARGETS.values()}
    wrong = [
        f"{path.name}: {problem}"
        for target, path in built.items()
        for problem in wheel_checks.problems(path, target)
    ]
    print(table(list(built.values())))
    print(f"{source.name}: {source.stat().st_size:,} bytes")
    version = subprocess.run([go, "version"], capture_output=True, text=True, check=True)
    print(f"built by {version.stdout.strip()} and {toolchain.ZIG_PACKAGE}")
    for sentence in wrong:
        print(sentence, file=sys.stderr)
    print(f"{len(built)} wheels built, {len(wrong)} problems")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
