"""Tours and their stops."""

# ruff: noqa: D102, D106 - a resolver gives what its field's description says

from typing import Any

import graphene

from content_api.public.schema.common import (
    LocalisedText,
    Node,
    all_texts,
    best_text,
    context_of,
    field,
    languages_argument,
    list_of,
    optional,
    text_field,
)
from content_api.public.schema.connections import connection
from content_api.public.schema.enums import TourMode
from content_api.public.schema.places import Site
from content_api.public.schema.values import PlacedStop


class TourStop(graphene.ObjectType):
    """A site on a tour."""

    position = field(graphene.Int, "Place in the tour, counted from 1.")
    site = field(Site, "The site.")
    note = optional(
        LocalisedText, "What to see on this tour; null if nothing is said.", languages=languages_argument()
    )

    @staticmethod
    def resolve_site(placed: PlacedStop, info: Any) -> Any:
        return context_of(info).release.sites[placed.stop.site_id]

    @staticmethod
    def resolve_note(placed: PlacedStop, _info: Any, languages: Any = None) -> Any:
        return best_text(placed.stop.note, languages) if placed.stop.note else None


class Tour(graphene.ObjectType):
    """An ordered visit of sites."""

    class Meta:
        interfaces = (Node,)

    slug = field(graphene.String, "Stable name for addresses.")
    name = text_field("What the tour is called.")
    names = list_of(LocalisedText, "The name in every language there is.")
    description = text_field("What the tour is.")
    mode = field(TourMode, "How people move.")
    duration_hours = optional(graphene.Float, "How long it takes; null if no source tells.")
    stops = list_of(TourStop, "The stops in order.")
    sources = list_of(graphene.String, "Where the facts come from.")
    notes = optional(graphene.String, "What an editor should know about these facts.")

    @staticmethod
    def resolve_id(tour: Any, _info: Any) -> str:
        return f"Tour:{tour.id}"

    @staticmethod
    def resolve_slug(tour: Any, _info: Any) -> Any:
        return tour.id

    @staticmethod
    def resolve_name(tour: Any, _info: Any, languages: Any = None) -> Any:
        return best_text(tour.name, languages)

    @staticmethod
    def resolve_names(tour: Any, _info: Any) -> Any:
        return all_texts(tour.name)

    @staticmethod
    def resolve_description(tour: Any, _info: Any, languages: Any = None) -> Any:
        return best_text(tour.description, languages)

    @staticmethod
    def resolve_stops(tour: Any, _info: Any) -> Any:
        return [PlacedStop(number, stop) for number, stop in enumerate(tour.stops, start=1)]

    @staticmethod
    def resolve_notes(tour: Any, _info: Any) -> Any:
        return tour.notes or None


TourConnection = connection(Tour, "tours")
