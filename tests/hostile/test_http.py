"""HTTP as no client should speak it: nonsense, paths that leave their folder, forged lines."""

from __future__ import annotations

import contextlib
import random
import re
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import product
from pathlib import Path

import pytest

from hostile.attackers import DEFLATE_OFFER, PATIENCE_S, Stranger, all_at_once, over_and_over
from hostile.siege import Siege, besieged
from serving import handshake

pytestmark = pytest.mark.measures

ATTACK_S = 1.5  # from one tick through the next to before the one after it
NONSENSE_COUNT = 300
AT_ONCE = 20
ANSWER_WAIT_S = 0.3
PIPELINE_BYTES = 2**18  # what the server reads at one go
MARK = "forged-by-a-stranger"
LINE_ENDS = (
    "\r\n",
    "%0d%0a",
    "%0D%0A",
    "%0a",
    "%0d",
    "\n",
    "%E5%98%8A%E5%98%8D",
    "%250d%250a",
)
REFUSALS = {"400", "403", "404", "405", "408", "413", "414", "421", "426", "431", "501", "505"}
# What a server may overlook is answered as the plain request that it amounts to.
LENIENT = {
    "a folded header",
    "lines ended by LF alone",
    "an upgrade to h2c",
    "another server's address",
}
LOG_LINE = re.compile(
    r"\d{4}-\d\d-\d\dT[\d:.]+Z \[(info|warning) +\] [a-z: ]+ +\[lineside\.[a-z]+\]( \w+=.+)?"
)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server's standard error goes, byte for byte."""
    return tmp_path_factory.mktemp("log") / "stderr"


@pytest.fixture(scope="module")
def siege(log: Path) -> Iterator[Siege]:
    with log.open("wb") as stderr, besieged(stderr=stderr) as under_attack:
        yield under_attack


def said(siege: Siege, data: bytes) -> bytes:
    """Say `data`, wait a moment and end; return everything that the server answers."""
    with Stranger(siege.port) as stranger:
        stranger.pour(data)
        with contextlib.suppress(TimeoutError):
            stranger.socket.settimeout(ANSWER_WAIT_S)
            return stranger.rest()
        # It waits for more than there is.
        stranger.socket.settimeout(PATIENCE_S)
        stranger.end_sending()
        return stranger.rest()


