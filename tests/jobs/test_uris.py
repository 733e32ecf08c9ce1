"""S3 URIs in the forms that AWS documents: one object, whatever its address is."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from runner.api.requests import Input, input_of
from runner.errors import InvalidRequest
from runner.jobs.base import Defaults
from runner.jobs.compilation import COMPILATION
from runner.jobs.naming import shown
from runner.jobs.training import TRAINING
from runner.jobs.uris import check_uri
from tests.jobs.requests import compilation, training

HOSTS = ("s3.eu-west-1", "s3", "s3-us-west-2", "s3.us-gov-west-1")


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize(("asked", "key"), [("a/b.csv", "a/b.csv"), ("a%20b/%C3%A4+1", "a b/ä+1"), ("p/", "p/")])
def test_an_address_of_s3(host: str, asked: str, key: str) -> None:
    for uri in (f"https://{host}.amazonaws.com/my.bucket/{asked}", f"https://my.bucket.{host}.amazonaws.com/{asked}"):
        assert check_uri("S3Uri", uri) == f"s3://my.bucket/{key}"


def test_china_and_a_whole_bucket() -> None:
    assert check_uri("S3Uri", "https://bkt.s3.cn-north-1.amazonaws.com.cn/a") == "s3://bkt/a"
    for uri in ("https://s3.amazonaws.com/bkt", "https://bkt.s3.amazonaws.com", "https://bkt.s3.amazonaws.com/"):
        assert check_uri("S3Uri", uri) in ("s3://bkt", "s3://bkt/")
        with pytest.raises(InvalidRequest, match="must name an object"):
            check_uri("S3Uri", uri, key_required=True)


@pytest.mark.parametrize(
    "uri",
    [
        "https://example.com/bucket/key",
        "https://s3.amazonaws.com.evil.example/bucket/key",
        "https://s3.amazonaws.com",
        "https://s3.amazonaws.com/",
        "https://s3xamazonaws.com/bucket/key",
        "https://bucket.s3-website-us-east-1.amazonaws.com/key",
        "https://bucket.s3.amazonaws.com/key?versionId=1",
        "https://bucket.s3.amazonaws.com:8443/key",
        "https://bucket.s3.amazonaws.com/%ff",
        "https://bucket.s3.amazonaws.com/a%00b",
        "https://user@s3.amazonaws.com/bucket/key",
        "http://s3.amazonaws.com/bucket/key",
        "s3://bucket\0/key",
    ],
)
def test_what_is_no_address_of_s3(uri: str) -> None:
    with pytest.raises(InvalidRequest, match="must be s3://BUCKET/KEY or an address of S3") as refused:
        check_uri("InputConfig.S3Uri", uri)
    assert refused.value.field == "InputConfig.S3Uri"


@pytest.mark.parametrize("bucket", ["b", "ab", "-abc", "abc.", "a b", "a" * 64, "büro"])
def test_what_is_no_bucket(bucket: str) -> None:
    for uri in (f"s3://{bucket}", f"s3://{bucket}/o", f"https://s3.amazonaws.com/{quote(bucket)}/o"):
        with pytest.raises(InvalidRequest, match="must name a bucket of 3 to 63 letters, digits, ") as refused:
            check_uri("InputConfig.S3Uri", uri)
        assert str(refused.value).endswith(f"not {shown(uri)}")


@pytest.mark.parametrize("key", ["a/../b", "a/%2e%2e/b", "%2E%2E%2Fb", "./a"])
def test_no_key_leads_out_of_its_bucket(key: str) -> None:
    for host in ("s3.amazonaws.com/bucket", "bucket.s3.eu-west-1.amazonaws.com"):
        with pytest.raises(InvalidRequest, match="as a part of its key"):
            check_uri("S3Uri", f"https://{host}/{key}")


def test_jobs_have_it_as_one_object() -> None:
    out = "https://bucket.s3.eu-west-1.amazonaws.com/out/"
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "https://s3.amazonaws.com/bucket/in"}}
    request = training(
        InputDataConfig=[{"ChannelName": "train", "DataSource": source}],
        OutputDataConfig={"S3OutputPath": out},
        CheckpointConfig={"S3Uri": "https://bucket.s3.amazonaws.com/saved"},
    )
    spec = TRAINING.parse(request, Defaults())
    assert [channel.uri for channel in spec.channels] == ["s3://bucket/in"]
    assert [upload.uri for upload in spec.uploads] == [
        "s3://bucket/out/digits-1/output/model.tar.gz",
        "s3://bucket/out/digits-1/output/output.tar.gz",
        "s3://bucket/saved",
    ]
    assert spec.request["OutputDataConfig"] == {"S3OutputPath": out}
    compiled = COMPILATION.parse(
        compilation(
            InputConfig={"S3Uri": "https://s3.eu-west-1.amazonaws.com/bucket/m.tar.gz", "Framework": "XGBOOST"},
            OutputConfig={"S3OutputLocation": out, "TargetDevice": "ml_c5"},
        ),
        Defaults(),
    )
    assert [channel.uri for channel in compiled.channels] == ["s3://bucket/m.tar.gz"]
    assert [upload.uri for upload in compiled.uploads] == ["s3://bucket/out/m-ml_c5.tar.gz"]


def test_the_python_api_takes_no_address_for_a_path() -> None:
    uri = "https://bucket.s3.amazonaws.com/in"
    assert input_of("inputs.train", uri, "job/train") == Input(uri, None)
