"""The endpoint on its socket: half a request, a slow one, many of them, and who hangs up."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

from runner.wire.answers import CONTENT_TYPE
from runner.wire.bodies import LARGEST_BODY, MOST_HELD
from runner.wire.heads import LARGEST_HEAD
from tests.probing import probe
from tests.runs.serving import Served
from tests.waiting import LATE, wait_until
from tests.wire import strangers

STOP = "SageMaker.StopTrainingJob"


def connect(served: Served) -> socket.socket:
    url = urlsplit(served.url)
    return socket.create_connection((url.hostname or "", url.port or 0), timeout=20)


@contextlib.contextmanager
def connections(served: Served, number: int) -> Iterator[list[socket.socket]]:
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(connect(served)) for _ in range(number)]


def head(served: Served, length: int | str, target: str = STOP) -> bytes:
    lines = (
        "POST / HTTP/1.1",
        f"Host: {urlsplit(served.url).netloc}",
        f"Content-Type: {CONTENT_TYPE}",
        f"X-Amz-Target: {target}",
        f"Content-Length: {length}",
    )
    return "\r\n".join((*lines, "", "")).encode()


def call(served: Served, target: str, request: object) -> HTTPResponse:
    connection = HTTPConnection(urlsplit(served.url).netloc, timeout=20)
    headers = {"Content-Type": CONTENT_TYPE, "X-Amz-Target": target, "Connection": "close"}
    connection.request("POST", "/", json.dumps(request).encode(), headers)
    return connection.getresponse()


def still_answers(served: Served) -> None:
    answer = call(served, "SageMaker.ListTrainingJobs", {})
    assert (answer.status, json.load(answer)) == (200, {"TrainingJobSummaries": []})


def test_a_target_that_is_a_whole_address(served: Served) -> None:
    """It says which host is meant, whatever the header says; and the same hosts are allowed."""
    served.start()
    own = urlsplit(served.url).netloc
    for target, host, status in (
        (f"http://{own}/", own, 200),
        (f"http://localhost:{own.rpartition(':')[2]}", "evil.example", 200),
        ("http://evil.example/", own, 403),
        (f"https://{own}/", own, 404),
    ):
        asked = head(served, 2, "SageMaker.ListTrainingJobs").decode().partition("\r\n")[2].replace(own, host)
        with connect(served) as connection:
            connection.sendall(f"POST {target} HTTP/1.1\r\n{asked}{{}}".encode())
            answer = HTTPResponse(connection)
            answer.begin()
            assert (answer.status, target) == (status, target)
            assert status != 200 or json.load(answer) == {"TrainingJobSummaries": []}


def test_another_user_of_this_machine_is_refused(served: Served) -> None:
    served.start()
    status, code, message = strangers.refusal(urlsplit(served.url).port or 0)
    assert (status, code) == (403, "AccessDeniedException")
    assert f"the user with the id {strangers.NOBODY}" in message
    still_answers(served)


def test_half_a_request_holds_up_nobody(served: Served) -> None:
    served.start()
    halves = [b"", b"POST", b"POST / HTTP/1.1\r\nHost: ", head(served, 100), head(served, 100) + b'{"Tra']
    held = [connect(served) for _ in range(20) for _ in halves]
    for number, connection in enumerate(held):
        connection.sendall(halves[number % len(halves)])
    still_answers(served)
    for connection in held:
        connection.close()
    still_answers(served)


def test_what_is_no_http(served: Served) -> None:
    served.start()
    for nonsense in (
        b"\x16\x03\x01\x02\x00\x01",
        b"GET\r\n\r\n",
        b"\0" * 100_000,
        b"POST / HTTP/1.1\r\nX: " + b"x" * 65_536,
    ):
        with connect(served) as connection:
            connection.sendall(nonsense)
            answer = HTTPResponse(connection)
            answer.begin()
            assert (answer.status, json.load(answer)["__type"]) == (400, "BadRequestException"), nonsense[:30]
            assert answer.headers["Connection"] == "close"
    still_answers(served)


def answered(served: Served, sent: bytes, *, shut: bool = False) -> tuple[int, Any]:
    """Status and body of an answer after which the connection ends; 0 for none."""
    with connect(served) as connection:
        connection.sendall(sent)
        if shut:
            connection.shutdown(socket.SHUT_WR)
        whole = connection.makefile("rb").read()
    if not whole:
        return 0, {}
    beginning, _, body = whole.partition(b"\r\n\r\n")
    return int(beginning.split()[1]), json.loads(body)


def padded(served: Served, size: int) -> bytes:
    """A request for a list whose head has so many bytes, after whose answer the connection ends."""
    asked = head(served, 2, "SageMaker.ListTrainingJobs").removesuffix(b"\r\n") + b"Connection: close\r\nX-Padding: "
    return asked + b"x" * (size - len(asked) - 4) + b"\r\n\r\n{}"


def test_a_head_that_is_too_large(served: Served) -> None:
    """Whether it comes in one piece, which h11 reads whatever its size is, or not."""
    served.start()
    assert answered(served, padded(served, LARGEST_HEAD)) == (200, {"TrainingJobSummaries": []})
    for size in (LARGEST_HEAD + 1, 60_000, 100_000, 200_000):
        status, fault = answered(served, padded(served, size)[:-2])
        assert (status, fault["__type"]) == (400, "BadRequestException")
        assert "HTTP/1.1 is spoken here, with heads of at most 16384 bytes." in fault["Message"]
    still_answers(served)


@pytest.mark.parametrize("sent", [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"POST / HTTP/9.9\r\n\r\n"])
def test_a_major_version_that_is_not_spoken(served: Served, sent: bytes) -> None:
    served.start()
    status, fault = answered(served, sent)
    assert (status, fault["__type"]) == (505, "HttpVersionNotSupportedException")
    assert "HTTP/1.1 is spoken here" in fault["Message"]


def test_http_1_0_is_understood_and_its_connection_ends(served: Served) -> None:
    served.start()
    asked = head(served, 2, "SageMaker.ListTrainingJobs").replace(b"HTTP/1.1", b"HTTP/1.0") + b"{}"
    assert answered(served, asked) == (200, {"TrainingJobSummaries": []})


def test_a_client_that_sends_no_more_is_answered(served: Served) -> None:
    served.start()
    whole = head(served, 2, "SageMaker.ListTrainingJobs") + b"{}"
    assert answered(served, whole, shut=True) == (200, {"TrainingJobSummaries": []})
    for half in (b"POST / HT", whole[:-20], whole[:-2], whole[:-1]):
        status, fault = answered(served, half, shut=True)
        assert (status, fault["__type"], half) == (400, "BadRequestException", half)
        assert fault["Message"].startswith("The request ends before it is whole.")
    assert answered(served, b"", shut=True) == (0, {})
    still_answers(served)
    assert "\n" not in served.output.strip()


def test_a_body_that_is_too_large_is_not_kept(served: Served) -> None:
    served.start()
    still_answers(served)
    server = psutil.Process(served.pid)
    before = server.memory_info().rss
    for _ in range(5):
        with connect(served) as connection:
            connection.sendall(head(served, 1 << 40))
            answer = connection.recv(65536)
            assert answer.startswith(b"HTTP/1.1 413")
    for _ in range(20):
        assert call(served, STOP, {"TrainingJobName": "x" * (LARGEST_BODY - 1000)}).status == 400
    assert server.memory_info().rss < before + 64 * 2**20
    still_answers(served)


def test_half_sent_bodies_take_no_more_memory_than_their_bound(served: Served) -> None:
    """What is beyond it is refused at once, as the SDKs repeat it; small requests are answered meanwhile."""
    served.start()
    still_answers(served)
    server, fits = psutil.Process(served.pid), MOST_HELD // LARGEST_BODY
    before = server.memory_info().rss
    with connections(served, 5 * fits) as held:
        for connection in held:
            connection.sendall(head(served, LARGEST_BODY) + b" " * (LARGEST_BODY - 14))
        wait_until(
            lambda: len(select.select(held, [], [], 0)[0]) >= len(held) - fits,
            within=20,
            saying=lambda: "more is kept than there is place for",
        )
        for connection in select.select(held, [], [], 0)[0]:
            answer = HTTPResponse(connection)
            answer.begin()
            assert answer.status == 400
            assert json.load(answer) == {"__type": "ThrottlingException", "Message": "Rate exceeded"}
        still_answers(served)
        assert server.memory_info().rss < before + MOST_HELD + 32 * 2**20
    large = {"TrainingJobName": "x" * (LARGEST_BODY - 1000)}
    wait_until(
        lambda: json.load(call(served, STOP, large))["__type"] == "ValidationException",
        within=20,
        saying=lambda: "what hung up still counts",
    )


def test_bodies_that_nobody_reads_are_not_kept(served: Served) -> None:
    served.start()
    still_answers(served)
    server = psutil.Process(served.pid)
    before = server.memory_info().rss
    with connections(served, 300) as held:
        for connection in held:
            connection.sendall(head(served, LARGEST_BODY, "X.Y") + b" " * 2**18)
            assert connection.recv(65536).startswith(b"HTTP/1.1 400")
        assert server.memory_info().rss < before + 24 * 2**20
        still_answers(served)


def test_a_client_that_hangs_up_has_asked_all_the_same(served: Served, tmp_path: Path) -> None:
    runner = served.start()
    job = runner.train(probe("deaf"), name="left", grace=60)
    job.wait_for_log("ready")
    body = json.dumps({"TrainingJobName": "left"}).encode()
    with connect(served) as connection:
        # Once answered, the server knows whose this connection is.
        connection.sendall(head(served, 2, "SageMaker.ListTags") + b"{}")
        assert connection.recv(65536).startswith(b"HTTP/1.1 400")
        connection.sendall(head(served, len(body)) + body)
    wait_until(lambda: job.status == "Stopping", within=20, saying=lambda: job.status)
    job.stop(now=True)


def test_what_is_no_http_is_refused_in_awss_shape(served: Served) -> None:
    served.start()
    with connect(served) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n")
        answer = HTTPResponse(connection)
        answer.begin()
        assert (answer.status, answer.headers["Content-Type"]) == (400, CONTENT_TYPE)
        assert answer.headers["x-amzn-RequestId"]
        assert json.load(answer)["__type"] == "BadRequestException"
    with connect(served) as connection:
        # Refused while its body still comes, which then turns out to be no HTTP.
        chunked = head(served, 0, "X.Y").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
        connection.sendall(chunked)
        answer = HTTPResponse(connection)
        answer.begin()
        assert json.load(answer)["__type"] == "UnknownOperationException"
        connection.sendall(b"nonsense\r\n")
        assert connection.recv(65536) == b""
    with connect(served) as connection:
        # While its body is waited for.
        chunked = head(served, 0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
        connection.sendall(chunked + b"2\r\n{}\r\nnonsense\r\n")
        assert connection.makefile("rb").read().startswith(b"HTTP/1.1 400")
    still_answers(served)
    assert "\n" not in served.output.strip()  # nothing but the line that says where it listens


def test_the_end_waits_for_no_request_that_has_not_come_whole(served: Served) -> None:
    served.start()
    still_answers(served)
    halves = (
        b"",
        b"POST",
        head(served, 100),
        head(served, 100) + b'{"Tra',
        head(served, 2, "SageMaker.ListTags") + b"{}",
    )
    held = [connect(served) for _ in halves]
    for connection, half in zip(held, halves, strict=True):
        connection.sendall(half)
    assert held[-1].recv(65536)
    began = time.monotonic()
    served.terminate()
    assert served.wait() == 0
    assert time.monotonic() - began < LATE
    assert "Traceback" not in served.output
    for connection in held:
        connection.close()


@pytest.mark.slow
def test_a_connection_is_there_for_the_next_poll(served: Served) -> None:
    """SageMaker's SDK polls every 5 s. A connection that ended at that very time would take the request with it."""
    served.start()
    with connect(served) as connection:
        for _ in range(2):
            connection.sendall(head(served, 2, "SageMaker.ListTrainingJobs") + b"{}")
            answer = HTTPResponse(connection)
            answer.begin()
            assert json.load(answer) == {"TrainingJobSummaries": []}
            assert select.select([connection], [], [], 6) == ([], [], [])


def test_an_address_of_the_loopback_answers_for_itself(tmp_path: Path) -> None:
    for host in ("127.0.0.2", "::1"):
        served = Served(tmp_path / "data", tmp_path / "output", "--host", host)
        try:
            served.start()
            still_answers(served)
        finally:
            served.close()
