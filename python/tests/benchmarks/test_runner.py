"""The benchmarks compare equal work only, round by round, and keep what they found."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import __main__ as runner
from benchmarks.contender import ContenderError
from benchmarks.measure import Case, NotEqualError, measure

TESTS = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The processes of contenders find the modules of the tests."""
    monkeypatch.setenv("PYTHONPATH", str(TESTS))


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """A case with known times."""
    return Case(
        name="call.known",
        size=4,
        unit="ms",
        note="known times",
        contenders={"gostitch": "contenders:quick", "python": "contenders:slow"},
        peers={"python": "slow on purpose"},
        arguments={"log": str(tmp_path / "log")},
        times=4,
        rounds=3,
    )


def test_a_row_has_medians_and_ratios(case: Case) -> None:
    """The median of the rounds counts, divided by how often the work was done in each."""
    row = measure(case)

    assert (500.0, 1000.0) == (row["gostitch"], row["python"])
    assert (2.0, None, None) == (row["ratio_python"], row["ratio_best"], row["ratio_rust"])
    assert (10.0, {"python": 10.0}) == (row["rss_mb"], row["peers_rss_mb"])


def test_contenders_take_turns(case: Case, tmp_path: Path) -> None:
    """Each round runs each contender once, in a process of its own."""
    measure(case)

    ours, theirs, *later = (tmp_path / "log").read_text().split()
    assert ours != theirs
    assert [ours, theirs] * 2 == later


def test_a_call_is_measured() -> None:
    """A real case, made tiny, gives a row with all that latest.json keeps."""
    row = measure(
        Case(
            name="call.scalar",
            size=10,
            unit="ns",
            note="add",
            contenders={
                "gostitch": "benchmarks.contenders.calls_gostitch:scalar",
                "python": "contenders:scalar",
            },
            peers={"python": "the same in Python"},
            arguments={"count": 10},
            times=10,
            rounds=2,
        )
    )

    expected = "name size unit gostitch python best_python rust ratio_python ratio_best ratio_rust"
    assert [*expected.split(), "rss_mb", "note"] == list(row)[:12]
    assert isinstance(row["gostitch"], float)
    assert row["rust"] is None


def test_unequal_work_is_not_compared(case: Case) -> None:
    """A contender that gives another answer ends the case before anything is timed."""
    wrong = replace(case, contenders={**case.contenders, "rust": "contenders:wrong"})

    with pytest.raises(NotEqualError, match=r"call\.known: rust gives wrong, but gostitch done"):
        measure(wrong)


def test_unequal_work_fails_the_run(
    case: Case,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The command fails with the reason, and saves nothing."""
    wrong = replace(case, contenders={**case.contenders, "python": "contenders:wrong"})
    monkeypatch.setattr(runner, "all_cases", lambda quick: iter([wrong]))
    monkeypatch.setattr(runner, "RESULTS", tmp_path / "latest.json")

    assert 1 == runner.main(["--save"])
    assert "python gives wrong" in capsys.readouterr().err
    assert not (tmp_path / "latest.json").exists()


def test_a_run_is_saved(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the machine, how busy it was, the versions and the commit."""
    monkeypatch.setattr(runner, "all_cases", lambda quick: iter([case]))
    monkeypatch.setattr(runner, "RESULTS", tmp_path / "latest.json")

    assert 0 == runner.main(["--save"])
    saved = json.loads((tmp_path / "latest.json").read_text())
    assert ["machine", "versions", "commit", "load", "cases"] == list(saved)
    assert saved["machine"]["go"].startswith("go1.")
    assert "call.known" in capsys.readouterr().out


def test_a_dying_contender_is_named(case: Case) -> None:
    """Its end is an error, not a wait."""
    dying = replace(case, contenders={**case.contenders, "python": "contenders:dies"})

    with pytest.raises(ContenderError, match=r"the contender python \(contenders:dies\)"):
        measure(dying)


def test_opentelemetry_is_not_imported_unless_wanted(
    case: Case, capfd: pytest.CaptureFixture[str]
) -> None:
    """A process that imports it gives no figures."""
    observed = replace(case, contenders={"gostitch": "contenders:observed"})

    with pytest.raises(ContenderError):
        measure(observed)
    assert "OpenTelemetry imported: True; this case wants False" in capfd.readouterr().err
