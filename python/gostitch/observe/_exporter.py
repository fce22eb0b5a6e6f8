"""Python's OTLP exporter over gRPC, as far as Go can do what it does."""

from __future__ import annotations

import os
from typing import Any

_MODULE = "opentelemetry.exporter.otlp.proto.grpc"
_TIMEOUT_S = 10.0
_SERVER_NAME = "grpc.ssl_target_name_override"
_ROOTS_VARIABLE = "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"
# What says nothing about where spans go, and to whom.
_HARMLESS_OPTIONS = (
    _SERVER_NAME,
    "grpc.primary_user_agent",
    "grpc.max_send_message_length",
    "grpc.max_receive_message_length",
)
_COMPRESSIONS = ("NoCompression", "Gzip")


def refusal(exporter: Any) -> str:
    """Say why Go cannot stand in for an exporter; nothing if it can."""
    name = type(exporter).__name__
    if not type(exporter).__module__.startswith(_MODULE):
        return f"its exporter {name} is not the one of OTLP over gRPC"
    if "export" in vars(exporter):
        return f"the method export of its exporter {name} was replaced"
    if not _has_plain_headers(exporter):
        return f"its exporter {name} has headers that are no text, or of one name"
    strange = [key for key, _ in getattr(exporter, "_channel_options", None) or ()]
    strange = [key for key in strange if key not in _HARMLESS_OPTIONS]
    if strange:
        return f"its exporter {name} has channel options that Go has not: {', '.join(strange)}"
    compression = getattr(getattr(exporter, "_compression", None), "name", _COMPRESSIONS[0])
    if compression not in _COMPRESSIONS:
        return f"its exporter {name} compresses with {compression}, which Go has not"
    if not getattr(exporter, "_insecure", True) and _tls(exporter) is None:
        return f"its exporter {name} has credentials that are more than certificates"
    return ""


def _has_plain_headers(exporter: Any) -> bool:
    """Tell whether the headers are a mapping from text to text."""
    pairs = list(getattr(exporter, "_headers", None) or ())
    texts = all(isinstance(one, str) for pair in pairs for one in pair)
    return texts and len({key for key, _ in pairs}) == len(pairs)


def timeout(exporter: Any) -> float:
    """Give the seconds that an export may take."""
    return float(getattr(exporter, "_timeout", None) or _TIMEOUT_S)


def described(exporter: Any) -> dict[str, Any]:
    """Describe an exporter as the fields of ``ObserveTraceConfig``; None: Python's own."""
    insecure = bool(getattr(exporter, "_insecure", True))
    roots, key, chain = (not insecure and _tls(exporter)) or (b"", b"", b"")
    if not insecure:
        roots = roots or _default_roots()
    options = dict(getattr(exporter, "_channel_options", None) or ())
    return {
        "endpoint": "" if exporter is None else exporter._endpoint,
        "insecure": insecure,
        "headers": dict(getattr(exporter, "_headers", None) or ()),
        "certificates": (roots or b"").decode(),
        "client_certificate": (chain or b"").decode(),
        "client_key": (key or b"").decode(),
        "server_name": str(options.get(_SERVER_NAME, "")),
        "gzip": getattr(getattr(exporter, "_compression", None), "name", "") == "Gzip",
        "timeout_s": timeout(exporter),
    }


def _tls(exporter: Any) -> tuple[bytes, bytes, bytes] | None:
    """Give roots, key and certificate of the credentials; None if they are something else."""
    inner: Any = getattr(getattr(exporter, "_credentials", None), "_credentials", None)
    if getattr(inner, "_private_key_signer", None) is not None:
        return None
    try:
        return inner._pem_root_certificates, inner._private_key, inner._certificate_chain
    except AttributeError:
        return None


def _default_roots() -> bytes:
    """Give the authorities that gRPC trusts by default, if the environment names them."""
    path = os.environ.get(_ROOTS_VARIABLE)
    if not path:
        return b""
    with open(path, "rb") as file:
        return file.read()
