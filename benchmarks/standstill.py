"""How long others wait, and how much memory is taken, while one client attacks: `make standstill` prints the table.

Each attack runs against a `fhir-bridge serve` of its own on loopback, with the default limits. Beside it a probe asks
for `/health/live` and for a CapabilityStatement, each on a connection that is kept, and keeps the longest wait.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field

HOST = b"Host: bridge.test\r\n"
JSON = b"Content-Type: application/fhir+json\r\n"
XML = b"Content-Type: application/fhir+xml\r\n"
PATIENT = b"/fhir/ehealth/Patient/7c3da506-804d-4550-8993-bf17f9ee0402"
WMDA = b"/fhir/wmda/Patient"
PROBES = (b"/health/live", b"/fhir/ehealth/metadata")
PATIENCE_S = 120
SECONDS = float(os.environ.get("ATTACK_S", "6"))
"""How long an attack goes on that has no end of its own."""


@dataclass
class Bridge:
    """A process that serves, and the longest wait of each probe in seconds."""

    port: int
    process: subprocess.Popen[bytes]
    waits_s: dict[bytes, float] = field(default_factory=lambda: dict.fromkeys(PROBES, 0.0))

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)

    def send(self, *parts: bytes) -> None:
        """Send on a connection of its own, and read until the answer is there or the connection ends."""
        with suppress(OSError), self.connect() as connection:
            for part in parts:
                connection.sendall(part)
            connection.recv(65536)

    def memory_mb(self) -> float:
        """The most that the process has taken so far."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            found = re.search(r"VmHWM:\s+(\d+) kB", status.read())
        return int(found[1]) / 1024 if found else 0.0


def post(path: bytes, body: bytes, headers: bytes = JSON, method: bytes = b"POST") -> bytes:
    length = b"Content-Length: %d\r\n\r\n" % len(body)
    return method + b" " + path + b" HTTP/1.1\r\n" + HOST + headers + length + body


def get(path: bytes, headers: bytes = b"") -> bytes:
    return b"GET " + path + b" HTTP/1.1\r\n" + HOST + headers + b"\r\n"


def patient(inner: bytes) -> bytes:
    return post(PATIENT, b'{"resourceType": "Patient", "id": "%b", %b}' % (PATIENT[-36:], inner), method=b"PUT")


