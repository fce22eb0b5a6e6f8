"""The setuptools commands that decide what the sdist and the wheel contain."""

from __future__ import annotations

import shutil
from pathlib import Path

import core_sources
from core_sources import ROOT
from setuptools import Command
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build import build
from setuptools.command.sdist import sdist
from shipped import targets


class ShipCore(Command):
    """Puts the Go sources of the core into the wheel, as ``gostitch/_go``.

    Users build their own functions against exactly the core that is installed.
    An editable install has them at the root of the checkout.
    """

    user_options: list[tuple[str, str, str]] = []  # noqa: RUF012 - setuptools' form
    editable_mode = False

    def initialize_options(self) -> None:
        """Begin without a folder."""
        self.build_lib = ""

    def finalize_options(self) -> None:
        """Take the folder from the build."""
        self.build_lib = self.get_finalized_command("build").build_lib

    def run(self) -> None:
        """Copy."""
        for source, target in self._copies().items():
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / source, target)

    def get_source_files(self) -> list[str]:
        """Give what the sdist must contain for this."""
        return core_sources.paths()

    def get_outputs(self) -> list[str]:
        """Give what is made."""
        return list(self._copies().values())

    def get_output_mapping(self) -> dict[str, str]:
        """Give what is made, by what it comes from."""
        return {target: source for source, target in self._copies().items()}

    def _copies(self) -> dict[str, str]:
        if self.editable_mode:
            return {}
        into = Path(self.build_lib) / "gostitch" / "_go"
        return {path: str(into / path) for path in core_sources.paths()}


class FreshBuild(build):
    """Builds from nothing, so that no file of an earlier build gets into a wheel."""

    sub_commands = [*build.sub_commands, ("ship_core", None)]  # noqa: RUF012 - setuptools' form

    def run(self) -> None:
        """Clear the folder, then build."""
        shutil.rmtree(self.build_lib, ignore_errors=True)
        super().run()


class FreshSdist(sdist):
    """Lists the files anew, so that no file of an earlier list gets into the sdist."""

    def run(self) -> None:
        """Forget the list that setuptools would add to, then pack."""
        metadata = self.get_finalized_command("egg_info").egg_info
        (Path(metadata) / "SOURCES.txt").unlink(missing_ok=True)
        super().run()


class NamedWheel(bdist_wheel):
    """Names a wheel after the target it was built for."""

    def get_tag(self) -> tuple[str, str, str]:
        """Give the three parts of the tag; setuptools knows no compressed platform part."""
        python, abi, platform = super().get_tag()
        target = targets.chosen()
        return python, abi, platform if target is None else target.platform_tag
