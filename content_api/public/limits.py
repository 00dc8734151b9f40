"""Static limits of a document, checked in one walk before anything costly is done with it.

Validation compares fields of the same name pairwise and execution follows every level, so what is small to
send can be dear to answer. These limits bound both; they leave several times what the SDK and the page ask.
"""

from collections import Counter
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)

from content_api.public.errors import LIMIT_EXCEEDED

MAX_TOKENS = 1000  # lexer's limit; rejecting 16 KB then costs 10 ms
MAX_DEPTH = 12  # levels of fields: experiences of a site of a list with their files have 10
MAX_INTROSPECTION_DEPTH = 20  # below __schema and __type; the usual query of tools has 15
MAX_ALIASES = 30
MAX_DIRECTIVES = 20
MAX_ROOT_FIELDS = 10
MAX_FRAGMENTS = 20
MAX_OPERATIONS = 10
MAX_SAME_NAME = 60  # fields of one response name in the whole document: they are compared pairwise


class LimitExceeded(GraphQLError):
    """The document is larger or deeper than this server takes."""

    def __init__(self, what: str, limit: int) -> None:
        super().__init__(
            f"The document has too many {what}: at most {limit}.", extensions={"code": LIMIT_EXCEEDED}
        )


@dataclass(slots=True)
class _Counts:
    aliases: int = 0
    directives: int = 0
    names: Counter[str] = field(default_factory=Counter)


def check_limits(document: DocumentNode) -> None:
    """Raises LimitExceeded for the first limit that the document breaks."""
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    fragments = {
        node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
    }
    _check("operations", len(operations), MAX_OPERATIONS)
    _check("fragments", len(document.definitions) - len(operations), MAX_FRAGMENTS)
    counts = _Counts()
    for definition in document.definitions:
        if isinstance(definition, (OperationDefinitionNode, FragmentDefinitionNode)):
            counts.directives += len(definition.directives)
            _count(definition.selection_set, counts)
    _check("aliases", counts.aliases, MAX_ALIASES)
    _check("directives", counts.directives, MAX_DIRECTIVES)
    _check("fields of one name", max(counts.names.values(), default=0), MAX_SAME_NAME)
    written_out = _WrittenOut(fragments)
    for operation in operations:
        shape = written_out.shape_of(operation.selection_set)
        _check("root fields", shape.fields, MAX_ROOT_FIELDS)
        _check("levels", shape.depth, MAX_DEPTH)


def _check(what: str, count: int, limit: int) -> None:
    if count > limit:
        raise LimitExceeded(what, limit)


def _count(selections: SelectionSetNode, counts: _Counts) -> None:
    for node in selections.selections:
        counts.directives += len(node.directives)
        if isinstance(node, FieldNode):
            counts.aliases += node.alias is not None
            counts.names[(node.alias or node.name).value] += 1
        inner = getattr(node, "selection_set", None)
        if inner is not None:
            _count(inner, counts)


@dataclass(frozen=True, slots=True)
class _Shape:
    """Of a selection set: fields on its first level, and levels of fields."""

    fields: int = 0
    depth: int = 0


class _WrittenOut:
    """Shapes with fragments written out, each fragment measured once, however often it is spread.

    A fragment inside itself counts nothing there: validation refuses it.
    """

    def __init__(self, fragments: dict[str, FragmentDefinitionNode]) -> None:
        self._fragments = fragments
        self._known: dict[str, _Shape] = {}
        self._open: set[str] = set()

    def shape_of(self, selections: SelectionSetNode) -> _Shape:
        shapes = [self._shape_of_node(node) for node in selections.selections]
        return _Shape(
            sum(shape.fields for shape in shapes), max((shape.depth for shape in shapes), default=0)
        )

    def _shape_of_node(self, node: SelectionNode) -> _Shape:
        if isinstance(node, FieldNode):
            inner = self.shape_of(node.selection_set) if node.selection_set else _Shape()
            if node.name.value in ("__schema", "__type"):
                _check("levels of introspection", inner.depth, MAX_INTROSPECTION_DEPTH)
                return _Shape(1, 1)
            return _Shape(1, 1 + inner.depth)
        if isinstance(node, InlineFragmentNode):
            return self.shape_of(node.selection_set)
        assert isinstance(node, FragmentSpreadNode)
        return self._shape_of_fragment(node.name.value)

    def _shape_of_fragment(self, name: str) -> _Shape:
        if name in self._open or name not in self._fragments:
            return _Shape()
        if name not in self._known:
            self._open.add(name)
            self._known[name] = self.shape_of(self._fragments[name].selection_set)
            self._open.remove(name)
        return self._known[name]
