"""S3, STS and IAM beside the endpoint, asked by real clients."""

from __future__ import annotations

import builtins
import http.client
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import InvalidRequest
from runner.wire.beside import SERVICES, beside, service_of
from runner.wire.guard import Scope
from tests.offering import offered

pytest.importorskip("moto.server", reason="the extra aws is not installed")
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with offered(SERVICES) as url:
        yield url


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this process may connect to anywhere else."""
    really = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        assert self.family != socket.AF_INET or address[0] == "127.0.0.1", address
        really(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)


def client(service: str, url: str, **options: Any) -> Any:
    return boto3.client(
        service,
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="any",
        aws_secret_access_key="any",
        config=Config(retries={"total_max_attempts": 1}, **options),
    )


def test_objects_of_s3(url: str) -> None:
    s3: Any = client("s3", url)
    s3.create_bucket(Bucket="inputs")
    for key, body in (("a/model.tar.gz", b"\x00\xff" * 100_000), ("a/ä b", b""), ("c", b"text")):
        s3.put_object(Bucket="inputs", Key=key, Body=body, Metadata={"by": "me"})
        assert s3.get_object(Bucket="inputs", Key=key)["Body"].read() == body
    found = s3.list_objects_v2(Bucket="inputs", Prefix="a/")
    assert [one["Key"] for one in found["Contents"]] == ["a/model.tar.gz", "a/ä b"]
    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == ["inputs"]
    with pytest.raises(ClientError) as missing:
        s3.get_object(Bucket="inputs", Key="other")
    assert missing.value.response["Error"]["Code"] == "NoSuchKey"


def test_objects_by_an_address_that_is_signed_and_without_a_signature(url: str) -> None:
    for version in ("s3v4", "s3"):
        s3: Any = client("s3", url, signature_version=version, s3={"addressing_style": "path"})
        s3.create_bucket(Bucket=f"signed-{version}")
        s3.put_object(Bucket=f"signed-{version}", Key="x", Body=b"content", ACL="public-read")
        address = s3.generate_presigned_url("get_object", Params={"Bucket": f"signed-{version}", "Key": "x"})
        for one in (address, f"{url}/signed-{version}/x"):
            with urllib.request.urlopen(one, timeout=30) as answer:
                assert answer.read() == b"content"


def test_who_the_caller_is(url: str) -> None:
    sts: Any = client("sts", url)
    assert sts.get_caller_identity()["Account"] == "123456789012"
    role = "arn:aws:iam::123456789012:role/any"
    assert sts.assume_role(RoleArn=role, RoleSessionName="me")["Credentials"]["AccessKeyId"]


def test_every_role_is_there(url: str) -> None:
    iam: Any = client("iam", url)
    role = iam.get_role(RoleName="SageMakerRole")["Role"]
    assert (role["RoleName"], role["Arn"]) == ("SageMakerRole", "arn:aws:iam::123456789012:role/SageMakerRole")
    made = iam.create_role(RoleName="own", Path="/service-role/", AssumeRolePolicyDocument="{}")["Role"]
    assert (
        iam.get_role(RoleName="own")["Role"]["Arn"] == made["Arn"] == "arn:aws:iam::123456789012:role/service-role/own"
    )
    assert [one["RoleName"] for one in iam.list_roles()["Roles"]] == ["own"]
    # What moto refuses stays refused.
    with pytest.raises(ClientError) as missing:
        iam.get_user(UserName="nobody")
    assert missing.value.response["Error"]["Code"] == "NoSuchEntity"


def test_every_action_is_allowed(url: str) -> None:
    iam: Any = client("iam", url)
    actions = ["sagemaker:CreateTrainingJob", "s3:GetObject", "<&\x01>"]
    arn = "arn:aws:iam::123456789012:role/any"
    answer = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=actions)
    results = answer["EvaluationResults"]
    assert [one["EvalActionName"] for one in results] == [*actions[:2], "<&�>"]
    assert {one["EvalDecision"] for one in results} == {"allowed"}
    assert answer["IsTruncated"] is False
    answer = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=actions[:1], ResourceArns=["a", "b"])
    assert [one["EvalResourceName"] for one in answer["EvaluationResults"]] == ["a", "b"]


def test_a_request_to_iam_that_is_too_large(url: str) -> None:
    iam: Any = client("iam", url)
    with pytest.raises(ClientError) as refused:
        iam.simulate_principal_policy(PolicySourceArn="a" * 20, ActionNames=["x" * 128] * 10_000)
    assert refused.value.response["Error"]["Code"] == "RequestEntityTooLarge"


def half_an_upload(url: str, key: str) -> socket.socket:
    """Three bytes of a hundred."""
    place = urlsplit(url)
    connection = socket.create_connection((place.hostname or "", place.port or 0), timeout=30)
    head = f"PUT /halves/{key} HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Length: 100\r\n\r\n"
    connection.sendall(head.encode() + b"abc")
    return connection


def test_half_an_upload_is_no_object_and_holds_up_nobody(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    s3: Any = client("s3", url)
    s3.create_bucket(Bucket="halves")
    held = [half_an_upload(url, str(number)) for number in range(30)]
    s3.put_object(Bucket="halves", Key="whole", Body=b"all")
    for connection in held:
        connection.close()
    monkeypatch.setattr("runner.wire.beside.PAUSE", 0.05)
    with half_an_upload(url, "slow") as slow:
        answer = http.client.HTTPResponse(slow)
        answer.begin()
        assert b"<Code>RequestTimeout</Code>" in answer.read()
    assert [one["Key"] for one in s3.list_objects_v2(Bucket="halves")["Contents"]] == ["whole"]


def test_other_services_and_motos_own_interface_are_not_there(url: str) -> None:
    ec2: Any = client("ec2", url)
    with pytest.raises(ClientError, match="no such service"):
        ec2.describe_instances()
    for path in ("/moto-api/", "/moto-api/data.json", "/latest/meta-data/iam/security-credentials/"):
        try:
            with urllib.request.urlopen(f"{url}{path}", timeout=30) as answer:
                body = answer.read()
        except urllib.error.HTTPError as error:
            body = error.read()
        assert b"NoSuchBucket" in body


def test_a_service_that_was_not_asked_for_is_not_there() -> None:
    for services in (["sts"], []):
        assert callable(beside(services))
    with pytest.raises(InvalidRequest, match="must be some of s3, sts, iam, not 'ec2'"):
        beside(["s3", "ec2"])


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    really = builtins.__import__

    def refuse(name: str, *more: Any, **named: Any) -> Any:
        if name.startswith("moto"):
            raise ImportError("no", name="moto")
        return really(name, *more, **named)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(InvalidRequest, match=r"grace-runner\[aws\]"):
        beside(["s3"])


def test_moto_is_imported_only_when_it_is_asked_for() -> None:
    program = (
        "import sys, runner.wire.beside as b; b.beside([]);"
        "print([name for name in sys.modules if name.split('.')[0] in ('moto', 'flask', 'a2wsgi', 'werkzeug')])"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert (found.stdout.strip(), found.stderr) == ("[]", "")


# --- whose a request is

SIGNED = "AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-west-1/{}/aws4_request, SignedHeaders=host, Signature=0"
SIGNED_4A = "AWS4-ECDSA-P256-SHA256 Credential=AKID/20260101/s3/aws4_request, SignedHeaders=host, Signature=0"


def asked(authorization: str = "", query: str = "", path: str = "/", target: str = "") -> Scope:
    headers = [(b"authorization", authorization.encode())] if authorization else []
    headers += [(b"x-amz-target", target.encode())] if target else []
    return {"type": "http", "headers": headers, "query_string": query.encode(), "path": path}


@pytest.mark.parametrize(
    ("scope", "service"),
    [
        (asked(SIGNED.format("sagemaker")), "sagemaker"),
        (asked(SIGNED.format("logs")), "logs"),
        (asked(SIGNED.format("s3"), path="/"), "s3"),
        (asked(SIGNED_4A), "s3"),
        (asked("AWS AKID:signature=", path="/"), "s3"),
        (asked(query="X-Amz-Credential=AKID%2F20260101%2Feu-west-1%2Fsts%2Faws4_request"), "sts"),
        (asked(query="X-Amz-Credential=AKID/20260101/eu-west-1/s3/aws4_request&x=1", path="/b/k"), "s3"),
        (asked(path="/bucket/key"), "s3"),
        (asked(path="/"), None),
        (asked(target="SageMaker.ListTrainingJobs"), None),
        (asked("Bearer token", path="/"), None),
        ({"type": "websocket", "headers": []}, None),
        ({"type": "lifespan"}, None),
    ],
)
def test_the_service_of_a_request(scope: Scope, service: str | None) -> None:
    assert service_of(scope) == service


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_nonsense_is_for_no_service(authorization: bytes, query: bytes) -> None:
    scope: Scope = {"type": "http", "headers": [(b"authorization", authorization)], "query_string": query, "path": "/"}
    assert service_of(scope) is None or authorization.startswith(b"AWS ")