def at_once(bridge: Bridge, count: int, *parts: bytes) -> None:
    """Send the same on many connections at once."""
    threads = [threading.Thread(target=bridge.send, args=parts) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def for_ever(bridge: Bridge, begin: bytes, more: bytes, pause_s: float = 0) -> None:
    """Send `more` again and again, for some seconds or until the bridge ends the connection."""
    ends = time.monotonic() + SECONDS
    while time.monotonic() < ends:
        with suppress(OSError), bridge.connect() as connection:
            connection.sendall(begin)
            while time.monotonic() < ends:
                connection.sendall(more)
                time.sleep(pause_s)


def hold(bridge: Bridge, count: int, data: bytes) -> None:
    """Hold many connections open on which nothing more is sent."""
    with ExitStack() as stack:
        for _ in range(count):
            with suppress(OSError):
                connection = stack.enter_context(bridge.connect())
                connection.sendall(data)
        time.sleep(SECONDS)


def never_read(bridge: Bridge) -> None:
    with suppress(OSError), bridge.connect() as connection:
        connection.settimeout(SECONDS)
        for _ in range(100_000):
            connection.sendall(get(b"/fhir/metadata"))


def batch(entry: bytes, count: int) -> bytes:
    return post(b"/fhir", b'{"resourceType": "Bundle", "type": "batch", "entry": [%b]}' % b",".join([entry] * count))


def hla() -> bytes:
    extension = b'{"url": "https://fhir-bridge.example/fhir/StructureDefinition/wmda-hla", "extension": [{"url": "a"}]}'
    return post(
        WMDA + b"/$validate", b'{"resourceType": "Patient", "extension": [%b]}' % b",".join([extension] * 25_000)
    )


BAD_ENTRY = b'{"request": {"method": "GET", "url": "//x"}}'
READ_ENTRY = b'{"request": {"method": "GET", "url": "ehealth/Patient/7c3da506-804d-4550-8993-bf17f9ee0402"}}'
CHUNKED = b"PUT " + PATIENT + b" HTTP/1.1\r\n" + HOST + JSON + b"Transfer-Encoding: chunked\r\n\r\n"
CONTAINED = b'"contained": [%b]'

ATTACKS: Mapping[str, Callable[[Bridge], None]] = {
    "nothing": lambda b: time.sleep(SECONDS),
    "20,000 headers": lambda b: b.send(get(b"/fhir/metadata", b"A: b\r\n" * 20_000)),
    "endless headers": lambda b: for_ever(b, b"GET / HTTP/1.1\r\n", b"A: b\r\n" * 10_000),
    "one endless header": lambda b: for_ever(b, b"GET / HTTP/1.1\r\nA: ", b"b" * 60_000),
    "an endless address": lambda b: for_ever(b, b"GET /", b"a" * 60_000),
    "an XML element with 80,000 attributes": lambda b: b.send(
        post(PATIENT, b"<Patient " + b"".join(b'a%d="" ' % n for n in range(80_000)) + b"/>", XML, b"PUT")
    ),
    "contained with 40,000 resources": lambda b: b.send(
        patient(CONTAINED % b",".join(b'{"resourceType": "Basic", "id": "%d"}' % n for n in range(40_000)))
    ),
    "contained with 1.6 million {}": lambda b: b.send(patient(CONTAINED % b",".join([b"{}"] * 1_600_000))),
    "25,000 HLA extensions to $validate": lambda b: b.send(hla()),
    "340,000 objects with a repeated key": lambda b: b.send(
        patient(b'"name": [%b]' % b",".join([b'{"a":1,"a":2}'] * 340_000))
    ),
    "100,000 batch entries with bad addresses": lambda b: b.send(batch(BAD_ENTRY, 100_000)),
    "a batch of 400 reads at a slow partner": lambda b: b.send(batch(READ_ENTRY, 400)),
    "1,000 batch entries with bad addresses": lambda b: b.send(batch(BAD_ENTRY, 1_000)),
    "20 bodies of 4 MB at once": lambda b: at_once(b, 20, patient(b'"name": [%b]' % b",".join([b'{"x":1}'] * 90_000))),
    "90 bodies of 90 KB at once": lambda b: at_once(b, 90, patient(b'"name": [%b]' % b",".join([b'{"x":1}'] * 11_000))),
    "90 bodies of 10 KB at once": lambda b: at_once(b, 90, patient(b'"name": [%b]' % b",".join([b'{"x":1}'] * 1_200))),
    "90 CapabilityStatements at once": lambda b: at_once(b, 90, get(b"/fhir/metadata")),
    "90 CapabilityStatements in XML at once": lambda b: at_once(
        b, 90, get(b"/fhir/metadata", b"Accept: application/fhir+xml\r\n")
    ),
    "10,000 requests in one piece": lambda b: b.send(get(b"/health/live") * 10_000),
    "chunks of one byte": lambda b: for_ever(b, CHUNKED, b"1\r\na\r\n" * 10_000),
    "chunks of five bytes": lambda b: for_ever(b, CHUNKED, b"5\r\n     \r\n" * 10_000),
    "chunks of empty lines": lambda b: for_ever(b, CHUNKED, b"fffc\r\n" + b"\r\n" * 32_766 + b"\r\n"),
    "an endless chunk extension": lambda b: for_ever(b, CHUNKED + b"1;", b"x" * 60_000),
    "endless trailers": lambda b: for_ever(b, CHUNKED + b"0\r\n", b"A: b\r\n" * 10_000),
    "a byte at a time": lambda b: for_ever(b, b"GET / HTTP/1.1\r\nA: ", b"b"),
    "1,100 connections without a byte": lambda b: hold(b, 1_100, b""),
    "1,100 connections with one byte": lambda b: hold(b, 1_100, b"G"),
    "1,100 connections with a part of a body": lambda b: hold(b, 1_100, CHUNKED + b"5\r\na"),
    "20 MB to the limit of 5": lambda b: b.send(
        b"PUT " + PATIENT + b" HTTP/1.1\r\n" + HOST + JSON + b"Content-Length: 20000000\r\n\r\n", b" " * 20_000_000
    ),
    "a client that takes no answer": never_read,
    "an address with 8,000 parameters": lambda b: at_once(b, 50, get(PATIENT + b"?" + b"a&" * 8_000)),
    "8,000 names in _elements": lambda b: at_once(b, 50, get(b"/fhir/metadata?_elements=" + b"a," * 8_000)),
    "Accept with 8,000 media types": lambda b: at_once(
        b, 50, get(b"/fhir/metadata", b"Accept: " + b"a/b," * 8_000 + b"\r\n")
    ),
    "Prefer of 30 KB": lambda b: at_once(b, 50, get(b"/fhir/metadata", b"Prefer: " + b"a=b," * 7_500 + b"\r\n")),
    "If-None-Match of 30 KB": lambda b: at_once(b, 50, get(PATIENT, b"If-None-Match: " + b'W/"1",' * 5_000 + b"\r\n")),
    "Cookie of 30 KB": lambda b: at_once(b, 50, get(b"/fhir/metadata", b"Cookie: " + b"a=b;" * 7_500 + b"\r\n")),
}


def main() -> int:
    chosen = [name for name in ATTACKS if not sys.argv[1:] or any(word in name for word in sys.argv[1:])]
    print(f"{'attack':44} {'live, ms':>9} {'metadata, ms':>13} {'memory, MB':>11} {'before':>7}")
    for name in chosen:
        with serving() as bridge:
            before = bridge.memory_mb()
            with probing(bridge):
                ATTACKS[name](bridge)
            waits = [bridge.waits_s[probe] * 1000 for probe in PROBES]
            print(f"{name:44} {waits[0]:9.0f} {waits[1]:13.0f} {bridge.memory_mb():11.0f} {before:7.0f}", flush=True)
    if not sys.argv[1:]:
        print(f"{'one byte of a body, then SIGTERM':44} ended after {ended_after_s():.1f} s")
    return 0


@contextmanager
def serving(**more: str) -> Iterator[Bridge]:
    """Run a bridge whose partners answer nobody, with a file limit of 1,024."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FHIR_BRIDGE_")} | {
        "EHEALTH_BASE_URL": "http://127.0.0.1:9",
        "EHEALTH_ACCESS_TOKEN": "token",
        "EHEALTH_API_KEY": "key",
        "WMDA_BASE_URL": "http://127.0.0.1:9",
        "WMDA_ACCESS_TOKEN": "token",
        **more,
    }
    command = f"ulimit -n 1024; exec {sys.executable} -c 'from fhir_bridge.cli import main; main()' serve --port 0"
    process = subprocess.Popen(
        ["sh", "-c", command], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    with process:
        try:
            assert process.stdout is not None
            found = re.search(rb"ready at http://127\.0\.0\.1:(\d+)", process.stdout.readline())
            assert found is not None
            bridge = Bridge(int(found[1]), process)
            for probe in PROBES:
                bridge.send(get(probe))
            yield bridge
        finally:
            process.kill()


@contextmanager
def probing(bridge: Bridge) -> Iterator[None]:
    """Ask beside the block, every few milliseconds, and keep the longest wait."""
    stop = threading.Event()
    threads = [threading.Thread(target=_probe, args=(bridge, path, stop)) for path in PROBES]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        time.sleep(0.2)
        stop.set()
        for thread in threads:
            thread.join()


def _probe(bridge: Bridge, path: bytes, stop: threading.Event) -> None:
    while not stop.is_set():
        with suppress(OSError), bridge.connect() as connection:
            while not stop.is_set():
                began = time.monotonic()
                connection.sendall(get(path))
                answer = connection.recv(65536)
                if not answer:
                    break
                if b" 200 " in answer[:16]:  # a 429 is an answer too, and no wait for one
                    bridge.waits_s[path] = max(bridge.waits_s[path], time.monotonic() - began)
                _read_rest(connection, answer)
                time.sleep(0.005)


def _read_rest(connection: socket.socket, answer: bytes) -> None:
    head, _, body = answer.partition(b"\r\n\r\n")
    found = re.search(rb"(?i)content-length: (\d+)", head)
    left = int(found[1]) - len(body) if found else 0
    while left > 0:
        left -= len(connection.recv(65536)) or left


def ended_after_s() -> float:
    """Return how long the process lives on that is sent SIGTERM while a body is awaited."""
    with serving(FHIR_BRIDGE_SHUTDOWN_S="2") as bridge, bridge.connect() as connection:
        connection.sendall(CHUNKED + b"1\r\n")
        time.sleep(0.5)
        began = time.monotonic()
        bridge.process.send_signal(signal.SIGTERM)
        bridge.process.wait(PATIENCE_S)
        return time.monotonic() - began


if __name__ == "__main__":
    sys.exit(main())