def all_said(siege: Siege, requests: Sequence[bytes]) -> list[bytes]:
    """Say each of `requests` on a connection of its own, many at a time, for ATTACK_S at least."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(partial(said, siege), requests))
        deadline_s = time.monotonic() + ATTACK_S
        while time.monotonic() < deadline_s:
            list(pool.map(partial(said, siege), requests[:AT_ONCE]))
        return answers


def request(siege: Siege, path: str, *headers: str, method: str = "GET") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{siege.port}", *headers]
    return ("\r\n".join([*lines, "Connection: close"]) + "\r\n\r\n").encode()


def status(answer: bytes) -> str:
    """Return the status of an answer; empty when there is none."""
    return answer[9:12].decode() if answer.startswith(b"HTTP/1.1 ") else ""


def broken_requests(siege: Siege) -> dict[str, bytes]:
    good = request(siege, "/healthz")
    host = f"Host: 127.0.0.1:{siege.port}\r\n".encode()
    get, post = b"GET / HTTP/1.1\r\n" + host, b"POST / HTTP/1.1\r\n" + host
    chunked = post + b"Transfer-Encoding: chunked\r\n"
    upgrade = handshake(siege.port)
    offer = 'Sec-WebSocket-Extensions: ;;=,permessage-deflate;"x'
    return {
        "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
        "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9),
        "SSH": b"SSH-2.0-OpenSSH_9.9\r\n",
        "no method": b" / HTTP/1.1\r\n" + host + b"\r\n",
        "a method of its own": b"STEAL / HTTP/1.1\r\n" + host + b"\r\n",
        "no version": b"GET /\r\n\r\n",
        "a later version": b"GET / HTTP/9.9\r\n" + host + b"\r\n",
        "no host": b"GET / HTTP/1.1\r\n\r\n",
        "two hosts": get + host + b"\r\n",
        "another host": b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        "a host that is none": b"GET / HTTP/1.1\r\nHost: a b/../c\r\n\r\n",
        "a header without a name": get + b": x\r\n\r\n",
        "a NUL in a header": get + b"X: a\0b\r\n\r\n",
        "a folded header": get + b"X: a\r\n b\r\n\r\n",
        "a space before the colon": get + b"X : a\r\n\r\n",
        "lines ended by LF alone": good.replace(b"\r\n", b"\n"),
        "lines ended by CR alone": good.replace(b"\r\n", b"\r"),
        "two lengths": post + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "a negative length": post + b"Content-Length: -1\r\n\r\n",
        "a length and chunks": chunked + b"Content-Length: 4\r\n\r\n0\r\n\r\n",
        "a chunk of a negative size": chunked + b"\r\n-1\r\nx\r\n",
        "a chunk of a huge size": chunked + b"\r\n" + b"F" * 16 + b"\r\n",
        "an address of 100 KB": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n" + host + b"\r\n",
        "20,000 headers": get + b"X: y\r\n" * 20_000 + b"\r\n",
        "bytes beyond ASCII": b"GET /\xff\xfe HTTP/1.1\r\n" + host + b"\r\n",
        "CONNECT": b"CONNECT evil.example:443 HTTP/1.1\r\n" + host + b"\r\n",
        "another server's address": b"GET http://evil.example/ HTTP/1.1\r\n" + host + b"\r\n",
        "an upgrade to h2c": get + b"Upgrade: h2c\r\nConnection: Upgrade\r\n\r\n" + bytes(50),
        "an upgrade without a key": upgrade.replace(b"Sec-WebSocket-Key", b"X-Key"),
        "an upgrade of version 7": upgrade.replace(b"Version: 13", b"Version: 7"),
        "an upgrade by POST": upgrade.replace(b"GET", b"POST"),
        "an upgrade with a body": upgrade[:-2] + b"Content-Length: 5\r\n\r\nhello",
        "an upgrade elsewhere": handshake(siege.port, "/api/plcs"),
        "broken extensions": handshake(siege.port, "/ws/monitor", offer),
    }


def test_broken_requests_are_refused_or_dropped(siege: Siege) -> None:
    requests = broken_requests(siege)
    with siege.attack("broken requests"):
        answers = dict(zip(requests, all_said(siege, list(requests.values())), strict=True))
    answered = {name: status(answer) for name, answer in answers.items()}
    print(answered)
    assert {name for name, told in answered.items() if told == "200"} <= LENIENT
    assert set(answered.values()) <= REFUSALS | {"", "200"}
    assert sum(1 for told in answered.values() if told) > len(answered) // 2
    assert not [name for name, answer in answers.items() if b"Traceback" in answer]


def test_random_bytes_and_mangled_requests_are_refused_or_dropped(siege: Siege) -> None:
    chance = random.Random(3)
    good = handshake(siege.port, "/ws/monitor", DEFLATE_OFFER)

    def mangle() -> bytes:
        data = bytearray(good if chance.random() < 0.8 else chance.randbytes(500))
        for _ in range(chance.randrange(1, 6)):
            position = chance.randrange(len(data))
            if chance.random() < 0.5:
                data[position] = chance.randrange(256)
            else:
                del data[position : position + chance.randrange(8)]
        return bytes(data) + chance.randbytes(chance.randrange(300))

    with siege.attack("mangled requests"):
        answers = over_and_over(ATTACK_S, [lambda: said(siege, mangle())], at_least=NONSENSE_COUNT)
    assert {status(answer) for answer in answers} <= REFUSALS | {"", "101", "200"}


def test_thousands_of_requests_in_one_packet_fill_no_memory(siege: Siege) -> None:
    one = f"GET /docs HTTP/1.1\r\nHost: 127.0.0.1:{siege.port}\r\n\r\n".encode()
    many = one * (PIPELINE_BYTES // len(one))
    with siege.attack("pipelined requests"):
        sizes = all_at_once(
            AT_ONCE,
            lambda _: over_and_over(ATTACK_S, [lambda: len(said(siege, many))]),
        )
    assert max(size for each in sizes for size in each) < 2**20


UPWARDS = (
    "../",
    "%2e%2e/",
    "..%2f",
    "%2e%2e%2f",
    "%252e%252e%252f",
    "..\\",
    "..%5c",
    "%c0%ae%c0%ae/",
    "....//",
    "..;/",
    "%2e%2e%00/",
)
FOLDERS = ("/", "/assets/", "/licenses/", "/api/lines/weld1/", "/docs/", "/static/")
TARGETS = ("etc/passwd", "proc/self/environ", "http.py", "lineside.toml", "etc/passwd%00.js")
STRANGE_PATHS = (
    "//etc/passwd",
    "/%2fetc/passwd",
    "/%2Fetc%2Fpasswd",
    "/%252fetc%252fpasswd",
    "file:///etc/passwd",
    "/C:/Windows/win.ini",
    "/C:%5CWindows%5Cwin.ini",
    "/\\server\\share",
    "/%5c%5cserver%5cshare",
    "/index.html%00.png",
    "/%00",
    "/.env",
    "/.git/config",
    "/api/lines/%2e%2e%2f%2e%2e/floor-plan",
    "/api/lines/..%2f..%2fetc%2fpasswd/floor-plan",
    "/index.html/",
    "/assets",
    "/assets/",
    "/~root",
    "*",
    "/" + "a/" * 5000,
)


def test_no_spelling_of_a_path_leaves_the_monitor(siege: Siege) -> None:
    climbs = [each[0] + each[1] * 12 + each[2] for each in product(FOLDERS, UPWARDS, TARGETS)]
    paths = [*climbs, *STRANGE_PATHS]
    with siege.attack("path traversal"):
        answers = all_said(siege, [request(siege, path) for path in paths])
    for path, answer in zip(paths, answers, strict=True):
        assert status(answer) in REFUSALS, f"{path}: {answer[:200]!r}"
        for secret in (b"root:", b"PATH=", b"[fonts]", b"import ", b"[[plc]]"):
            assert secret not in answer, path


PLACES = (
    "Origin: http://localhost",
    "Referer: x",
    "Accept-Encoding: gzip",
    "If-None-Match: x",
    "X-Forwarded-Host: x",
    "X-Forwarded-Proto: x",
    "Access-Control-Request-Method: GET",
    "Accept: text/html",
    "Sec-WebSocket-Protocol: chat",
    "Sec-WebSocket-Extensions: permessage-deflate",
)


def injections(siege: Siege) -> Iterator[bytes]:
    """Yield requests that carry a header of the attacker's in every place there is."""
    own = f"127.0.0.1:{siege.port}"
    for line_end in LINE_ENDS:
        header = f"{line_end}X-Forged: {MARK}{line_end}Set-Cookie: {MARK}=1"
        for path in (
            f"/{header}",
            f"/api/equipment?x={header}",
            f"/api/equipment/{header}",
            f"/ws/monitor/{header}",
            f"/docs{header}",
            f"/assets/x.js?{header}",
        ):
            yield request(siege, path.replace(" ", "%20"))
            yield handshake(siege.port, path.replace(" ", "%20"))
        for place in PLACES:
            yield request(siege, "/", place + header)
            yield request(siege, "/api/plcs", place + header, method="OPTIONS")
            yield handshake(siege.port, "/ws/monitor", place + header)
        yield handshake(siege.port, host=own + header)
        yield request(siege, "/").replace(own.encode(), (own + header).encode())


