"""The matrix of installations tells what no registry serves any more from what failed.

apt itself reads archives that are made here: what it says of a package that is in the lists of one
or is not, is what the matrix has to go by.
"""

from __future__ import annotations

import hashlib
import platform
import re
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import support

from gostitch.doctor import _python
from install_matrix import debian, interpreters
from install_matrix.checkouts import ROOT
from install_matrix.debian import Archive, ArchiveError, GoneError, NotDebianError
from install_matrix.interpreters import SUPPORTED, Interpreter, LeftOut
from install_matrix.supply import Supplier
from install_matrix.tally import Tally

pytestmark = pytest.mark.skipif(not shutil.which("apt-get"), reason="apt is Debian's")

Make = Callable[..., str]


@pytest.fixture
def make_archive(tmp_path: Path) -> Make:
    """Make an archive with packages, given as name and what it depends on; return apt's line."""

    def make(name: str, **packages: str) -> str:
        folder, lists = tmp_path / name, []
        folder.mkdir()
        for package, depends in packages.items():
            control = (
                f"Package: {package}\nVersion: 1.0\nArchitecture: all\nDepends: {depends}\n"
                "Maintainer: nobody <nobody@example.org>\nDescription: a test\n"
            ).replace("Depends: \n", "")
            tree = tmp_path / "tree" / package
            (tree / "DEBIAN").mkdir(parents=True)
            (tree / "DEBIAN" / "control").write_text(control)
            (tree / f"{package}.txt").write_text("what is in it")
            deb = folder / f"{package}.deb"
            subprocess.run(["dpkg-deb", "--build", tree, deb], check=True, capture_output=True)
            shutil.rmtree(tree)
            digest = hashlib.sha256(deb.read_bytes()).hexdigest()
            lists.append(
                f"{control}Filename: ./{deb.name}\nSize: {deb.stat().st_size}\nSHA256: {digest}\n"
            )
        (folder / "Packages").write_text("\n".join(lists))
        return f"deb [trusted=yes target=Packages] copy:{folder} ./"

    return make


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch) -> str:
    """apt's line for a server that answers nobody."""
    monkeypatch.setattr(debian, "RETRIES", 0)  # it waits between them
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"deb [trusted=yes target=Packages] http://127.0.0.1:{taken.getsockname()[1]}/ ./"


def archive(folder: Path, *sources: str) -> Archive:
    return Archive(folder / "apt", sources, "amd64")


class TestArchive:
    def test_what_the_lists_do_not_name_is_gone(self, make_archive: Make, tmp_path: Path) -> None:
        """The lists were read: one version is there, the other is not."""
        tried = archive(tmp_path, make_archive("a", libc6="", **{"python3.14": ""}))

        tried.require("python3.14")
        with pytest.raises(GoneError, match=r"python3\.15"):
            tried.require("python3.15")

    def test_a_package_comes_with_what_it_needs(self, make_archive: Make, tmp_path: Path) -> None:
        """What it depends on is fetched too, but for packages that are wanted alone."""
        line = make_archive("a", libc6="", zlib1g="libc6", other="zlib1g", alone="zlib1g")

        tried = archive(tmp_path, line)

        assert ["alone", "libc6", "zlib1g"] == [
            deb.name.partition("_")[0] for deb in tried.fetch(["zlib1g"], ["alone"])
        ]

    def test_an_archive_that_does_not_answer(self, unreachable: str, tmp_path: Path) -> None:
        """That is a failure, and not a version that is gone."""
        with pytest.raises(ArchiveError, match="Connection refused"):
            archive(tmp_path, unreachable).require("python3.15")

    def test_one_of_two_that_does_not_answer(
        self, make_archive: Make, unreachable: str, tmp_path: Path
    ) -> None:
        """So is it if another one answers, for the version may be in the one that does not."""
        tried = archive(tmp_path, make_archive("a", libc6=""), unreachable)

        for _ in range(2):
            with pytest.raises(ArchiveError, match="Connection refused"):
                tried.require("python3.15")

    def test_lists_with_nothing_in_them(self, make_archive: Make, tmp_path: Path) -> None:
        """An archive without a C library is none."""
        with pytest.raises(ArchiveError, match="name no libc6"):
            archive(tmp_path, make_archive("a")).require("python3.15")

    def test_a_package_without_its_file(self, make_archive: Make, tmp_path: Path) -> None:
        """It is in the lists, so it is not gone."""
        tried = archive(tmp_path, make_archive("a", libc6="", **{"python3.15": ""}))
        (tmp_path / "a" / "python3.15.deb").unlink()

        tried.require("python3.15")
        with pytest.raises(ArchiveError, match=r"python3\.15\.deb"):
            tried.fetch(["python3.15"])

    def test_a_package_whose_needs_are_not_there(self, make_archive: Make, tmp_path: Path) -> None:
        """Nor is it gone when something that it needs is."""
        line = make_archive("a", libc6="", **{"python3.15": "libssl9"})

        with pytest.raises(ArchiveError, match="libssl9"):
            archive(tmp_path, line).fetch(["python3.15"])

    def test_the_apt_of_the_machine_is_left_alone(self, make_archive: Make, tmp_path: Path) -> None:
        """All that apt writes is below the folder, and no hook of the machine's is run."""
        archive(tmp_path, make_archive("a", libc6="")).require("libc6")
        names = ("State", "State::lists", "State::status", "Cache", "Cache::archives")

        settings = dict(
            line.removesuffix(";").split(" ", 1)
            for line in subprocess.run(
                ["apt-config", "dump"],
                env={"APT_CONFIG": str(tmp_path / "apt" / "apt.conf")},
                capture_output=True,
                text=True,
                check=True,
            ).stdout.splitlines()
        )
        shown = subprocess.run(
            ["apt-config", "shell", *(word for n, name in enumerate(names) for word in (f"v{n}", f"Dir::{name}/f"))],
            env={"APT_CONFIG": str(tmp_path / "apt" / "apt.conf")},
            capture_output=True,
            text=True,
            check=True,
        ).stdout  # fmt: skip
        places = re.findall(r"='(.+)'", shown)

        assert len(names) == len(places)
        assert [] == [place for place in places if not place.startswith(str(tmp_path / "apt"))]
        assert [] == [name for name in settings if "-Invoke" in name and settings[name] != '""']


