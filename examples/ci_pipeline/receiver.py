"""A local OTLP gRPC receiver.

Keeps every span that arrives and writes them as one OTLP/JSON document.

It knows the protocol and nothing of the demo; any OpenTelemetry exporter may send to it.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc  # type: ignore[import-untyped]
from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped]
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

__all__ = ["Receiver", "receiving"]

STOP_S = 5


class Receiver(trace_service_pb2_grpc.TraceServiceServicer):
    """The trace service. Safe to use from several threads; it copies nothing and drops nothing.

    `requests` are what came, `metadata` is that of each, `senders` are the user agents of who has
    sent.
    """

    def __init__(self) -> None:
        self.endpoint = ""
        self.senders: set[str] = set()
        self.metadata: list[dict[str, str]] = []
        self._lock = threading.Lock()
        self.requests: list[trace_service_pb2.ExportTraceServiceRequest] = []

    def Export(  # noqa: N802 - the name is the protocol's
        self,
        request: trace_service_pb2.ExportTraceServiceRequest,
        context: grpc.ServicerContext,
    ) -> trace_service_pb2.ExportTraceServiceResponse:
        """Take one batch of spans."""
        metadata = dict(context.invocation_metadata())
        with self._lock:
            self.requests.append(request)
            self.metadata.append(metadata)
            self.senders.add(metadata.get("user-agent", "").partition(" grpc")[0])
        return trace_service_pb2.ExportTraceServiceResponse()

    def document(self) -> dict[str, Any]:
        """Everything received so far as OTLP/JSON.

        Batches of one resource are put together, spans are as they came.
        """
        merged: dict[str, dict[str, Any]] = {}
        with self._lock:
            requests = list(self.requests)
        for request in requests:
            for resource_spans in request.resource_spans:
                _merge(merged, MessageToDict(resource_spans, use_integers_for_enums=True))
        return {"resourceSpans": [_hex_ids(resource_spans) for resource_spans in merged.values()]}


@contextmanager
def receiving(receiver: Receiver | None = None, credentials: Any = None) -> Iterator[Receiver]:
    """Run a receiver that listens on a free port of 127.0.0.1 while the block runs.

    `endpoint` is its URL. With server credentials of gRPC it speaks TLS.
    """
    receiver = receiver or Receiver()
    server = grpc.server(ThreadPoolExecutor(4), options=[("grpc.max_receive_message_length", -1)])
    add_servicer: Any = trace_service_pb2_grpc.add_TraceServiceServicer_to_server
    add_servicer(receiver, server)
    if credentials is None:
        receiver.endpoint = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    else:
        port = server.add_secure_port("127.0.0.1:0", credentials)
        receiver.endpoint = f"https://127.0.0.1:{port}"
    server.start()
    try:
        yield receiver
    finally:
        server.stop(STOP_S).wait(STOP_S)


def _merge(merged: dict[str, dict[str, Any]], resource_spans: dict[str, Any]) -> None:
    """Add the spans to those of an equal resource (equal attributes, in any order) and scope."""
    resource = resource_spans.get("resource", {})
    known = merged.setdefault(
        _identity(resource.get("attributes", [])), {"resource": resource, "scopeSpans": []}
    )
    for scope_spans in resource_spans.get("scopeSpans", []):
        scope = scope_spans.get("scope", {})
        same = next((held for held in known["scopeSpans"] if held["scope"] == scope), None)
        if same is None:
            same = {"scope": scope, "spans": []}
            known["scopeSpans"].append(same)
        same["spans"].extend(scope_spans.get("spans", []))


def _identity(attributes: list[dict[str, Any]]) -> str:
    return repr(sorted((pair["key"], repr(pair.get("value"))) for pair in attributes))


_IDS = frozenset({"traceId", "spanId", "parentSpanId"})


def _hex_ids(node: Any) -> Any:
    """OTLP/JSON writes ids in hex where protobuf's own JSON mapping writes base64."""
    if isinstance(node, list):
        return [_hex_ids(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: base64.b64decode(value).hex()
        if key in _IDS and isinstance(value, str)
        else _hex_ids(value)
        for key, value in node.items()
    }