def test_nothing_that_is_sent_appears_as_a_header_of_the_answer(siege: Siege) -> None:
    with siege.attack("header injection"):
        requests = list(injections(siege))
        answers = all_said(siege, requests)
    for data, answer in zip(requests, answers, strict=True):
        head = answer.partition(b"\r\n\r\n")[0].lower()
        for line in head.split(b"\r\n")[1:]:
            assert not line.startswith((b"x-forged", b"set-cookie")), (data, answer)
        assert b"\n" not in head.replace(b"\r\n", b""), (data, answer)
        # An origin that is let in is echoed; this one never is, in whatever spelling.
        assert MARK.encode() not in head, (data, answer)
    assert sum(1 for answer in answers if answer) > len(answers) // 2


def test_nothing_that_is_sent_forges_a_line_of_the_log(siege: Siege, log: Path) -> None:
    escape = "\x1b[2J\x1b[31m\x1b]0;owned\x07\x9b2J"
    forged = f"2026-01-01T00:00:00.000000Z [error    ] {MARK} [lineside.app]"
    texts = (f"{escape}{MARK}", f"\n{forged}", f"%0a{forged}", f"\r{forged}", f"\u2028{MARK}")
    places = ("User-Agent", "Referer", "Origin", "Host", "X-Forwarded-For", "Cookie")
    requests = []
    for text in texts:
        path = f"/{text}".replace(" ", "%20").encode().decode("latin-1")
        requests += [request(siege, path, f"{place}: {text}") for place in places]
        requests += [handshake(siege.port, path, f"{place}: {MARK}") for place in places]
    with siege.attack("log injection"):
        all_said(siege, requests)
        for message in [*texts, *(f'{{"type":"{text}"}}' for text in texts)]:
            with Stranger(siege.port) as stranger:
                stranger.upgrade()
                stranger.send_text(message)
                stranger.send_text("x" * (64 * 1024 + 1))
                stranger.close_code()
    told = log.read_bytes()
    assert b"plc online" in told
    lines = told.decode().removesuffix("\n").split("\n")
    # Who was refused is named, in quotes, on a line that is ours.
    naming = [line for line in lines if MARK in line]
    assert all("a request was refused" in line.partition(MARK)[0] for line in naming)
    assert len(naming) <= 10
    strange = [line for line in lines if not LOG_LINE.fullmatch(line) or not line.isprintable()]
    assert strange == []
