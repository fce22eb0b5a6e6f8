"""The setuptools command that compiles, C extensions as usual with Go libraries beside them."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from pathlib import Path

import build_record
import go_library
import python_headers
import support
from setuptools import Extension
from setuptools.command.build_ext import build_ext
from setuptools.errors import CompileError, LinkError
from shipped import disk_space, symbols, targets, toolchain


class GoLibrary(Extension):
    """A c-shared library built from a Go package."""

    def __init__(self, name: str, package: str) -> None:
        super().__init__(name, sources=[], py_limited_api=True)
        self.package = package


class Compile(build_ext):
    """Builds every extension with the compilers that ``toolchain`` found."""

    def run(self) -> None:
        """Build everything; refuses first what cannot be built."""
        reason = support.refusal(support.of_this_machine())
        if reason:
            sys.exit(reason)
        super().run()

    def get_ext_filename(self, fullname: str) -> str:
        """Give a Go library its plain name, since Python does not import it.

        And the C extension one that every CPython finds: from 3.15 on the first suffix of the
        stable ABI has the name of the machine in it, and no older one looks for that.
        """
        if fullname.rpartition(".")[2].startswith("lib"):
            return fullname.replace(".", "/") + ".so"
        return re.sub(r"\.abi3-[^./]+\.so$", ".abi3.so", super().get_ext_filename(fullname))

    def get_outputs(self) -> list[str]:
        """Give what is made, symbols of Go libraries too."""
        made = super().get_outputs()
        return made if self.inplace else [*made, *map(str, map(symbols.beside, self._libraries()))]

    def get_output_mapping(self) -> dict[str, str]:
        """Give what is made, by what takes its place in an editable install."""
        mapping = super().get_output_mapping()
        for library in self._libraries():
            if str(library) in mapping:
                in_place = symbols.beside(Path(mapping[str(library)]))
                mapping[str(symbols.beside(library))] = str(in_place)
        return mapping

    def _libraries(self) -> list[Path]:
        """Give the Go libraries that have symbols beside them."""
        built = [
            Path(self.build_lib, self.get_ext_filename(of.name))
            for of in self.extensions
            if isinstance(of, GoLibrary)
        ]
        return [path for path in built if symbols.beside(path).exists()]

    def build_extensions(self) -> None:
        """Choose the C compiler, then build."""
        compiler = toolchain.cc()
        if compiler is None:
            sys.exit(
                "gostitch needs a C compiler to build, and none that works is on PATH; install "
                "one (gcc with libc6-dev on Debian), or build without --no-build-isolation so "
                "that zig comes from PyPI"
            )
        words = shlex.split(compiler)
        # Not the flags that Python was built with: those name folders and add debug symbols.
        self.compiler.set_executables(
            compiler_so=[*words, "-fPIC", "-O2", "-g0", *shlex.split(os.environ.get("CFLAGS", ""))],
            linker_so=[*words, "-shared", "-s", *shlex.split(os.environ.get("LDFLAGS", ""))],
        )
        target = targets.chosen()
        if target is not None:
            folder = Path(self.build_temp).resolve() / "headers"
            self.compiler.include_dirs += python_headers.for_other_machine(target.machine, folder)
        super().build_extensions()

    def build_extension(self, extension: Extension) -> None:
        """Build one extension."""
        if isinstance(extension, GoLibrary):
            go_library.build(
                extension.package, Path(self.get_ext_fullpath(extension.name)).resolve()
            )
        else:
            try:
                super().build_extension(extension)
            except (CompileError, LinkError) as error:
                temporary = os.environ.get("TMPDIR") or "/tmp"  # noqa: S108 - where compilers write
                full = disk_space.shortage([self.build_temp, self.build_lib, temporary])
                if full:
                    sys.exit(f"{error}\ngostitch: {extension.name} was not built: {full}")
                raise

    def copy_extensions_to_source(self) -> None:
        """Put what was built beside the Python package, and record what it was built from."""
        build_py = self.get_finalized_command("build_py")
        package = Path(build_py.get_package_dir("gostitch"))
        for extension in self.extensions:
            in_place, built = map(Path, self._get_inplace_equivalent(build_py, extension))
            files = {in_place: built}
            if isinstance(extension, GoLibrary):
                files[symbols.beside(in_place)] = symbols.beside(built)
            _replace(files)
        sources = [source for extension in self.extensions for source in extension.sources]
        build_record.write(package, sources)


def _replace(files: dict[Path, Path]) -> None:
    """Replace files that belong together by others, and remove those for which there is none.

    A process may have an old one loaded: it must keep it, whole.
    """
    unfinished = {file: Path(f"{file}.{os.getpid()}") for file in files}
    try:
        for file, by in files.items():
            if by.exists():
                shutil.copyfile(by, unfinished[file])
        for file, by in files.items():
            if by.exists():
                os.replace(unfinished[file], file)
            else:
                file.unlink(missing_ok=True)
    finally:
        for path in unfinished.values():
            path.unlink(missing_ok=True)
