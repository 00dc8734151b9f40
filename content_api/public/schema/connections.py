"""Relay connections: pages of a list with keyset cursors."""

from collections.abc import Callable, Sequence
from typing import Any

import graphene

from content_api.public.paging import Key, Page, PageArguments, Row, page_of
from content_api.public.schema.common import field, list_of, optional


class PageInfo(graphene.ObjectType):
    """Where a page lies in its list."""

    has_next_page = field(graphene.Boolean, "True if rows follow the last one of this page.")
    has_previous_page = field(graphene.Boolean, "True if rows come before the first one of this page.")
    start_cursor = optional(graphene.String, "Cursor of the first row; null on an empty page.")
    end_cursor = optional(graphene.String, "Cursor of the last row; null on an empty page.")


def connection(node: Any, plural: str, *, name: str | None = None, **edge_fields: Any) -> Any:
    """The connection type of a node type, with its edge type; `edge_fields` are added to the edge."""
    name = name or node.__name__
    edge = type(
        f"{name}Edge",
        (graphene.ObjectType,),
        {
            "__doc__": f"One of a page of {plural}.",
            "cursor": field(graphene.String, "Goes into `after` or `before` to ask on from here. Opaque."),
            "node": field(node, "What the edge leads to."),
            **edge_fields,
        },
    )
    return type(
        f"{name}Connection",
        (graphene.ObjectType,),
        {
            "__doc__": f"A page of {plural}.",
            "edges": list_of(edge, "The rows of this page, in the list's order."),
            "page_info": field(PageInfo, "Where this page lies in the list."),
            "total_count": field(graphene.Int, "Rows in the whole list, not only on this page."),
        },
    )


def page_arguments() -> dict[str, Any]:
    """The four arguments of every connection, to be spread into the field."""
    return {
        "first": graphene.Int(description="Rows from the start, 1 to 100. Give either first or last."),
        "after": graphene.String(description="Only rows after the one with this cursor."),
        "last": graphene.Int(description="Rows from the end, 1 to 100. Give either first or last."),
        "before": graphene.String(description="Only rows before the one with this cursor."),
    }


def by_id(row: Any) -> Key:
    """The order of most lists: by the row's id."""
    return (row.id,)


def page(
    rows: Sequence[Row], order: str, paging: dict[str, Any], key: Callable[[Row], Key] = by_id
) -> Page[Row]:
    """The page that a resolver's paging arguments ask for."""
    return page_of(rows, key=key, order=order, arguments=PageArguments(**paging))
