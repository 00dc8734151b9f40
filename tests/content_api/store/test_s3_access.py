"""Who may read a bucket: anyone what is public, nobody anything else; what we say of a closed bucket."""

import json

import httpx
import pytest

from content_api.store import StoreUnavailable, open_store
from content_api.store.s3 import S3Store

OCTETS = "application/octet-stream"
pytestmark = pytest.mark.s3

PRIVATE_KEYS = ["masters/aa", "private/apikeys.json"]
PUBLIC_KEYS = ["derivatives/d/model.glb", "releases/r/manifest.json", "metadata/current.json"]
TYPES = {"glb": "model/gltf-binary", "json": "application/json"}


@pytest.fixture
def store(s3_server, s3_root) -> S3Store:
    store = S3Store(s3_server.new_bucket(), "a/b", s3_root.client)
    for key in PRIVATE_KEYS + PUBLIC_KEYS:
        store.put(key, b"0123456789", media_type=TYPES.get(key.rpartition(".")[2], OCTETS))
    return store


def address(server, store: S3Store, key: str) -> str:
    return f"{server.endpoint}/{store.bucket}/{store.prefix}{key}"


def test_before_publishing_nobody_reads_anything(s3_server, store: S3Store) -> None:
    for key in PRIVATE_KEYS + PUBLIC_KEYS:
        assert httpx.get(address(s3_server, store, key)).status_code == 403


def test_anyone_reads_what_is_public_and_nothing_else(s3_server, store: S3Store) -> None:
    outside = s3_server.client()
    outside.put_object(Bucket=store.bucket, Key="a/beside", Body=b"x")
    outside.put_object(Bucket=store.bucket, Key="derivatives/other-installation", Body=b"x")
    assert store.make_public_readable() == ()
    for key in PUBLIC_KEYS:
        url = store.public_url(key)
        assert url == address(s3_server, store, key)
        answer = httpx.get(url)
        assert (answer.status_code, answer.content) == (200, b"0123456789")
    for key in PRIVATE_KEYS:
        assert store.public_url(key) is None
        for method in ("GET", "HEAD", "PUT", "DELETE"):
            assert httpx.request(method, address(s3_server, store, key)).status_code == 403
    for name in ("a/beside", "derivatives/other-installation"):
        assert httpx.get(f"{s3_server.endpoint}/{store.bucket}/{name}").status_code == 403
    for query in (
        "",
        "?list-type=2",
        "?list-type=2&prefix=a/b/derivatives/",
        "?policy",
        "?versions",
        "?uploads",
    ):
        assert httpx.get(f"{s3_server.endpoint}/{store.bucket}{query}").status_code == 403
    for method in ("PUT", "DELETE", "POST"):
        answer = httpx.request(method, address(s3_server, store, PUBLIC_KEYS[0]), content=b"forged")
        assert answer.status_code >= 400
    for detour in (
        "derivatives/../masters/aa",
        "derivatives/%2e%2e/masters/aa",
        "derivatives//../masters/aa",
    ):
        assert httpx.get(address(s3_server, store, detour)).status_code >= 400
    assert store.get(PUBLIC_KEYS[0], max_bytes=10) == b"0123456789"
    assert sorted(store.list("")) == sorted(PRIVATE_KEYS + PUBLIC_KEYS)


def test_pages_of_other_origins_may_read_ranges(s3_server, store: S3Store) -> None:
    store.make_public_readable()
    url = address(s3_server, store, "derivatives/d/model.glb")
    answer = httpx.get(url, headers={"Origin": "https://example.org", "Range": "bytes=2-4"})
    assert (answer.status_code, answer.content) == (206, b"234")
    assert answer.headers["content-range"] == "bytes 2-4/10"
    assert answer.headers["access-control-allow-origin"] in {"*", "https://example.org"}
    exposed = answer.headers["access-control-expose-headers"]
    assert {name.strip() for name in exposed.split(",")} >= {"ETag", "Content-Range", "Content-Length"}
    preflight = {
        "Origin": "https://example.org",
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "range",
    }
    answer = httpx.options(url, headers=preflight)
    assert answer.status_code in {200, 204}
    assert answer.headers["access-control-allow-methods"] == "GET, HEAD"


