"""Media and their derivatives: which files there are, and which suit a device."""

# ruff: noqa: D102 - a resolver gives what its field's description says

from typing import Any

import graphene

from content_api.public import choose
from content_api.public.errors import BadUserInput
from content_api.public.schema.common import (
    JSON,
    best_text,
    context_of,
    field,
    list_of,
    optional,
    required,
    text_field,
)
from content_api.public.schema.enums import DeviceClass, MediaRole
from content_api.public.schema.values import PlacedFile
from heritage_sites.asset import MediaItem

DEFAULT_FILES = 100
MAX_FILES = 1000  # a 16k panorama has 510 tiles


class DeviceProfile(graphene.InputObjectType):
    """What a device can hold. What is left out is what its class can hold."""

    device_class = graphene.InputField(required(DeviceClass), description="The kind of device.")
    max_download_bytes = graphene.Int(description="Bytes of all files of the derivative together.")
    max_triangles = graphene.Int(description="Triangles of a model.")
    max_texture_px = graphene.Int(description="Longest side of one texture, in pixels.")
    image_formats = graphene.List(
        required(graphene.String),
        description="Image formats that it decodes, as media types or in short: `webp`, `image/ktx2`. "
        "Left out: any.",
    )


class DerivativeFile(graphene.ObjectType):
    """One file of a derivative."""

    path = field(graphene.String, "Path in the derivative's folder.")
    url = field(graphene.String, "Where to fetch it; join it with the address of this API.")
    media_type = field(graphene.String, "Its media type.")
    bytes = field(graphene.Int, "Its length.")
    sha256 = field(graphene.String, "SHA-256 of its bytes, in hexadecimal.")


class Derivative(graphene.ObjectType):
    """A set of files made from a master for one purpose. It never changes: another set has another id."""

    derivative_id = field(graphene.String, "SHA-256 of the bytes at fileListUrl, in hexadecimal.")
    usage = field(
        graphene.String,
        "What it is for: Web3D, App3D, iOSApp3D, Image2D, Panorama, Turntable, Tiles3D or Archive3D.",
    )
    quality = field(
        graphene.String, "How much of the master is left: Thumb, Low, Medium, High, Highest or AR."
    )
    media_type = field(graphene.String, "Media type of the entry file.")
    bytes = field(graphene.Int, "Bytes of all its files together.")
    file_count = field(graphene.Int, "Number of its files.")
    files = list_of(
        DerivativeFile,
        "Its files by path.",
        first=graphene.Int(default_value=DEFAULT_FILES, description="At most so many files, 1 to 1000."),
    )
    file_list_url = field(
        graphene.String,
        "List of all files as JSON. Check that its SHA-256 is derivativeId, then each file by its own.",
    )
    entry = field(DerivativeFile, "The file to open first.")
    base_url = field(graphene.String, "The folder of its files; ends with a slash.")
    recipe = field(graphene.String, "How it was made: recipe@version.")
    measures = field(JSON, "What was measured; names carry their units.")
    why = optional(graphene.String, "Why it suits the device; null if no device was given.")

    @staticmethod
    def resolve_derivative_id(choice: Any, _info: Any) -> Any:
        return choice.derivative.derivative_id

    @staticmethod
    def resolve_usage(choice: Any, _info: Any) -> Any:
        return choice.derivative.usage.value

    @staticmethod
    def resolve_quality(choice: Any, _info: Any) -> Any:
        return choice.derivative.quality.value

    @staticmethod
    def resolve_media_type(choice: Any, _info: Any) -> Any:
        return choice.entry.media_type

    @staticmethod
    def resolve_bytes(choice: Any, _info: Any) -> Any:
        return choose.size_bytes(choice.derivative)

    @staticmethod
    def resolve_file_count(choice: Any, _info: Any) -> Any:
        return len(choice.derivative.files)

    @staticmethod
    def resolve_files(choice: Any, info: Any, first: int | None = DEFAULT_FILES) -> Any:
        if first is None or not 1 <= first <= MAX_FILES:
            raise BadUserInput(f"first: want 1 to {MAX_FILES} files, got {first}.")
        return [_placed(choice, file, info) for file in choice.derivative.files[:first]]

    @staticmethod
    def resolve_file_list_url(choice: Any, info: Any) -> Any:
        return context_of(info).urls.file_list(choice.derivative.derivative_id)

    @staticmethod
    def resolve_entry(choice: Any, info: Any) -> Any:
        return _placed(choice, choice.entry, info)

    @staticmethod
    def resolve_base_url(choice: Any, info: Any) -> Any:
        return context_of(info).urls.folder(choice.derivative.derivative_id)

    @staticmethod
    def resolve_recipe(choice: Any, _info: Any) -> Any:
        return choice.derivative.recipe

    @staticmethod
    def resolve_measures(choice: Any, _info: Any) -> Any:
        return choice.derivative.measures


def _placed(choice: choose.Choice, file: Any, info: Any) -> PlacedFile:
    url = context_of(info).urls.file(choice.derivative.derivative_id, file.path)
    return PlacedFile(file.path, url, file.media_type, file.bytes, file.sha256)


def _formats(profile: Any) -> tuple[str, ...] | None:
    formats = profile.get("image_formats")
    return None if formats is None else tuple(formats)


class Media(graphene.ObjectType):
    """One thing to show, in all the forms it was made into."""

    role = field(MediaRole, "What it is to its experience.")
    alt = text_field("What it shows, for those who cannot see it.")
    derivatives = list_of(
        Derivative,
        "With `for`: what suits that device, best first, each with the reason; empty if nothing does. "
        "Without: all, in a fixed order.",
        for_=graphene.Argument(DeviceProfile, name="for", description="The device that will show it."),
    )

    @staticmethod
    def resolve_alt(media: MediaItem, _info: Any, languages: Any = None) -> Any:
        return best_text(media.alt, languages)

    @staticmethod
    def resolve_derivatives(media: MediaItem, _info: Any, for_: Any = None) -> list[choose.Choice]:
        if for_ is None:
            return choose.list_derivatives(media)
        try:
            profile = choose.DeviceProfile(**{**for_, "image_formats": _formats(for_)})
        except ValueError as problem:
            raise BadUserInput(f"for: {problem}.") from problem
        return choose.choose_derivatives(media, profile)
