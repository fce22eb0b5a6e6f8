"""Run the tests of the boundary with the bridge and the library under AddressSanitizer.

Needs gcc with its sanitizers (libasan, libubsan). Python's own allocator is switched
off, so that the sanitizer sees the objects' memory too. Arguments are pytest's; without
any, the tests in ``abi`` run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
OUT = ROOT / "build" / "asan"

sys.path.insert(0, str(ROOT / "python" / "native"))

from shipped import toolchain  # noqa: E402

CHOSEN = [
    "python/tests/abi",
    "-k",
    "not fork and not gibibyte and not short_soak and not little_address_space "
    "and not test_refusing_systems and not test_go_environment and not handler_beside_go",
]
"""All but children with copies of the library, which would be checked twice, and the tests that
measure or bound memory, of which the sanitizer takes some itself."""


def _sanitizer(name: str) -> str:
    path = subprocess.run(
        ["gcc", f"-print-file-name={name}"], check=True, capture_output=True, text=True
    ).stdout.strip()
    if path == name:
        sys.exit(f"gcc has no {name}; install it (Debian: libgcc-dev of gcc's version)")
    return path


def build() -> Path:
    """Build a copy of the package whose bridge is instrumented, and the library beside it."""
    package = OUT / "gostitch"
    shutil.rmtree(package, ignore_errors=True)
    ignore = shutil.ignore_patterns("*.so", "__pycache__", "built-from.json")
    shutil.copytree(ROOT / "python" / "gostitch", package, ignore=ignore)
    subprocess.run(
        [
            *("gcc", "-shared", "-fPIC", "-g", "-O1", "-fno-omit-frame-pointer", "-std=gnu11"),
            "-fsanitize=address,undefined",
            "-DPy_LIMITED_API=0x030A0000",
            f"-I{ROOT / 'gocore' / 'cabi'}",
            f"-I{sysconfig.get_path('include')}",
            *map(str, sorted((ROOT / "python" / "native").glob("*.c"))),
            *("-o", str(package / "_bridge.abi3.so")),
        ],
        check=True,
    )
    library = OUT / "libfaults.so"
    go = toolchain.go()
    if go is None:
        sys.exit("no Go was found; run 'make dev'")
    command = [go, "build", "-asan", "-buildmode=c-shared", "-trimpath", "-o", str(library)]
    subprocess.run(
        [*command, "./gocore/cmd/libfaults"],
        cwd=ROOT,
        env={**toolchain.environment(), "CC": "gcc"},
        check=True,
    )
    return library


def main() -> int:
    """Build, run the tests, and give pytest's exit status."""
    if shutil.which("gcc") is None:
        sys.exit("the sanitizers need gcc, which is not on PATH")
    library = build()
    environment = {
        **os.environ,
        "LD_PRELOAD": f"{_sanitizer('libasan.so')} {_sanitizer('libubsan.so')}",
        # Go handles faults itself; what Python keeps until its end is no leak.
        "ASAN_OPTIONS": "detect_leaks=0:handle_segv=0:handle_sigbus=0:handle_sigfpe=0"
        ":allow_user_segv_handler=1:allocator_may_return_null=1:detect_stack_use_after_return=0",
        "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
        "PYTHONMALLOC": "malloc",
        "PYTHONPATH": os.pathsep.join(map(str, (OUT, ROOT / "python" / "tests"))),
    }
    chosen = sys.argv[1:] or CHOSEN
    options = ["-q", "-p", "no:cacheprovider", "--timeout=300", f"--library={library}"]
    command = [sys.executable, "-m", "pytest", *options, *chosen]
    return subprocess.run(command, cwd=ROOT, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main())