def test_type_and_caching_reach_the_visitor(s3_server, store: S3Store) -> None:
    store.make_public_readable()
    immutable = "public, max-age=31536000, immutable"
    for key, media_type, caching in [
        ("derivatives/d/model.glb", "model/gltf-binary", immutable),
        ("releases/r/manifest.json", "application/json", immutable),
        ("metadata/current.json", "application/json", "public, max-age=5, must-revalidate"),
    ]:
        answer = httpx.head(address(s3_server, store, key))
        assert (answer.headers["content-type"], answer.headers["cache-control"]) == (media_type, caching)


def test_other_rules_of_the_bucket_stay(s3_server, store: S3Store) -> None:
    client = s3_server.client()
    theirs = {
        "Sid": "Theirs",
        "Effect": "Allow",
        "Principal": "*",
        "Action": ["s3:GetObject"],
        "Resource": [f"arn:aws:s3:::{store.bucket}/theirs/*"],
    }
    client.put_bucket_policy(
        Bucket=store.bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [theirs]})
    )
    their_cors = {
        "AllowedMethods": ["PUT"],
        "AllowedOrigins": ["https://upload.example"],
        "ExposeHeaders": ["ETag"],
    }
    client.put_bucket_cors(Bucket=store.bucket, CORSConfiguration={"CORSRules": [their_cors]})
    beside = S3Store(store.bucket, "second", store.client)
    for _turn in range(2):
        assert store.make_public_readable() == ()
        assert beside.make_public_readable() == ()
    statements = json.loads(client.get_bucket_policy(Bucket=store.bucket)["Policy"])["Statement"]
    assert [one["Sid"] for one in statements] == [
        "Theirs",
        "HalongXrPublicReadAB",
        "HalongXrPublicReadSecond",
    ]
    rules = client.get_bucket_cors(Bucket=store.bucket)["CORSRules"]
    assert [rule["AllowedMethods"] for rule in rules] == [["PUT"], ["GET", "HEAD"]]
    client.put_object(Bucket=store.bucket, Key="theirs/x", Body=b"x")
    assert httpx.get(f"{s3_server.endpoint}/{store.bucket}/theirs/x").status_code == 200


def test_a_second_run_writes_nothing(store: S3Store) -> None:
    store.make_public_readable()
    calls: list[str] = []
    store.client.meta.events.register(
        "before-call.s3", lambda model, **_rest: calls.append(model.name), unique_id="count"
    )
    store.make_public_readable()
    store.client.meta.events.unregister("before-call.s3", unique_id="count")
    assert calls == ["GetBucketPolicy", "GetBucketCors"]


def test_a_bucket_that_refuses_is_a_warning_with_advice(s3_server) -> None:
    store = open_store("s3://no-such-bucket/x", s3_server.env())
    warnings = store.make_public_readable()
    assert [(warning.where, warning.severity) for warning in warnings] == [
        ("bucket policy", "warning"),
        ("CORS", "warning"),
    ]
    assert "arn:aws:s3:::no-such-bucket/x/derivatives/*" in warnings[0].advice


def test_a_missing_bucket_is_unavailable_and_is_not_made(s3_server) -> None:
    store = open_store("s3://no-such-bucket", s3_server.env())
    with pytest.raises(StoreUnavailable, match="there is no bucket no-such-bucket"):
        store.put("a", b"x", media_type=OCTETS)
    with pytest.raises(StoreUnavailable, match="there is no bucket no-such-bucket"):
        store.get("a", max_bytes=1)
    with pytest.raises(StoreUnavailable, match="there is no bucket no-such-bucket"):
        list(store.list(""))
    buckets = [bucket["Name"] for bucket in s3_server.client().list_buckets()["Buckets"]]
    assert "no-such-bucket" not in buckets


def test_wrong_credentials_are_unavailable(s3_server) -> None:
    bucket = s3_server.new_bucket()
    for wrong in ({"AWS_SECRET_ACCESS_KEY": "wrong"}, {"AWS_ACCESS_KEY_ID": "unknown"}):
        store = open_store(f"s3://{bucket}", {**s3_server.env(), **wrong})
        with pytest.raises(StoreUnavailable, match="does not accept the credentials"):
            store.put("a", b"x", media_type=OCTETS)
