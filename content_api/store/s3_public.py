"""What anyone may read of a bucket: one statement in its policy, and a CORS rule for pages of other origins.

Both are merged into what the bucket's owner has there already; a second run changes nothing.
"""

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from content_api.store.keys import PUBLIC_PREFIXES
from heritage_sites.problem import Problem, Severity

STATEMENT_ID = "HalongXrPublicRead"
CORS_MAX_AGE_S = 3600  # how long a browser may remember the answer to its preflight request
_NONE_YET = {"NoSuchBucketPolicy", "NoSuchCORSConfiguration", "404", "NotFound"}


def allow_public_reading(client: Any, bucket: str, prefix: str) -> tuple[Problem, ...]:
    """Let anyone GET what is public below `prefix` of the bucket, from pages of any origin.

    Listing, masters and private objects stay closed. Returns warnings for what the bucket did not accept.
    """
    problems = []
    for what, allow, advice in (
        ("bucket policy", _merge_policy, f"Allow s3:GetObject for anyone on {_public_arns(bucket, prefix)}"),
        ("CORS", _merge_cors, "Allow GET and HEAD from any origin"),
    ):
        try:
            allow(client, bucket, prefix)
        except (ClientError, BotoCoreError, ValueError) as error:
            problems.append(
                Problem(
                    file=f"s3://{bucket}",
                    where=what,
                    message=f"The bucket did not accept the rule which lets visitors read releases: {error}",
                    advice=f"{advice} by the bucket owner's own means, or set HALONG_XR_MEDIA_URL to a CDN.",
                    severity=Severity.WARNING,
                )
            )
    return tuple(problems)


def public_statement(bucket: str, prefix: str) -> dict[str, Any]:
    """The policy statement: reading single public objects, nothing else."""
    # the id carries the prefix: two installations may share a bucket
    suffix = "".join(character for character in prefix.title() if character.isalnum())
    return {
        "Sid": STATEMENT_ID + suffix,
        "Effect": "Allow",
        "Principal": "*",
        "Action": ["s3:GetObject"],
        "Resource": _public_arns(bucket, prefix),
    }


def _public_arns(bucket: str, prefix: str) -> list[str]:
    return [f"arn:aws:s3:::{bucket}/{prefix}{public}*" for public in PUBLIC_PREFIXES]


def _merge_policy(client: Any, bucket: str, prefix: str) -> None:
    answer = _current(lambda: client.get_bucket_policy(Bucket=bucket))
    policy = json.loads(answer["Policy"]) if answer else {"Version": "2012-10-17", "Statement": []}
    wanted = public_statement(bucket, prefix)
    present: Any = policy["Statement"]  # one statement may stand there without a list
    statements: list[dict[str, Any]] = present if isinstance(present, list) else [present]
    others = [statement for statement in statements if statement.get("Sid") != wanted["Sid"]]
    merged = {**policy, "Statement": [*others, wanted]}
    if [_plain(statement) for statement in statements] != [_plain(one) for one in merged["Statement"]]:
        client.put_bucket_policy(Bucket=bucket, Policy=json.dumps(merged))


def _plain(statement: dict[str, Any]) -> dict[str, Any]:
    # servers give ["s3:GetObject"] back as "s3:GetObject"
    return {
        name: sorted([value] if isinstance(value, str) else value)
        if name in {"Action", "Resource"}
        else value
        for name, value in statement.items()
    }


def _merge_cors(client: Any, bucket: str, _prefix: str) -> None:
    answer = _current(lambda: client.get_bucket_cors(Bucket=bucket))
    rules = list(answer["CORSRules"]) if answer else []
    wanted = {
        "AllowedMethods": ["GET", "HEAD"],
        "AllowedOrigins": ["*"],
        "AllowedHeaders": ["*"],
        "ExposeHeaders": ["ETag", "Content-Range", "Content-Length"],
        "MaxAgeSeconds": CORS_MAX_AGE_S,
    }
    if wanted not in rules:
        client.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [*rules, wanted]})


def _current(ask: Callable[[], Any]) -> Any | None:
    """The bucket's present setting, None when it has none."""
    try:
        return ask()
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in _NONE_YET:
            return None
        raise
