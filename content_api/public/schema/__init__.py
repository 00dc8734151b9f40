"""The public GraphQL schema: thin types whose resolvers translate and do nothing else."""

from content_api.public.schema.build import SCHEMA

__all__ = ["SCHEMA"]
