"""What a client of gRPC puts on the wire, on its way to a server."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

_PREFACE = len(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
_HEADER = 9  # of a frame of HTTP/2: length in 3 bytes, type, flags, stream in 4
_DATA = 0


class Wiretap:
    """Hands on what comes to ``endpoint``; keeps what each client has sent."""

    def __init__(self, server: tuple[str, int]) -> None:
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._sent: list[bytearray] = []
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # closed
            server = socket.create_connection(self._server)
            kept = bytearray()
            self._sent.append(kept)
            self._sockets += [client, server]
            for source, sink, keep in ((client, server, kept), (server, client, bytearray())):
                threading.Thread(target=_hand_on, args=(source, sink, keep), daemon=True).start()

    def close(self) -> None:
        """Let go of all connections."""
        for each in (self._listener, *self._sockets):
            each.close()

    def compressed(self) -> list[bool]:
        """Tell of each message whether it was compressed: the first byte of gRPC says so."""
        return [
            bool(data[0])
            for sent in self._sent
            for kind, data in _frames(sent)
            if kind == _DATA and data
        ]


def _hand_on(source: socket.socket, sink: socket.socket, kept: bytearray) -> None:
    try:
        while data := source.recv(65536):
            kept += data
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # one side has gone


def _frames(sent: bytearray) -> Iterator[tuple[int, bytes]]:
    """Give the type and payload of each frame of HTTP/2 that a client has sent."""
    at = _PREFACE
    while at + _HEADER <= len(sent):
        length = int.from_bytes(sent[at : at + 3], "big")
        yield sent[at + 3], bytes(sent[at + _HEADER : at + _HEADER + length])
        at += _HEADER + length


@contextmanager
def wiretap(endpoint: str) -> Iterator[Wiretap]:
    """Tap the way to an endpoint while the block runs."""
    parts = urlsplit(endpoint)
    assert parts.hostname
    assert parts.port
    tapped = Wiretap((parts.hostname, parts.port))
    try:
        yield tapped
    finally:
        tapped.close()
