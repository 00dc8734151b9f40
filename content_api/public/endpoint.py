"""GraphQL over HTTP: the ASGI endpoint at /graphql, written out so that each request does only what it must.

Follows the GraphQL-over-HTTP specification. It reads no cookies, changes nothing and answers anyone, so
pages of any origin may ask. One release is picked up per request.
"""

import hashlib
from collections.abc import Callable

import orjson
from graphql import FormattedExecutionResult, GraphQLError, OperationType

from content_api.public.asgi import (
    NO_STORE,
    NOSNIFF,
    OPEN_TO_ALL,
    Header,
    Receive,
    Scope,
    Send,
    header_of,
    matches_etag,
    request_id_of,
    respond,
)
from content_api.public.context import RequestContext
from content_api.public.documents import Documents
from content_api.public.errors import BAD_REQUEST, INTERNAL, NOT_READY, OPERATION_REFUSED
from content_api.public.execution import Answer, execute, log, refuse
from content_api.public.graphql_request import (
    MAX_BODY_BYTES,
    GraphQLRequest,
    RequestMalformed,
    parse_body,
    parse_query_string,
)
from content_api.public.media_urls import MediaUrls
from content_api.public.negotiation import JSON, choose_media_type, is_readable_json
from content_api.public.open_release import OpenRelease
from content_api.public.schema import SCHEMA

ALLOW: Header = (b"allow", b"GET, HEAD, POST, OPTIONS")
CACHEABLE: Header = (b"cache-control", b"public, max-age=30")  # a new release is seen within half a minute
VARY: Header = (b"vary", b"Accept")
PREFLIGHT: tuple[Header, ...] = (
    *OPEN_TO_ALL,
    ALLOW,
    (b"access-control-allow-methods", b"GET, HEAD, POST, OPTIONS"),
    (b"access-control-allow-headers", b"Accept, Content-Type, If-None-Match"),
    (b"access-control-max-age", b"86400"),
)
EXPOSED: Header = (b"access-control-expose-headers", b"ETag, X-Request-Id")


class GraphQLEndpoint:
    """An ASGI application that answers GraphQL requests from the release that is current then."""

    def __init__(
        self, current: Callable[[], OpenRelease | None], urls: MediaUrls, *, is_sandbox: bool
    ) -> None:
        """current: gives the release to answer from, or None while there is none."""
        self._current = current
        self._urls = urls
        self._is_sandbox = is_sandbox
        self._documents = Documents(SCHEMA, introspection=is_sandbox)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        method: str = scope["method"]
        if method == "OPTIONS":
            await respond(send, 204, b"", PREFLIGHT)
            return
        media_type = choose_media_type(header_of(scope, b"accept"))
        if media_type is None:
            message = (
                "Accept: this endpoint answers in application/graphql-response+json or application/json."
            )
            answer = _HttpAnswer(406, _error(message, BAD_REQUEST).response)
            await _send(send, scope, method, JSON, answer)
            return
        try:
            request = await _read(method, scope, receive)
            answer = self._answer(request, method, media_type, request_id_of(scope))
        except RequestMalformed as malformed:
            errors = [GraphQLError(str(malformed), extensions={"code": BAD_REQUEST})]
            answer = _HttpAnswer(malformed.status, refuse(errors).response)
            if malformed.status == 405:
                answer.headers = (ALLOW,)
        await _send(send, scope, method, media_type, answer)

    def _answer(
        self, request: GraphQLRequest, method: str, media_type: str, request_id: str
    ) -> "_HttpAnswer":
        try:
            return self._run(request, method, media_type, request_id)
        except Exception as error:  # noqa: BLE001 - the last line: whatever it is, the caller gets a masked answer
            log.error("request %s: %s outside of a resolver", request_id, type(error).__name__)
            message = f"Something went wrong here. Tell us the request id {request_id}."
            return _HttpAnswer(500, _error(message, INTERNAL).response)

    def _run(self, request: GraphQLRequest, method: str, media_type: str, request_id: str) -> "_HttpAnswer":
        refused = 200 if media_type == JSON else 400  # the older media type tells errors in the body alone
        release = self._current()
        if release is None:
            answer = _HttpAnswer(503, _error("No release has been published yet.", NOT_READY).response)
            answer.headers = ((b"retry-after", b"5"),)
            return answer
        prepared = self._documents.prepare(request.query)
        if prepared.document is None or prepared.operations is None:
            return _HttpAnswer(refused, refuse(list(prepared.errors)).response)
        operation = prepared.operations.get(request.operation_name)
        if operation is None:
            message = "Name the operation to run: operationName fits none, or several and none is named."
            return _HttpAnswer(refused, _error(message, BAD_REQUEST).response)
        if operation.operation is not OperationType.QUERY:
            answer = _HttpAnswer(
                405 if method != "POST" else refused,
                _error("This endpoint answers queries only.", OPERATION_REFUSED).response,
            )
            answer.headers = ((b"allow", b"POST"),) if method != "POST" else ()
            return answer
        result = execute(
            prepared.document,
            operation,
            RequestContext(release, self._urls, self._is_sandbox),
            variables=request.variables,
            operation_name=request.operation_name,
            request_id=request_id,
        )
        answer = _HttpAnswer(200 if result.has_started else refused, result.response)
        answer.is_cacheable = method != "POST" and not result.has_errors
        return answer


