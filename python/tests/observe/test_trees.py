"""Random call trees over the boundary arrive whole, through the real collector."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from observe.collector import collecting
from observe.judge import faults_of, faults_of_ids, faults_of_resources
from observe.spotlight import Spotlight
from observe.trees import all_nodes, tree

TESTS = Path(__file__).parents[1]
SEEDS = range(500 if os.environ.get("GOSTITCH_LONG") else 50)


def climb(folder: Path, seeds: Iterable[int], **environment: str) -> list[str]:
    """Do what the trees of the seeds say; give all that is wrong with what has arrived."""
    seeds = list(seeds)
    with collecting(folder) as collector:
        done = subprocess.run(
            [
                sys.executable,
                "-W",
                "ignore::DeprecationWarning",
                "-m",
                "observe.climb",
                *map(str, seeds),
            ],
            env=os.environ
            | {
                "PYTHONPATH": str(TESTS),
                "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint,
            }
            | environment,
            capture_output=True,
            text=True,
            timeout=50 + len(seeds),
            check=False,
        )
        # Spotlight takes no spans by OTLP, which Sentry's own exporter sends there.
        said = [line for line in done.stderr.splitlines() if "code: 404" not in line]
        assert (0, []) == (done.returncode, said)
        spans = collector.spans()
    direct = {"GOSTITCH_EXPORT": "python", "SENTRY_EXPORTER": "True"}.items().isdisjoint(
        environment.items()
    )
    found = [
        f"seed {seed}: {text}"
        for seed in seeds
        for text in faults_of(tree(seed), seed, spans, direct=direct)
    ]
    return found + list(faults_of_resources(spans)) + list(faults_of_ids(spans))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("export", ["direct", "python"])
def test_random_trees_arrive_whole(tmp_path: Path, export: str) -> None:
    """One trace each, exact parents, nested in time, one resource per process, each span once."""
    assert [] == climb(tmp_path, SEEDS, GOSTITCH_EXPORT=export)


def test_the_trees_have_everything() -> None:
    """Each way over the boundary is in some tree."""
    ways = {node.how for seed in SEEDS for node, _ in all_nodes(tree(seed))}

    expected = "root sync thread executor task fork call submit await stream inline goroutine ask"
    assert set(expected.split()) == ways


def test_without_propagation_the_judge_objects(tmp_path: Path) -> None:
    """The control: calls that carry no trace context are found out."""
    found = climb(tmp_path, range(5), BREAK="propagation")

    assert any("is not in its trace" in text for text in found), found


def calls_in_child(seed: int) -> bool:
    """Tell whether a forked child of the tree calls Go."""
    forks = [node for node, _ in all_nodes(tree(seed)) if node.how == "fork"]
    return any(each.is_call for fork in forks for each, _ in all_nodes(fork))


def test_a_resource_from_before_the_fork_is_found_out(tmp_path: Path) -> None:
    """The control: a child whose Go sends the parent's resource has two."""
    seeds = list(filter(calls_in_child, range(50)))[:3]

    found = climb(tmp_path, seeds, BREAK="resource")

    assert any("2 resources" in text for text in found), found


@pytest.mark.parametrize("propagator", ["True", "False"])
@pytest.mark.parametrize("exporter", ["True", "False"])
def test_sentrys_integration_changes_nothing(
    tmp_path: Path, sentry: Spotlight, propagator: str, exporter: str
) -> None:
    """Sentry's OTLPIntegration replaces the propagator or adds an exporter; the trees stay whole."""
    settings = {"SENTRY_PROPAGATOR": propagator, "SENTRY_EXPORTER": exporter}

    assert [] == climb(tmp_path, range(10), SENTRY_DSN=sentry.dsn, **settings)
