"""GraphQL documents, parsed and checked once and then remembered: both the good and the bad.

Parsing and validating a document costs as much as answering it; a refused one sent again and again must cost
next to nothing.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from graphql import (
    ASTValidationRule,
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    parse,
    specified_rules,
    validate,
)

from content_api.public.errors import GRAPHQL_PARSE_FAILED, GRAPHQL_VALIDATION_FAILED, LIMIT_EXCEEDED
from content_api.public.limits import MAX_TOKENS, check_limits

MAX_DOCUMENTS = 500  # an app has tens
MAX_REFUSED = 100
MAX_CACHED_CHARS = 500_000  # of text; its tree takes some 50 times as much memory
MAX_ERRORS = 5  # told of one document; finding more only costs


@dataclass(frozen=True, slots=True)
class PreparedDocument:
    """A document that may run, or the errors why it may not."""

    document: DocumentNode | None = None
    operations: Mapping[str | None, OperationDefinitionNode] | None = None
    errors: Sequence[GraphQLError] = ()


class Documents:
    """Prepares documents for one schema and remembers the ones asked for last."""

    def __init__(self, schema: GraphQLSchema, *, introspection: bool) -> None:
        self._schema = schema
        rules: list[type[ASTValidationRule]] = list(specified_rules)
        if not introspection:
            rules.append(NoSchemaIntrospectionCustomRule)
        self._rules = rules
        self._good = _Recent(MAX_DOCUMENTS)
        self._refused = _Recent(MAX_REFUSED)

    def prepare(self, text: str) -> PreparedDocument:
        """The document of this text, parsed, within the limits and valid; else with the errors."""
        known = self._good.get(text) or self._refused.get(text)
        if known is None:
            known = self._prepare(text)
            (self._refused if known.errors else self._good).put(text, known)
        return known

    def _prepare(self, text: str) -> PreparedDocument:
        try:
            document = parse(text, max_tokens=MAX_TOKENS)
            check_limits(document)
            errors = validate(self._schema, document, self._rules, max_errors=MAX_ERRORS)
        except GraphQLSyntaxError as error:
            return _refuse([error], GRAPHQL_PARSE_FAILED)
        except GraphQLError as error:  # LimitExceeded
            return _refuse([error], LIMIT_EXCEEDED)
        except RecursionError:
            return _refuse([GraphQLError("The document is nested too deeply.")], LIMIT_EXCEEDED)
        if errors:
            return _refuse(errors[:MAX_ERRORS], GRAPHQL_VALIDATION_FAILED)
        operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
        by_name = {node.name.value if node.name else None: node for node in operations}
        if len(operations) == 1:
            by_name[None] = operations[0]
        return PreparedDocument(document, by_name)


def _refuse(errors: Sequence[GraphQLError], code: str) -> PreparedDocument:
    for error in errors:
        error.extensions = {**(error.extensions or {}), "code": code}
        error.__traceback__ = None  # it would keep every frame of the parser alive
        error.__context__ = None
    return PreparedDocument(errors=tuple(errors))


class _Recent:
    """The texts used last, bounded by number and by characters."""

    def __init__(self, max_items: int) -> None:
        self._items: OrderedDict[str, PreparedDocument] = OrderedDict()
        self._max_items = max_items
        self._chars = 0

    def get(self, text: str) -> PreparedDocument | None:
        found = self._items.get(text)
        if found is not None:
            self._items.move_to_end(text)
        return found

    def put(self, text: str, prepared: PreparedDocument) -> None:
        self._items[text] = prepared
        self._chars += len(text)
        while len(self._items) > self._max_items or self._chars > MAX_CACHED_CHARS:
            oldest, _ = self._items.popitem(last=False)
            self._chars -= len(oldest)
