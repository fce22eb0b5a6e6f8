"""Limits of the system and of containers, and the file systems below a process."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable
from pathlib import Path

import pytest

from gostitch import _cgroup, _mounts
from gostitch.doctor import _file_systems, _quotas, _rlimits

_NONE = _cgroup.Limits(None, None, None, None, None)


def _tree(root: Path, groups: str, mounts: str, files: dict[str, str]) -> _cgroup.Limits:
    """Read limits from a tree of files like that of the system."""
    for path, text in {"proc/self/cgroup": groups, "proc/self/mountinfo": mounts, **files}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return _cgroup.read(str(root))


class TestCgroup:
    def test_version_2_in_a_container(self, tmp_path: Path) -> None:
        """In a container the group is the root of what is mounted."""
        limits = _tree(
            tmp_path,
            "0::/\n",
            "31 23 0:28 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw\n",
            {
                "sys/fs/cgroup/cpu.max": "150000 100000\n",
                "sys/fs/cgroup/memory.max": "536870912\n",
                "sys/fs/cgroup/pids.max": "100\n",
                "sys/fs/cgroup/pids.current": "7\n",
            },
        )

        assert _cgroup.Limits(2, 1.5, 512 << 20, 100, 7) == limits

    def test_version_2_below_a_slice(self, tmp_path: Path) -> None:
        """The narrowest limit of the group and those around it counts; max is none."""
        base = "sys/fs/cgroup/system.slice"
        limits = _tree(
            tmp_path,
            "0::/system.slice/shop.service\n",
            "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
            {
                f"{base}/shop.service/cpu.max": "max 100000\n",
                f"{base}/shop.service/memory.max": "max\n",
                f"{base}/cpu.max": "200000 100000\n",
                f"{base}/memory.max": "1073741824\n",
            },
        )

        assert _cgroup.Limits(2, 2.0, 1 << 30, None, None) == limits

    def test_version_1(self, tmp_path: Path) -> None:
        """In version 1 each controller has a tree of its own; -1 and huge numbers are none."""
        limits = _tree(
            tmp_path,
            "5:pids:/docker/abc\n4:memory:/docker/abc\n2:cpu,cpuacct:/docker/abc\n0::/\n",
            "32 31 0:29 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n"
            "33 31 0:30 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"
            "34 31 0:31 /docker/abc /sys/fs/cgroup/pids ro - cgroup cgroup rw,pids\n",
            {
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "50000\n",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
                "sys/fs/cgroup/pids/pids.max": "max\n",
            },
        )

        assert _cgroup.Limits(1, 0.5, None, None, None) == limits

    def test_nothing_mounted(self, tmp_path: Path) -> None:
        """Without /proc or without cgroups there are no limits to see."""
        assert _NONE == _cgroup.read(str(tmp_path))
        assert _NONE == _tree(tmp_path, "0::/\n", "", {})

    def test_rubbish(self, tmp_path: Path) -> None:
        """What cannot be understood is no limit."""
        limits = _tree(
            tmp_path,
            "rubbish\n0::/../..\n",
            "rubbish\n31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
            {"sys/fs/cgroup/cpu.max": "x y\n", "sys/fs/cgroup/memory.max": "\n"},
        )

        assert _cgroup.Limits(2, None, None, None, None) == limits


class TestQuotas:
    def test_go_sees_the_quota(self) -> None:
        """Go takes the quota, rounded up and at least two, but not more than there are."""
        limits = _NONE._replace(cpus=0.5)
        verdict = _quotas.processors(limits, None)

        assert "ok" == verdict.status
        assert min(2, len(os.sched_getaffinity(0))) == verdict.facts["go_uses"]

    def test_more_than_the_quota(self) -> None:
        """GOMAXPROCS above the quota is a warning."""
        verdict = _quotas.processors(_NONE._replace(cpus=1.0), "64")

        assert "warning" == verdict.status
        assert "GOMAXPROCS=64 is more" in verdict.words

    @pytest.mark.parametrize("value", ["many", "0", "-1", "1.5", "²", "8193", "9" * 5000])
    def test_what_is_no_number(self, value: str) -> None:
        """With a value that is no number from 1 to 8192 the library refuses to load: a problem."""
        verdict = _quotas.processors(_NONE, value)

        assert "problem" == verdict.status
        assert f"GOMAXPROCS={value} is no number from 1 to 8192" in verdict.words

    @pytest.mark.parametrize(
        ("text", "size"),
        [("512MiB", 512 << 20), ("1000", 1000), ("1GiB", 1 << 30), ("1GB", None), ("-1", None)],
    )
    def test_memory_is_read_as_by_go(self, text: str, size: int | None) -> None:
        """GOMEMLIMIT takes bytes, or a unit with an i."""
        assert size == _quotas.parse_memory(text)

    @pytest.mark.parametrize(
        ("limit", "chosen", "status"),
        [
            (None, None, "ok"),
            (None, "512MiB", "ok"),
            (None, "rubbish", "problem"),
            (1 << 30, None, "ok"),
            (1 << 30, "off", "note"),
            (1 << 30, "512MiB", "ok"),
            (1 << 30, "1GiB", "warning"),
        ],
    )
    def test_memory(self, limit: int | None, chosen: str | None, status: str) -> None:
        """Go should know of the container's memory, and leave some of it."""
        assert status == _quotas.memory(_NONE._replace(memory=limit), chosen).status


