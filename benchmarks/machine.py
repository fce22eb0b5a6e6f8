"""Says where and with what the figures were measured."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parents[1]
BUILT = ROOT / "build" / "bench"
RUST_PEER = Path(__file__).parent / "peers" / "rust"
LIBRARIES = (
    "aiohttp",
    "blake3",
    "cffi",
    "isal",
    "opentelemetry-sdk",
    "requests",
    "uvloop",
    "zstandard",
)
CRATES = ("pyo3", "pyo3-async-runtimes", "tokio")


def machine() -> dict[str, object]:
    """Describe the machine."""
    return {
        "cpus": os.cpu_count(),
        "cpu": cpu_model(),
        "arch": platform.machine(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "go": go_version(),
        "glibc": platform.libc_ver()[1],
        "gostitch": metadata.version("gostitch"),
    }


def load() -> float:
    """Give how many programs wanted a processor in the last minute."""
    return round(os.getloadavg()[0], 2)


def versions() -> dict[str, object]:
    """Give the versions of the contenders, as far as they are installed."""
    found: dict[str, object] = {}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    locked = (RUST_PEER / "Cargo.lock").read_text(encoding="utf-8")
    found |= dict(re.findall(rf'name = "({"|".join(CRATES)})"\nversion = "([^"]+)"', locked))
    found["rust"] = first_line("rustc", "--version") if shutil.which("rustc") else None
    return found


def commit() -> str:
    """Give the commit, marked if anything but the results differs from it."""
    git = ("git", "-C", str(ROOT))
    differs = first_line(*git, "diff", "--name-only", "HEAD", "--", ".", ":!benchmarks/results")
    return first_line(*git, "describe", "--always") + ("-dirty" if differs else "")


def go_version() -> str | None:
    """Give the version of Go that built the library, as the library tells it."""
    import gostitch
    from gostitch import tasks

    tasks.hash_tree(Path(__file__).parent / "results")
    version: str | None = gostitch.runtime_info()["go_version"]
    return version


def cpu_model() -> str:
    """Give the processor's name."""
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown"


def first_line(*command: str) -> str:
    """Run a command and give the first line that it prints."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout.partition("\n")[0].strip()
