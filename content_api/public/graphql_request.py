"""A GraphQL request as it came over HTTP: read, checked, not yet understood."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import orjson

MAX_BODY_BYTES = (
    16 * 1024
)  # the SDK's largest question has 2 KB; a long literal costs time whatever its tokens
MAX_QUERY_STRING_BYTES = 8 * 1024  # what proxies and browsers carry
MAX_PARAMETERS = 20  # in a query string; GraphQL over HTTP knows four
MAX_OPERATION_NAME_CHARS = 200
MAX_VARIABLES = 50


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """A document, the operation to run, its variables."""

    query: str
    operation_name: str | None
    variables: dict[str, Any] | None


class RequestMalformed(Exception):
    """Not a GraphQL request; `status` is the HTTP status to answer with."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def parse_body(body: bytes) -> GraphQLRequest:
    """The request in a JSON body. RequestMalformed otherwise."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RequestMalformed("The body is not JSON in UTF-8.") from error
    if isinstance(found, list):
        raise RequestMalformed("Several requests in one body are not supported: send them one by one.")
    if not isinstance(found, dict):
        raise RequestMalformed("The body must be a JSON object with a query.")
    return _check(found)


def parse_query_string(query_string: bytes) -> GraphQLRequest:
    """The request in a URL's query string. RequestMalformed otherwise."""
    if len(query_string) > MAX_QUERY_STRING_BYTES:
        raise RequestMalformed(
            f"The query string is longer than {MAX_QUERY_STRING_BYTES} bytes: use POST.", 414
        )
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MAX_PARAMETERS,
        )
    except ValueError as error:
        raise RequestMalformed("The query string cannot be read.") from error
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise RequestMalformed("A parameter is given twice.")
        found[name] = value
    for name in ("variables", "extensions"):
        if found.get(name):
            try:
                found[name] = orjson.loads(found[name])
            except orjson.JSONDecodeError as error:
                raise RequestMalformed(f"The parameter {name} is not JSON.") from error
        elif name in found:
            found[name] = None
    found["operationName"] = found.get("operationName") or None
    return _check(found)


def _check(found: dict[str, Any]) -> GraphQLRequest:
    query, variables = found.get("query"), found.get("variables")
    operation_name, extensions = found.get("operationName"), found.get("extensions")
    if not isinstance(query, str) or not query.strip():
        raise RequestMalformed("Give a query: the text of a GraphQL document.")
    if variables is not None and not isinstance(variables, dict):
        raise RequestMalformed("variables must be an object.")
    if variables is not None and len(variables) > MAX_VARIABLES:
        raise RequestMalformed(f"Want at most {MAX_VARIABLES} variables.")
    if operation_name is not None and not isinstance(operation_name, str):
        raise RequestMalformed("operationName must be a text.")
    if operation_name is not None and len(operation_name) > MAX_OPERATION_NAME_CHARS:
        raise RequestMalformed("operationName is too long.")
    if extensions is not None and not isinstance(extensions, dict):
        raise RequestMalformed("extensions must be an object.")
    return GraphQLRequest(query, operation_name, variables)