class TestThreads:
    @pytest.mark.parametrize(
        ("pids", "status"),
        [((None, None), "ok"), ((1000, 10), "ok"), ((50, 20), "warning"), ((20, 15), "problem")],
    )
    def test_of_a_container(self, pids: tuple[int | None, int | None], status: str) -> None:
        """A container with room for few threads is a warning, for none a problem."""
        verdict = _rlimits.threads(pids, loaded=False)

        assert status == verdict.status
        assert (verdict.fix is None) == (status == "ok")

    def test_once_loaded(self) -> None:
        """A process that has its threads already is only warned."""
        assert "warning" == _rlimits.threads((20, 19), loaded=True).status


class TestRealLimits:
    def test_open_files(self, doctor: Callable) -> None:
        """Few open files are a warning with the way to raise them."""

        def limit() -> None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))

        found = doctor(preexec_fn=limit).findings["limits.files"]

        assert ("warning", 64) == (found["status"], found["facts"]["limit"])
        assert "ulimit -n" in found["fix"]

    def test_some_address_space(self, doctor: Callable) -> None:
        """Address space that is enough, but not for long, is a warning; loading works."""
        limit = 3 << 30
        found = doctor(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))

        assert 0 == found.status
        assert "warning" == found.findings["limits.address_space"]["status"]

    def test_little_data(self, doctor: Callable) -> None:
        """RLIMIT_DATA counts Go's memory too."""
        limit = 900 << 20
        found = doctor(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (limit, limit)))

        assert "RLIMIT_DATA" in found.findings["limits.address_space"]["words"]


_MOUNTS = """\
22 27 0:21 / /proc rw,relatime - proc proc rw
25 24 0:23 / /dev/shm rw,noexec - tmpfs tmpfs rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
28 27 0:30 / /data/with\\040space rw,noexec,nosuid - tmpfs tmpfs rw
"""


class TestMounts:
    def test_the_mount_of_a_path(self) -> None:
        """A path lies on the longest mount point above it."""
        mounts = _mounts.parse(_MOUNTS)

        assert _mounts.forbids_programs("/data/with space/lib.so", mounts)
        assert not _mounts.forbids_programs("/data/with spaces/lib.so", mounts)
        assert not _mounts.forbids_programs("/usr/lib/x.so", mounts)

    def test_without_proc(self, tmp_path: Path) -> None:
        """Without /proc much cannot be looked at."""
        verdict = _file_systems.judge(tmp_path, [])

        assert ("warning", False) == (verdict.status, verdict.facts["proc"])

    def test_without_shared_memory(self, tmp_path: Path) -> None:
        """Without /dev/shm multiprocessing has no locks."""
        (tmp_path / "proc/self").mkdir(parents=True)
        (tmp_path / "proc/self/maps").touch()
        verdict = _file_systems.judge(tmp_path, _mounts.parse(_MOUNTS))

        assert "warning" == verdict.status
        assert "/dev/shm" in verdict.words

    def test_temporary_files_without_programs(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """noexec on the folder of temporary files matters to those who build."""
        mounts = _mounts.parse(_MOUNTS)
        folder = os.path.realpath(tmp_path)
        noexec = mounts[1]._replace(point=folder)
        monkeypatch.setattr("tempfile.tempdir", folder)
        verdict = _file_systems.judge(Path("/"), [*mounts, noexec])

        assert "note" == verdict.status
        assert "GOTMPDIR" in str(verdict.fix)

    def test_those_of_this_machine(self, doctor: Callable) -> None:
        """The file systems of the machine that runs the tests are well."""
        found = doctor().findings["system.mounts"]

        assert "ok" == found["status"]
        assert found["facts"]["shared_memory_bytes"] > 0
