"""``tasks.pack`` and ``tasks.unpack`` against Python's own tarfile and zipfile."""

from __future__ import annotations

import concurrent.futures
import hashlib
import io
import os
import sysconfig
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

import gostitch
from ci_pipeline.merkle import tree_digest
from gostitch import tasks

TREE = Path(sysconfig.get_path("stdlib")) / "email"


def read_tar(archive: Path) -> tarfile.TarFile:
    """Open a tar of any compression with Python's own means."""
    data = archive.read_bytes()
    if data.startswith(b"\x28\xb5\x2f\xfd"):
        data = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data)).read()
    return tarfile.open(fileobj=io.BytesIO(data))


@pytest.mark.parametrize("compression", ["zstd", "gzip", "none"])
def test_what_is_packed_can_be_read_by_tarfile(tmp_path: Path, compression: str) -> None:
    """Names, contents, modes, times and link targets are what Python finds in the archive."""
    result = tasks.pack(TREE, tmp_path / "a.tar", compression=compression)

    tar = read_tar(tmp_path / "a.tar")
    for member in tar:
        path = TREE / member.name
        status = path.lstat()
        assert member.mode == status.st_mode & 0o7777
        assert int(member.mtime) == int(status.st_mtime)
        if member.isfile():
            assert tar.extractfile(member).read() == path.read_bytes()
    assert {member.name for member in tar} >= {str(p.relative_to(TREE)) for p in TREE.rglob("*")}
    assert result.digest == hashlib.sha256((tmp_path / "a.tar").read_bytes()).hexdigest()
    assert result.bytes_out == (tmp_path / "a.tar").stat().st_size


@pytest.mark.parametrize("compression", ["zstd", "gzip", "none"])
def test_a_round_trip_keeps_the_tree(tmp_path: Path, compression: str) -> None:
    """Unpacking what was packed gives the same digest and the same times."""
    tasks.pack(TREE, tmp_path / "a", compression=compression)
    tasks.unpack(tmp_path / "a", tmp_path / "new" / "deep" / "tree")

    unpacked = tmp_path / "new" / "deep" / "tree"
    assert tree_digest(unpacked) == tree_digest(TREE)
    for path in TREE.rglob("*"):
        assert (unpacked / path.relative_to(TREE)).stat().st_mtime == path.stat().st_mtime


@pytest.mark.parametrize("level", [1, 3, 6, 22])
def test_a_frame_of_many_pieces_is_read_by_zstandard(tmp_path: Path, level: int) -> None:
    """What goes on in the same way, across the ends of pieces, is what it was."""
    content = b"".join(
        bytes(range(period)) * ((2 << 20) // period) + b"between"
        for period in (1, 4, 8, 3, 100, 255)
    )
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "file").write_bytes(content)
    tasks.pack(tmp_path / "in", tmp_path / "a", level=level)

    packed = read_tar(tmp_path / "a").extractfile("file")
    assert packed is not None
    assert content == packed.read()


def test_packing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    """The archive depends on the tree alone."""
    first = tasks.pack(TREE, tmp_path / "a")
    second = tasks.pack(TREE, tmp_path / "b")

    assert first == second


def test_tars_and_zips_made_by_python_unpack(tmp_path: Path) -> None:
    """What tarfile and zipfile write comes out as they would extract it."""
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as tar:
        tar.add(TREE, "email")
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(TREE.rglob("*")):
            archive.write(path, Path("email") / path.relative_to(TREE))

    for name in ("a.tar.gz", "a.zip"):
        tasks.unpack(tmp_path / name, tmp_path / f"{name}.d")
        assert tree_digest(tmp_path / f"{name}.d" / "email") == tree_digest(TREE)


def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", data: bytes = b"") -> Callable:
    """Give what adds one member to a tar."""

    def add(tar: tarfile.TarFile) -> None:
        info = tarfile.TarInfo(name)
        info.type, info.linkname, info.size = kind, link, len(data)
        tar.addfile(info, io.BytesIO(data))

    return add


