"""The machines that release wheels are built for, by zig on any of them.

``GOSTITCH_TARGET`` names one; without it a build is for the machine it runs on.
"""

from __future__ import annotations

import os
import sys
from typing import NamedTuple

VARIABLE = "GOSTITCH_TARGET"


class Target(NamedTuple):
    """One machine of manylinux2014: an architecture with glibc 2.17."""

    machine: str
    goarch: str

    @property
    def zig(self) -> str:
        """Give zig's name of the target."""
        return f"{self.machine}-linux-gnu.2.17"

    @property
    def platform_tag(self) -> str:
        """Give the platform part of the wheel's name, new and old spelling."""
        return f"manylinux_2_17_{self.machine}.manylinux2014_{self.machine}"

    def go_environment(self) -> dict[str, str]:
        """Give what Go must be told; settings of the builder must not leak into a release."""
        return {
            "GOOS": "linux",
            "GOARCH": self.goarch,
            "GOAMD64": "v1",
            "GOARM64": "v8.0",
            "GOEXPERIMENT": "",
            "GOFLAGS": "",
            "CGO_CFLAGS": "-O2 -g0",
            "CGO_LDFLAGS": "-O2",
        }


TARGETS = {of.machine: of for of in (Target("x86_64", "amd64"), Target("aarch64", "arm64"))}


def chosen() -> Target | None:
    """Give the target that the environment names, or None."""
    name = os.environ.get(VARIABLE)
    if not name:
        return None
    if name not in TARGETS:
        sys.exit(f"{VARIABLE} is {name!r}, and wheels are built for {' and '.join(TARGETS)}")
    return TARGETS[name]
