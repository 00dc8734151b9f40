"""Put the types together into one schema."""

from typing import Any

import graphene
from graphql import GraphQLSchema

from content_api.public.schema.common import Node
from content_api.public.schema.experiences import Experience
from content_api.public.schema.places import Site
from content_api.public.schema.query import Query
from content_api.public.schema.tours import Tour
from heritage_sites import experience, site, tour

_TYPE_OF_VALUE = {site.Site: "Site", experience.Experience: "Experience", tour.Tour: "Tour"}


def _type_of_node(value: Any, _info: Any, _interface: Any) -> str:
    return _TYPE_OF_VALUE[type(value)]


def _build() -> GraphQLSchema:
    schema: GraphQLSchema = graphene.Schema(query=Query, types=[Site, Experience, Tour]).graphql_schema
    schema.get_type(Node.__name__).resolve_type = _type_of_node  # type: ignore[union-attr]
    return schema


SCHEMA = _build()
