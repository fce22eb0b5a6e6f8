"""Calls in what spreads work over processes, threads and greenlets."""

from __future__ import annotations

from pathlib import Path

import pytest

from frameworks.conftest import Run

_CELERY = """
import os
os.environ["CELERY_FOLDER"] = os.getcwd()
from fork.celery_folder import application

app = application()

@app.task
def add(a, b):
    import faults
    return faults.add(a, b)

@app.task
def wait(seconds):
    import faults
    return faults.sleep(seconds)
"""

_CALL_CELERY = """
import subprocess, sys, time
from celery_app import add, wait

worker = subprocess.Popen(
    ["celery", "-A", "celery_app", "worker", "-P", {pool!r}, "-c", "4", "--without-mingle",
     "--without-gossip", "--loglevel", "warning"],
    stdout=sys.stderr,
)
try:
    print([add.delay(n, 1).get(timeout=30) for n in range(3)])
    begun = time.monotonic()
    waits = [wait.delay(1.0) for _ in range(4)]
    print([each.get(timeout=30) for each in waits])
    print(time.monotonic() - begun < 3.5)  # one after the other they take 4 s
finally:
    worker.terminate()
    worker.wait(30)
"""


@pytest.mark.parametrize("pool", ["prefork", "threads", "gevent", "eventlet"])
def test_celery(run: Run, tmp_path: Path, pool: str) -> None:
    """Tasks call Go in each pool, several at a time: calls yield to other greenlets."""
    (tmp_path / "celery_app.py").write_text(_CELERY)
    out = run(_CALL_CELERY.format(pool=pool), timeout=80)

    assert "[1, 2, 3]\n[1.0, 1.0, 1.0, 1.0]\nTrue\n" == out


def test_dask(run: Run) -> None:
    """Functions go to workers as they are, by name; records come back as pickles."""
    out = run(
        """
from dask.distributed import Client, LocalCluster
import faults

if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=2, dashboard_address=None) as cluster:
        with Client(cluster) as client:
            print(client.gather(client.map(faults.add, range(5), [1] * 5)))
            print(client.submit(faults.structured, "a", [1], faults.FaultsInner(1, "b")).result().total)
""",
        timeout=100,
    )

    assert "[1, 2, 3, 4, 5]\n2\n" == out


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_joblib(run: Run, backend: str) -> None:
    """``delayed`` takes functions as they are; each backend's workers load the library themselves."""
    out = run(
        f"""
from joblib import Parallel, delayed
import faults

if __name__ == "__main__":
    faults.add(1, 1)  # before the workers are forked
    print(Parallel(n_jobs=2, backend={backend!r})(delayed(faults.add)(n, 1) for n in range(5)))
""",
        timeout=80,
    )

    assert "[1, 2, 3, 4, 5]\n" == out


@pytest.mark.timeout(150)
def test_ray(run: Run) -> None:
    """``ray.remote`` takes functions as they are, and actors call them."""
    out = run(
        """
import ray, faults
ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
add = ray.remote(faults.add)
print(ray.get([add.remote(n, 1) for n in range(3)]))

@ray.remote
class Actor:
    async def add(self, a, b):
        return await faults.add.submit(a, b)

actor = Actor.remote()
print(ray.get([actor.add.remote(n, 2) for n in range(3)]))
ray.shutdown()
""",
        timeout=140,
    )

    assert "[1, 2, 3]\n[2, 3, 4]\n" == out


def test_dagster(run: Run) -> None:
    """Assets and ops call functions; ``op`` does not take one itself, as it has no context."""
    out = run(
        """
import dagster, faults

@dagster.asset
def one():
    return faults.add(0, 1)

@dagster.asset
def two(one):
    return faults.add(one, 1)

result = dagster.materialize([one, two])
print(result.success, result.output_for_node("two"))
""",
        timeout=80,
    )

    assert "True 2\n" == out


_BUILDBOT = """
from buildbot.plugins import *
from buildbot.process.buildstep import BuildStep
from buildbot.process.results import SUCCESS

class Hash(BuildStep):
    async def run(self):
        import faults
        from gostitch.twisted import deferred
        sums = [await faults.add.submit(1, 2), await deferred(faults.add.submit(3, 4))]
        self.descriptionDone = [f"sums {sums}"]
        open("sums", "w").write(str(sums))
        return SUCCESS

factory = util.BuildFactory([Hash()])
c = BuildmasterConfig = {
    "workers": [worker.LocalWorker("w")],
    "protocols": {"null": {}},
    "builders": [util.BuilderConfig(name="b", workernames=["w"], factory=factory)],
    "schedulers": [schedulers.Periodic(name="p", builderNames=["b"], periodicBuildTimer=3600)],
    "db": {"db_url": "sqlite:///state.sqlite"},
    "buildbotNetUsageData": None,
}
"""

_START_BUILDBOT = """
import pathlib, subprocess, time
subprocess.run(["buildbot", "create-master", "-r", "m"], check=True, capture_output=True)
pathlib.Path("m/master.cfg").write_text(pathlib.Path("master.cfg").read_text())
master = subprocess.Popen(["twistd", "--nodaemon", "--pidfile=", "-y", "buildbot.tac"], cwd="m",
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
until = time.monotonic() + 60
while not (sums := pathlib.Path("m/sums")).exists() and time.monotonic() < until:
    time.sleep(0.1)
time.sleep(0.2)
print(sums.read_text() if sums.exists() else pathlib.Path("m/twistd.log").read_text()[-3000:])
master.terminate()
master.wait(20)
"""


@pytest.mark.timeout(120)
def test_buildbot(run: Run, tmp_path: Path) -> None:
    """Steps await calls in a real master, whose loop is Twisted's."""
    (tmp_path / "master.cfg").write_text(_BUILDBOT)
    assert "[3, 7]\n" == run(_START_BUILDBOT, timeout=100)


@pytest.mark.parametrize("library", ["trio", "anyio on trio", "anyio on asyncio", "Twisted"])
def test_loops(run: Run, library: str) -> None:
    """Calls are awaited in the loop's own way: `abi/test_other_loops.py` has the details."""
    run_with = {
        "trio": "import trio; trio.run(main)",
        "anyio on trio": "import anyio; anyio.run(main, backend='trio')",
        "anyio on asyncio": "import anyio; anyio.run(main)",
        "Twisted": (
            "from twisted.internet import defer, task\n"
            "task.react(lambda _: defer.ensureDeferred(main()))"
        ),
    }
    out = run(
        f"""
import faults

async def main():
    print(await faults.add.submit(1, 2), [line.number async for line in faults.lines(3)], flush=True)

{run_with[library]}
"""
    )

    assert "3 [0, 1, 2]\n" == out
