"""GPano: the part of XMP that says a picture is a panorama, and which part of the sphere it covers.

Read from any packet, written only as a fresh packet with nothing else in it.
https://developers.google.com/streetview/spherical-metadata
"""

from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

EQUIRECTANGULAR = "equirectangular"
NAMESPACE = "http://ns.google.com/photos/1.0/panorama/"
MAX_SPHERE_PX = 1_000_000  # a full size beyond this is no size

_SIZES = (
    "FullPanoWidthPixels",
    "FullPanoHeightPixels",
    "CroppedAreaImageWidthPixels",
    "CroppedAreaImageHeightPixels",
    "CroppedAreaLeftPixels",
    "CroppedAreaTopPixels",
)


@dataclass(frozen=True, slots=True)
class Coverage:
    """Where a picture lies on the full sphere, in the pixels of the full sphere's own picture."""

    full_width_px: int
    full_height_px: int
    width_px: int
    height_px: int
    left_px: int
    top_px: int

    def __post_init__(self) -> None:
        right_px, bottom_px = self.left_px + self.width_px, self.top_px + self.height_px
        if not 0 <= self.left_px < right_px <= self.full_width_px:
            raise ValueError(f"columns {self.left_px} to {right_px} of {self.full_width_px} do not fit")
        if not 0 <= self.top_px < bottom_px <= self.full_height_px:
            raise ValueError(f"rows {self.top_px} to {bottom_px} of {self.full_height_px} do not fit")
        if max(self.full_width_px, self.full_height_px) > MAX_SPHERE_PX:
            raise ValueError(f"want at most {MAX_SPHERE_PX} pixels, got {self.full_width_px}")

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the sphere is missing."""
        return (self.width_px, self.height_px) == (self.full_width_px, self.full_height_px)


@dataclass(frozen=True, slots=True)
class Gpano:
    """What a packet says. coverage is None where its sizes are absent; fault says why they are not usable."""

    projection: str
    coverage: Coverage | None = None
    fault: str = ""


def parse_gpano(xmp: bytes) -> Gpano | None:
    """The packet's GPano values; None where there are none, or the packet is no XML."""
    if NAMESPACE.encode() not in xmp:
        return None
    try:
        root = fromstring(xmp.strip(b"\x00 \t\r\n"))
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        return None
    values = _values_of(root)
    if "ProjectionType" not in values and "FullPanoWidthPixels" not in values:
        return None
    projection = values.get("ProjectionType", EQUIRECTANGULAR).strip().lower()
    if not any(name in values for name in _SIZES):
        return Gpano(projection)
    try:
        sizes = [round(float(values[name])) for name in _SIZES]
        return Gpano(projection, Coverage(*sizes))
    except KeyError as missing:
        return Gpano(projection, fault=f"{missing.args[0]} is missing")
    except (ValueError, OverflowError) as error:
        return Gpano(projection, fault=str(error))


def _values_of(root: Element) -> dict[str, str]:
    """GPano's values, written as attributes or as elements, in whichever Description they stand."""
    prefix = f"{{{NAMESPACE}}}"
    values: dict[str, str] = {}
    for element in root.iter():
        for key, text in element.attrib.items():
            if key.startswith(prefix):
                values.setdefault(key.removeprefix(prefix), text)
        if isinstance(element.tag, str) and element.tag.startswith(prefix) and element.text:
            values.setdefault(element.tag.removeprefix(prefix), element.text)
    return values


def write_gpano(width_px: int, height_px: int) -> bytes:
    """A fresh packet for a full sphere of this size, with nothing in it but GPano's required values."""
    sizes = (width_px, height_px, width_px, height_px, 0, 0)
    attributes = "".join(f' GPano:{name}="{value}"' for name, value in zip(_SIZES, sizes, strict=True))
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" xmlns:GPano="{NAMESPACE}" GPano:UsePanoramaViewer="True" '
        f'GPano:ProjectionType="{EQUIRECTANGULAR}"{attributes}/>'
        '</rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
    ).encode()
