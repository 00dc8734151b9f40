"""Run one operation over one release, within a budget of work, and mask errors that are ours."""

import logging
import traceback
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionContext,
    ExecutionResult,
    FieldNode,
    FormattedExecutionResult,
    GraphQLError,
    GraphQLObjectType,
    OperationDefinitionNode,
)
from graphql import execute as run
from graphql.execution import get_variable_values
from graphql.pyutils import Path

from content_api.public.context import RequestContext
from content_api.public.errors import BAD_USER_INPUT, INTERNAL, LIMIT_EXCEEDED
from content_api.public.schema import SCHEMA

MAX_FIELDS = 50_000  # answered in one request; about 0.2 s of work, 100 experiences in full have some 20,000
MAX_VARIABLE_ERRORS = 5  # told of one request

log = logging.getLogger("content_api.public")


@dataclass(frozen=True, slots=True)
class Answer:
    """A response in GraphQL's form. has_started: false if the operation was refused before it ran."""

    response: FormattedExecutionResult
    has_started: bool

    @property
    def has_errors(self) -> bool:
        """Whether anything went wrong."""
        return "errors" in self.response


def execute(
    document: DocumentNode,
    operation: OperationDefinitionNode,
    context: RequestContext,
    *,
    variables: dict[str, Any] | None,
    operation_name: str | None,
    request_id: str,
) -> Answer:
    """The answer to one operation of a valid document."""
    coerced = get_variable_values(
        SCHEMA, operation.variable_definitions, variables or {}, max_errors=MAX_VARIABLE_ERRORS
    )
    if isinstance(coerced, list):
        return refuse([_with_code(error, BAD_USER_INPUT) for error in coerced[:MAX_VARIABLE_ERRORS]])
    try:
        result = run(
            SCHEMA,
            document,
            context_value=context,
            variable_values=variables,
            operation_name=operation_name,
            execution_context_class=_Counted,
            is_awaitable=_is_never_awaitable,
        )
    except _BudgetSpent:
        message = f"The answer would have more than {MAX_FIELDS} fields: ask for less at once."
        return refuse([GraphQLError(message, extensions={"code": LIMIT_EXCEEDED})])
    assert isinstance(result, ExecutionResult)  # no resolver is asynchronous
    response: FormattedExecutionResult = {"data": result.data}
    if result.errors:
        shown = [_show(error, request_id).formatted for error in result.errors]
        response = {"errors": shown, "data": result.data}
    return Answer(response, has_started=True)


def refuse(errors: list[GraphQLError]) -> Answer:
    """An answer with errors and without data."""
    return Answer({"errors": [error.formatted for error in errors]}, has_started=False)


class _BudgetSpent(BaseException):
    """The answer grew too large. No Exception: graphql-core would note those per field and work on."""


class _Counted(ExecutionContext):
    """Execution that counts the fields it answers."""

    fields_left = MAX_FIELDS

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Path | None,
        fields: dict[str, list[FieldNode]],
    ) -> Any:
        self.fields_left -= len(fields)
        if self.fields_left < 0:
            raise _BudgetSpent
        return super().execute_fields(parent_type, source_value, path, fields)


def _is_never_awaitable(_value: Any) -> bool:
    return False  # every resolver is synchronous; asking each value would cost a tenth of the time


def _show(error: GraphQLError, request_id: str) -> GraphQLError:
    """The error itself if the caller caused it; else one that says only where to find it in the log."""
    if error.extensions and "code" in error.extensions:
        return error
    cause = error.original_error
    if isinstance(cause, GraphQLError) and cause.nodes:
        return _with_code(error, BAD_USER_INPUT)  # an argument whose variable was left out
    # frames only: an exception's words may hold a caller's variables, which no log of ours may
    frames = traceback.format_list(traceback.extract_tb(cause.__traceback__)) if cause else []
    log.error("request %s: %s in a resolver\n%s", request_id, type(cause).__name__, "".join(frames))
    return GraphQLError(
        f"Something went wrong here. Tell us the request id {request_id}.",
        error.nodes,
        path=error.path,
        extensions={"code": INTERNAL},
    )


def _with_code(error: GraphQLError, code: str) -> GraphQLError:
    error.extensions = {**(error.extensions or {}), "code": code}
    return error
