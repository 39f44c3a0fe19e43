"""A proxy that ends the TLS of qyapi.weixin.qq.com and hands the requests to a WeCom on loopback."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

HOST = "qyapi.weixin.qq.com"


def certificate(folder: Path) -> Path:
    """Key and self-signed certificate for HOST in one PEM; the genuine library checks the name only."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1))
        .not_valid_after(datetime(2020, 1, 1) + timedelta(days=36_500))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "proxy.pem"
    path.write_bytes(pem + made.public_bytes(serialization.Encoding.PEM))
    return path


@contextmanager
def proxy_to(port: int, folder: Path) -> Iterator[tuple[str, list[str]]]:
    """The proxy's URL and the list of what it has passed on."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(folder))
    passed: list[str] = []

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            asked = self.rfile.readline().decode()
            while self.rfile.readline().strip():
                pass
            if not asked.startswith(f"CONNECT {HOST}:443 "):
                self.wfile.write(b"HTTP/1.1 403 Forbidden\r\n\r\n")
                return
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            with context.wrap_socket(self.connection, server_side=True) as inside:
                passed.append(forward(inside.makefile("rwb"), port))

    class Server(ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    server = Server(("127.0.0.1", 0), Handler)
    serving = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    serving.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", passed
    server.shutdown()
    serving.join()
    server.server_close()


def forward(stream: Any, port: int) -> str:
    """Pass one request on and its answer back, under a loopback host name; returns its path without the query."""
    method, path, _ = str(stream.readline(), "ascii").split(" ", 2)
    headers: dict[str, str] = {}
    while line := stream.readline().decode().strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = stream.read(int(headers.get("content-length", 0)))
    kept: dict[str, str] = {name: headers[name] for name in ("content-type", "range") if name in headers}
    connection = HTTPConnection("127.0.0.1", port)
    connection.request(method, path, body, kept)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    lines = [f"HTTP/1.0 {answer.status} OK", f"Content-Length: {len(content)}"]
    # The library looks for this header in capitals only.
    if found := answer.headers.get("Content-Range"):
        lines.append(f"CONTENT-RANGE: {found.upper()}")
    stream.write(("\r\n".join(lines) + "\r\n\r\n").encode() + content)
    stream.flush()
    return path.partition("?")[0]