class TestSupply:
    @pytest.fixture
    def supply(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., list[str]]:
        """Supply a machine that has all CPythons but the two newest; return the lines."""
        if platform.machine() != "x86_64":
            pytest.skip("the lines are those of x86-64")
        monkeypatch.setattr(
            interpreters,
            "find",
            lambda: ([Interpreter(f"/{of}", f"{of}.1") for of in SUPPORTED[:-2]], []),
        )

        def supply(sources: Callable[[object], list[str]], *words: str) -> list[str]:
            monkeypatch.setattr(debian, "sources", sources)
            lines: list[str] = []
            tally = Tally(lines.append)
            native = Supplier(tmp_path, list(words), tally, lines.append).supply().native
            assert SUPPORTED[:-2] == tuple(of.minor for of in native)
            tally.end()
            return [line.partition("\n")[0] for line in lines]

        return supply

    def test_gone_is_counted_apart_from_failed(
        self, supply: Callable[..., list[str]], make_archive: Make, tmp_path: Path
    ) -> None:
        """Of the two newest one is not in the lists, and the other cannot be fetched."""
        older, newest = SUPPORTED[-2:]
        line = make_archive("a", libc6="", **{f"python{newest}": "gone"})

        lines = supply(lambda suites: [line])

        assert f"CPython {older}: not run, version gone" == lines[0]
        assert f"FAILED CPython {newest} (" in lines[1]
        assert "apt-get install" in lines[2]
        # The second is for arm64, of which one version is no longer there.
        assert "0 passed, 2 failed, 2 skipped" == lines[-1]

    def test_only_what_is_asked_for(
        self, supply: Callable[..., list[str]], make_archive: Make
    ) -> None:
        """Versions among the words of the command line choose what is fetched."""
        line = make_archive("a", libc6="")

        for word in (f"{SUPPORTED[-1]}", f"{SUPPORTED[-1]}.2"):
            lines = supply(lambda suites: [line], word, "wheel")
            gone = f"CPython {SUPPORTED[-1]}"
            assert [
                f"{gone}: not run, version gone",
                f"{gone} on arm64: not run, version gone",
                "0 passed, 0 failed, 2 skipped",
            ] == lines

    @pytest.mark.parametrize(("ci", "end"), [("1", "4 failed"), ("", "0 failed")])
    def test_a_machine_without_debian(
        self, supply: Callable[..., list[str]], ci: str, end: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """They are left out, but not where everything must run."""
        monkeypatch.setenv("GOSTITCH_CI", ci)

        def sources(suites: object) -> list[str]:
            raise NotDebianError("this machine has no apt-get")

        lines = supply(sources)

        assert f"0 passed, {end}" == lines[-1]
        assert bool(ci) != (
            f"left out: CPython {SUPPORTED[-1]} this machine has no apt-get" in lines
        )


class TestTally:
    @pytest.mark.parametrize(
        ("troubles", "gone", "last", "status"),
        [
            ([None, None], 0, "2 passed, 0 failed", 0),
            ([None], 2, "1 passed, 0 failed, 2 skipped", 0),
            ([None, "no wheel"], 0, "1 passed, 1 failed", 1),
            ([], 1, "0 passed, 0 failed, 1 skipped", 1),
        ],
    )
    def test_its_end(self, troubles: list[str | None], gone: int, last: str, status: int) -> None:
        """What is gone is no failure, but where nothing was tried nothing has passed."""
        lines: list[str] = []
        tally = Tally(lines.append)
        for trouble in troubles:
            tally.add("CPython 3.12.1 wheel", trouble, 3)
        for _ in range(gone):
            tally.add_gone("CPython 3.9")

        assert (status, last) == (tally.end(), lines[-1])


class TestVersions:
    def test_one_list_of_versions(self) -> None:
        """The matrix tries what the package says it supports, and doctor and the build agree."""
        classifiers = re.findall(
            r'"Programming Language :: Python :: (3\.\d+)"', (ROOT / "pyproject.toml").read_text()
        )

        assert list(SUPPORTED) == classifiers
        assert [support.OLDEST_PYTHON, _python._NEWEST_TESTED] == [
            tuple(map(int, version.split("."))) for version in (SUPPORTED[0], SUPPORTED[-1])
        ]
        assert interpreters.OLDEST == support.OLDEST_PYTHON

    def test_what_is_no_interpreter_to_install_on(self, tmp_path: Path) -> None:
        """Something that does not run is left out with the reason."""
        program = tmp_path / "python3.15"
        program.write_text("#!/bin/sh\nexit 127\n")
        program.chmod(0o755)

        assert LeftOut(str(program), "does not run") == interpreters.examine(str(program))