class _HttpAnswer:
    """What goes out: a status, GraphQL's response as JSON, what is special about the headers."""

    __slots__ = ("body", "headers", "is_cacheable", "status")

    def __init__(self, status: int, response: FormattedExecutionResult) -> None:
        self.status = status
        self.body = orjson.dumps(response)
        self.headers: tuple[Header, ...] = ()
        self.is_cacheable = False


async def _read(method: str, scope: Scope, receive: Receive) -> GraphQLRequest:
    if method in ("GET", "HEAD"):
        return parse_query_string(scope["query_string"])
    if method != "POST":
        raise RequestMalformed("Use GET or POST.", 405)
    if not is_readable_json(header_of(scope, b"content-type")):
        raise RequestMalformed("Content-Type: want application/json in UTF-8.", 415)
    if header_of(scope, b"content-encoding") not in (None, "identity"):
        raise RequestMalformed("Content-Encoding: send the body as it is.", 415)
    return parse_body(await _read_body(scope, receive))


async def _read_body(scope: Scope, receive: Receive) -> bytes:
    too_large = RequestMalformed(f"The body is larger than {MAX_BODY_BYTES} bytes.", 413)
    announced = header_of(scope, b"content-length")
    if announced is not None and announced.isdecimal() and int(announced[:20]) > MAX_BODY_BYTES:
        raise too_large
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RequestMalformed("The body ended early.")
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            raise too_large
        if not message.get("more_body", False):
            return bytes(body)


async def _send(send: Send, scope: Scope, method: str, media_type: str, answer: _HttpAnswer) -> None:
    body = answer.body
    content_type: Header = (b"content-type", f"{media_type}; charset=utf-8".encode())
    common = (content_type, NOSNIFF, VARY, *OPEN_TO_ALL, EXPOSED, *answer.headers)
    if not answer.is_cacheable:
        await respond(send, answer.status, body, (*common, NO_STORE), head=method == "HEAD")
        return
    # the media type is part of the tag: two types of the same bytes are two representations
    etag = f'"{hashlib.sha256(media_type.encode() + body).hexdigest()[:32]}"'
    headers = (*common, CACHEABLE, (b"etag", etag.encode()))
    if matches_etag(header_of(scope, b"if-none-match"), etag):
        await respond(send, 304, b"", headers[1:])
        return
    await respond(send, 200, body, headers, head=method == "HEAD")


def _error(message: str, code: str) -> Answer:
    return refuse([GraphQLError(message, extensions={"code": code})])
