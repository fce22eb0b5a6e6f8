"""A service whose metrics a real Prometheus scrapes: what its functions make of those of Go."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from observe.prometheus import free_port, scraping

_SERVICE = """
import json, sys, time
from opentelemetry.sdk._configuration import _OTelSDKConfigurator

import faults

_OTelSDKConfigurator()._configure()  # as opentelemetry-instrument does
faults.nothing()  # which loads the library
took = []
for i in range(40):
    begun = time.perf_counter()
    faults.sleep(0.03 if i % 10 == 0 else 0.002)
    took.append(time.perf_counter() - begun)
print(json.dumps(took), flush=True)
sys.stdin.read()
"""

_OF = '{gostitch_function="faults.sleep"}'


@pytest.mark.timeout(90)
def test_scraped(tmp_path: Path) -> None:
    """Its quantiles of durations are those that Python has measured, to within a bucket."""
    port = free_port()
    service = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", _SERVICE],
        env=os.environ
        | {
            "OTEL_EXPORTER_PROMETHEUS_HOST": "127.0.0.1",
            "OTEL_EXPORTER_PROMETHEUS_PORT": str(port),
            "OTEL_METRICS_EXPORTER": "prometheus",
            "OTEL_SERVICE_NAME": "shop",
            "PYTHONPATH": str(Path(__file__).parents[1]),
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert service.stdin is not None
    assert service.stdout is not None
    try:
        with scraping(tmp_path / "prometheus", f"127.0.0.1:{port}") as prometheus:
            took = sorted(json.loads(service.stdout.readline()))
            prometheus.await_value(f"gostitch_call_duration_seconds_count{_OF}", len(took))

            buckets = prometheus.query(f"gostitch_call_duration_seconds_bucket{_OF}")
            bounds = sorted(float(dict(of)["le"]) for of in buckets)
            assert bounds[-1] == float("inf")
            for quantile in (0.5, 0.95):
                truth = took[int(quantile * len(took))]
                found = prometheus.value(
                    f"histogram_quantile({quantile}, gostitch_call_duration_seconds_bucket{_OF})"
                )
                upper = next(each for each in bounds if truth <= each)
                lower = max(each for each in [0.0, *bounds] if each < upper)
                assert lower <= found <= upper, (quantile, truth, found)
            mean = prometheus.value(f"gostitch_call_duration_seconds_sum{_OF}") / len(took)
            assert (4 * 0.03 + 36 * 0.002) / 40 <= mean <= sum(took) / len(took)

            types = {name: of[0]["type"] for name, of in prometheus.get("metadata").items()}
            assert "histogram" == types["gostitch_call_duration_seconds"]
            assert "histogram" == types["go_schedule_duration_seconds"]
            assert "gauge" == types["go_memory_used_bytes"]
            assert len(took) == prometheus.value(f"gostitch_calls_total{_OF}")
            kinds = prometheus.query("sum by (go_memory_type) (go_memory_used_bytes) > 0")
            assert {"other", "stack"} == {dict(of)["go_memory_type"] for of in kinds}
            assert 1 == prometheus.value('count(target_info{service_name="shop"})')
    finally:
        service.stdin.close()
        service.wait(20)
        service.stdout.close()