ESCAPES = {
    "parent": [entry("../escaped", data=b"x")],
    "deep parent": [entry("a/../../escaped", data=b"x")],
    "absolute": [entry("/tmp/escaped", data=b"x")],
    "symlink outside": [entry("link", tarfile.SYMTYPE, "../outside")],
    "absolute symlink": [entry("link", tarfile.SYMTYPE, "/etc/passwd")],
    "write through symlink": [
        entry("link", tarfile.SYMTYPE, "."),
        entry("link/escaped", data=b"x"),
    ],
    "hard link outside": [entry("link", tarfile.LNKTYPE, "../outside")],
    "device": [entry("null", tarfile.CHRTYPE)],
    "pipe": [entry("pipe", tarfile.FIFOTYPE)],
}


@pytest.mark.parametrize("escape", ESCAPES)
def test_an_escape_is_refused_and_leaves_nothing(tmp_path: Path, escape: str) -> None:
    """Every way out of the destination is GoUnsafeError, and nothing is written."""
    with tarfile.open(tmp_path / "bad.tar", "w") as tar:
        for add in [entry("good", data=b"fine"), *ESCAPES[escape]]:
            add(tar)

    with pytest.raises(gostitch.GoUnsafeError) as caught:
        tasks.unpack(tmp_path / "bad.tar", tmp_path / "dest")

    assert caught.value.details["entry"] in str(caught.value)
    assert os.listdir(tmp_path) == ["bad.tar"]


@pytest.mark.parametrize("compression", ["zstd", "gzip", "none"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.99])
def test_a_truncated_archive_is_a_data_error(tmp_path: Path, compression: str, part: float) -> None:
    """The error names the archive, and nothing is left of what could be read."""
    tasks.pack(TREE, tmp_path / "whole", compression=compression)
    data = (tmp_path / "whole").read_bytes()
    (tmp_path / "cut").write_bytes(data[: int(len(data) * part)])

    with pytest.raises(gostitch.GoDataError, match="cut"):
        tasks.unpack(tmp_path / "cut", tmp_path / "dest")

    assert sorted(os.listdir(tmp_path)) == ["cut", "whole"]


def test_a_file_that_is_no_archive_is_a_data_error(tmp_path: Path) -> None:
    """Text is not unpacked as an empty archive."""
    (tmp_path / "text").write_text("hello\n" * 200)

    with pytest.raises(gostitch.GoDataError, match="text"):
        tasks.unpack(tmp_path / "text", tmp_path / "dest")


@pytest.mark.parametrize("limit", [{"max_bytes": 100}, {"max_files": 2}])
def test_the_limits_hold(tmp_path: Path, limit: dict[str, int]) -> None:
    """More than allowed is GoLimitError, which names the argument; nothing is left."""
    tasks.pack(TREE, tmp_path / "a")

    with pytest.raises(gostitch.GoLimitError) as caught:
        tasks.unpack(tmp_path / "a", tmp_path / "dest", **limit)

    assert caught.value.details["argument"] in limit
    assert os.listdir(tmp_path) == ["a"]


def test_a_bomb_is_stopped_by_the_default_limit(tmp_path: Path) -> None:
    """Two gigabytes of zeros in a small file are refused without being asked to."""
    zeros = bytes(1 << 20)
    with (
        (tmp_path / "bomb").open("wb") as file,
        zstandard.ZstdCompressor().stream_writer(file) as writer,
    ):
        info = tarfile.TarInfo("zeros")
        info.size = 2 << 30
        writer.write(info.tobuf())
        for _ in range(2 << 10):
            writer.write(zeros)
        writer.write(bytes(1024))

    with pytest.raises(gostitch.GoLimitError, match="max_bytes"):
        tasks.unpack(tmp_path / "bomb", tmp_path / "dest")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"compression": "brotli"}, "compression"),
        ({"level": 99}, "level"),
        ({"level": "9"}, "level"),
        ({"compression": 1}, "compression"),
    ],
)
def test_a_bad_argument_of_pack_is_named(
    tmp_path: Path, arguments: dict[str, object], named: str
) -> None:
    """Nothing is written when an argument cannot work."""
    with pytest.raises((gostitch.GoTypeError, gostitch.GoValueError)) as caught:
        tasks.pack(TREE, tmp_path / "a", **arguments)

    assert caught.value.details["argument"] == named
    assert os.listdir(tmp_path) == []


