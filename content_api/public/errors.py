"""The errors which a caller of the public API may see.

GraphQLError
  BadUserInput     the caller can mend it: an argument out of range, a cursor that is none, a cell too fine
ReleaseProblem
  ReleaseMissing   refused: nothing has been published into this store yet
  ReleaseCorrupt   failed: what the store holds is not what was published; the old release keeps serving
"""

from graphql import GraphQLError

BAD_USER_INPUT = "BAD_USER_INPUT"
BAD_REQUEST = "BAD_REQUEST"
GRAPHQL_PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
GRAPHQL_VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
OPERATION_REFUSED = "OPERATION_REFUSED"
NOT_READY = "NOT_READY"
INTERNAL = "INTERNAL"


class BadUserInput(GraphQLError):
    """An argument holds what it must not hold. The message says what was wanted."""

    def __init__(self, message: str) -> None:
        super().__init__(message, extensions={"code": BAD_USER_INPUT})


class ReleaseProblem(Exception):
    """No release can be opened."""


class ReleaseMissing(ReleaseProblem):
    """Nothing has been published into this store yet."""


class ReleaseCorrupt(ReleaseProblem):
    """The store holds something else than what was published."""
