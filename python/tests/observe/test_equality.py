"""What Go makes through gostitch is exported as what Python's SDK makes: seeded programs, both ways."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from observe import arrived, measurements
from observe.collector import Collector, collecting

TESTS = str(Path(__file__).parents[1])  # where the module of faults is
SEEDS = range(200)


def perform(folder: Path, module: str, way: str, **environment: str) -> Collector:
    """Perform all programs of a module, and give the collector that got what they export."""
    with collecting(folder) as collector:
        done = subprocess.run(
            [sys.executable, "-m", f"observe.{module}", way, *map(str, SEEDS)],
            env={
                **os.environ,
                "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint,
                "PYTHONPATH": TESTS,
                **environment,
            },
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert (0, "") == (done.returncode, done.stderr)
        return collector


def exported(folder: Path, way: str, **environment: str) -> tuple[Any, Any]:
    """Give the traces and logs of all programs, without ids and times."""
    collector = perform(folder, "performances", way, **environment)
    return list(arrived.traces(collector)), sorted(arrived.logs(collector), key=repr)


def measured(folder: Path, way: str, **environment: str) -> dict[Any, Any]:
    """Give the metrics of all programs by who has collected them and when, without ids and times."""
    collector = perform(folder, "measurements", way, **environment)
    return {
        (json.dumps(where), metric["name"]): (metric, points)
        for where, metric, points in arrived.metrics(collector)
        if where[2].startswith(measurements.SCOPE)
    }


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    """What Python's SDK exports by itself."""
    return exported(tmp_path_factory.mktemp("python") / "collector", "python")


@pytest.mark.timeout(120)
@pytest.mark.parametrize("export", ["direct", "python"])
def test_programs(export: str, python: tuple[Any, Any], tmp_path: Path) -> None:
    """Names, kinds, status, attributes, events, links, scopes, schemas and resource are equal."""
    traces, logs = exported(tmp_path / "collector", "go", GOSTITCH_EXPORT=export)

    assert len(SEEDS) == len(traces) == len(python[0])
    for seed, (ours, theirs) in enumerate(zip(traces, python[0], strict=True)):
        assert theirs == ours, f"seed {seed}"
    assert len(python[1]) > len(SEEDS)
    assert python[1] == logs


@pytest.fixture(scope="module")
def python_metrics(tmp_path_factory: pytest.TempPathFactory) -> dict[Any, Any]:
    """What Python's SDK measures by itself."""
    return measured(tmp_path_factory.mktemp("python") / "collector", "python")


@pytest.mark.timeout(120)
@pytest.mark.parametrize("export", ["direct", "python"])
def test_measurements(export: str, python_metrics: dict[Any, Any], tmp_path: Path) -> None:
    """Metrics of all kinds are equal, for each reader and at each collection, views included.

    Names, units, descriptions, attributes, scopes, resource, values, temporality, whether they only
    grow, bounds of buckets, scales and exemplars.
    """
    ours = measured(tmp_path / "collector", "go", GOSTITCH_EXPORT=export)

    assert len(python_metrics) > 10 * len(SEEDS)
    assert python_metrics.keys() == ours.keys()
    for of, theirs in python_metrics.items():
        assert theirs == ours[of], of
