"""Make each fault of the list in a copy of the tree, and see that a test finds it.

``make nightly-mutants``, or ``python -m mutants`` with words that the lines of those to be made
have; ``--part 1/3`` takes a third, and ``--sample COUNT`` draws so many by ``GOSTITCH_SAMPLE``. One
line a fault; the last line counts them, and the exit status is 1 if one survives that is not said
to, or dies that is.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
import venv
from pathlib import Path

from depth import SAMPLE
from mutants.listed import MUTANTS, Mutant

ROOT = Path(__file__).resolve().parents[3]
TREE = ROOT / "build" / "mutants"

sys.path.insert(0, str(ROOT / "python" / "native"))

from shipped import toolchain  # noqa: E402

TIMEOUT_S = 300
"""Of the tests of one fault, which take less than half of that: a hang is found, too."""

ALL_S = 4 * TIMEOUT_S
"""Of the tests of all faults together, without one."""


_OPTIONS = ["-x", "-q", "-rfE", "-p", "no:cacheprovider", "--timeout=60", "-k", "not gibibyte"]


class Copy:
    """A copy of what is tested, where faults are made, built and undone."""

    def __init__(self) -> None:
        shutil.rmtree(TREE, ignore_errors=True)
        for name in ("python", "gocore", "examples"):
            ignore = shutil.ignore_patterns("_bridge*.so", "__pycache__", "built-from.json")
            shutil.copytree(ROOT / name, TREE / name, ignore=ignore)
        for name in ("go.mod", "go.sum", "pyproject.toml"):
            shutil.copy2(ROOT / name, TREE / name)
        self._python = self._installed()
        self._objects = TREE / "objects"
        self._objects.mkdir()
        for source in sorted((TREE / "python" / "native").glob("*.c")):
            self._compile(source)
        self._link()

    def _installed(self) -> Path:
        """Return an interpreter that has the copy installed, also in the programs that tests start."""
        folder = TREE / "venv"
        venv.create(folder, symlinks=True)
        (packages,) = folder.glob("lib/python*/site-packages")
        # Those of this interpreter after the copy, and none of its .pth files: one is of this tree.
        paths = (TREE / "python", sysconfig.get_path("purelib"))
        packages.joinpath("copy.pth").write_text("".join(f"{path}\n" for path in paths))
        here = Path(sys.executable).parent
        for name, path in (("go", folder / "bin" / "go"), ("../eventlet", folder / "eventlet")):
            if (here / name).exists():
                path.symlink_to((here / name).resolve())
        python = folder / "bin" / "python"
        found = subprocess.run(
            [python, "-c", "import gostitch; print(gostitch.__file__)"],
            cwd="/",
            capture_output=True,
            text=True,
            check=True,
        )
        if not found.stdout.startswith(f"{TREE}/"):
            sys.exit(f"the tests would not test the copy, but {found.stdout}")
        return python

    def _cc(self) -> list[str]:
        compiler = toolchain.cc()
        if compiler is None:
            sys.exit("no C compiler was found; run 'make dev'")
        return shlex.split(compiler)

    def _compile(self, source: Path) -> None:
        headers = [f"-I{TREE / 'gocore' / 'cabi'}", f"-I{sysconfig.get_path('include')}"]
        options = ["-c", "-fPIC", "-O1", "-std=gnu11", "-w", "-DPy_LIMITED_API=0x030A0000"]
        out = self._objects / f"{source.stem}.o"
        subprocess.run([*self._cc(), *options, *headers, str(source), "-o", str(out)], check=True)

    def _link(self) -> None:
        objects = sorted(map(str, self._objects.glob("*.o")))
        out = TREE / "python" / "gostitch" / "_bridge.abi3.so"
        subprocess.run([*self._cc(), "-shared", *objects, "-o", str(out)], check=True)

    def write(self, file: str, text: str) -> None:
        """Change a file, and build what is made of it; the tests build the library."""
        path = TREE / file
        path.write_text(text)
        if path.suffix == ".c":
            self._compile(path)
            self._link()
        elif path.suffix == ".go":  # what does not build would be found by any test
            subprocess.run([str(toolchain.go()), "build", "./gocore/..."], cwd=TREE, check=True)

    def test(self, chosen: str, seconds: int = TIMEOUT_S) -> str:
        """Run tests, and return the one that fails, or why they have not ended well; empty: all pass."""
        packages = [each for each in chosen.split() if each.startswith("./")]
        modules = [each for each in chosen.split() if not each.startswith("./")]
        found = ""
        if packages:
            command = [str(toolchain.go()), "test", "-count=1", "-timeout=60s", *packages]
            found = self._run(command, seconds, r"^--- FAIL: (\S+)")
        if modules and not found:
            command = [str(self._python), "-m", "pytest", f"--rootdir={TREE}", *_OPTIONS]
            command += [str(TREE / "python" / "tests" / each) for each in modules]
            found = self._run(command, seconds, r"^(?:FAILED|ERROR) python/tests/(\S+)")
        return found

    def _run(self, command: list[str], seconds: int, says_which: str) -> str:
        environment = os.environ | {
            "PYTHONPATH": str(TREE / "python" / "tests"),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        log_file = TREE / "last.log"
        with log_file.open("w") as log:
            process = subprocess.Popen(
                command, cwd=TREE, env=environment, stdout=log, stderr=log, start_new_session=True
            )
            try:
                if process.wait(seconds) == 0:
                    return ""
            except subprocess.TimeoutExpired:
                return "they hang"
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
        failed = re.search(says_which, log_file.read_text(), re.MULTILINE)
        return failed[1] if failed else f"they ended with status {process.returncode}"


def line_of(mutant: Mutant) -> str:
    """Return what names a fault: its file, and what becomes what."""
    old, new = (" ".join(each.split())[:60] for each in (mutant.old, mutant.new))
    return f"{mutant.file}: {old} -> {new or 'nothing'}"


def what_finds(copy: Copy, mutant: Mutant) -> str:
    """Make a fault, and return what finds it; empty: it survives."""
    before = (TREE / mutant.file).read_text()
    try:
        copy.write(mutant.file, before.replace(mutant.old, mutant.new))
        return copy.test(mutant.tests)
    finally:
        copy.write(mutant.file, before)


def main() -> int:
    """Make the faults that were asked for, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("words", nargs="*")
    parser.add_argument("--sample", type=int, default=len(MUTANTS))
    parser.add_argument("--part", default="1/1", help="as 2/3: the second of three parts")
    asked = parser.parse_args()
    wanted = [each for each in MUTANTS if all(word in line_of(each) for word in asked.words)]
    if not wanted:
        sys.exit(f"no fault's line has all of these: {' '.join(asked.words)}")
    part, parts = map(int, asked.part.split("/"))
    wanted = wanted[part - 1 :: parts]
    wanted = random.Random(SAMPLE).sample(wanted, min(asked.sample, len(wanted)))
    copy = Copy()
    everything = " ".join(sorted({test for each in wanted for test in each.tests.split()}))
    if copy.test(everything, ALL_S):
        sys.exit(f"without a fault the tests fail, too:\n{(TREE / 'last.log').read_text()[-3000:]}")
    failed = 0
    for mutant in wanted:
        began = time.monotonic()
        found_by = what_finds(copy, mutant)
        failed += bool(found_by) == bool(mutant.survives)
        verdict = "found" if found_by else "survives"
        why = f" ({found_by or mutant.survives or 'nothing finds it'})"
        print(f"{verdict:8} {time.monotonic() - began:4.0f} s  {line_of(mutant)}{why}", flush=True)
    print(f"{len(wanted) - failed} passed, {failed} failed")
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
