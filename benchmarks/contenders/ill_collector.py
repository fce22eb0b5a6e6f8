"""A collector that answers, refuses or hangs: ``python -m benchmarks.contenders.ill_collector``.

Its argument is ``answers``, ``refuses`` or ``hangs``. It says where it
listens, and ends at the end of its input.
"""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc  # type: ignore[import-untyped]

_EXPORT = "opentelemetry.proto.collector.trace.v1.TraceService"


def main(how: str) -> None:
    """Serve until the input ends."""
    ended = threading.Event()

    def export(request: bytes, context: Any) -> bytes:
        if how == "refuses":
            context.abort(grpc.StatusCode.UNAVAILABLE, "on purpose")
        if how == "hangs":
            ended.wait()
        return b""

    server = grpc.server(ThreadPoolExecutor(4))
    handler = grpc.unary_unary_rpc_method_handler(export)
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(_EXPORT, {"Export": handler}),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(f"http://127.0.0.1:{port}", flush=True)
    sys.stdin.read()
    ended.set()
    server.stop(0).wait(5)


if __name__ == "__main__":
    main(sys.argv[1])