def test_a_destination_that_is_not_empty_is_refused(tmp_path: Path) -> None:
    """Nothing is mixed with what is there."""
    tasks.pack(TREE, tmp_path / "a")
    (tmp_path / "dest").mkdir()
    (tmp_path / "dest" / "mine").touch()

    with pytest.raises(gostitch.GoValueError, match="dest"):
        tasks.unpack(tmp_path / "a", tmp_path / "dest")

    assert os.listdir(tmp_path / "dest") == ["mine"]


def test_missing_paths_are_file_not_found(tmp_path: Path) -> None:
    """A missing tree, a missing archive and a missing folder for the archive are each named."""
    for call in (
        lambda: tasks.pack(tmp_path / "missing", tmp_path / "a"),
        lambda: tasks.pack(TREE, tmp_path / "missing" / "a"),
        lambda: tasks.unpack(tmp_path / "missing", tmp_path / "dest"),
    ):
        with pytest.raises(FileNotFoundError, match="missing"):
            call()
    assert os.listdir(tmp_path) == []


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a tree that takes long enough to be stopped in the middle."""
    root = tmp_path_factory.mktemp("big")
    for i in range(4):
        (root / f"random{i}").write_bytes(os.urandom(64 << 20))
    tasks.pack(root, root.parent / "big.tar.zst")
    return root


def test_a_timeout_in_mid_work_leaves_nothing(big: Path, tmp_path: Path) -> None:
    """Packing, unpacking and hashing stop at their timeout, and no partial file stays."""
    for call in (
        lambda: tasks.pack(big, tmp_path / "a", level=9, timeout=0.02),
        lambda: tasks.unpack(big.parent / "big.tar.zst", tmp_path / "dest", timeout=0.02),
        lambda: tasks.hash_tree(big, algorithm="sha256", timeout=0.02),
    ):
        with pytest.raises(gostitch.GoTimeoutError):
            call()
        assert os.listdir(tmp_path) == []


def test_cancelling_in_mid_work_leaves_nothing(big: Path, tmp_path: Path) -> None:
    """A cancelled future is cancelled at once; the function ends soon after and cleans up."""
    started = [
        tasks.pack.submit(big, tmp_path / "a", level=9),
        tasks.unpack.submit(big.parent / "big.tar.zst", tmp_path / "dest"),
        tasks.hash_tree.submit(big, algorithm="sha256"),
    ]
    # Until each has begun to leave traces, or for a moment.
    concurrent.futures.wait(started, timeout=0.02)
    for future in started:
        assert future.cancel()
        assert future.cancelled()
    while gostitch.runtime_info()["calls"]:
        pass  # bounded by the timeout of the test

    assert os.listdir(tmp_path) == []


def test_a_file_that_has_more_than_it_says_is_a_data_error(tmp_path: Path) -> None:
    """The files of /proc have size 0 and content: they are refused, not packed as empty."""
    with pytest.raises(gostitch.GoDataError, match="changed while it was being packed"):
        tasks.pack("/proc/sys/kernel/random", tmp_path / "a")

    assert os.listdir(tmp_path) == []


def test_a_pipe_is_not_replaced_by_the_archive(tmp_path: Path) -> None:
    """What is not an ordinary file stays what it is."""
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(gostitch.GoValueError, match="pipe"):
        tasks.pack(TREE, tmp_path / "pipe")

    assert (tmp_path / "pipe").is_fifo()


def test_an_error_names_the_path_that_was_asked_for(tmp_path: Path) -> None:
    """Not the hidden name that the work is done under."""
    for call in (
        lambda: tasks.pack(TREE, tmp_path / "missing" / "a"),
        lambda: tasks.pack(TREE, "/proc/a.tar"),
        lambda: tasks.pack(TREE, tmp_path / "\ud800"),
    ):
        with pytest.raises((OSError, gostitch.GoValueError)) as caught:
            call()
        assert "partial" not in str(caught.value)


def test_a_timeout_that_has_passed_never_succeeds(tmp_path: Path) -> None:
    """Zero and less are over before the function begins."""
    for timeout in (0, -1, float("-inf")):
        with pytest.raises(gostitch.GoTimeoutError):
            tasks.hash_tree("/etc/hosts", timeout=timeout)
        with pytest.raises(gostitch.GoTimeoutError):
            tasks.hash_tree.submit("/etc/hosts", timeout=timeout).result()
