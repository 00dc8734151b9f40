"""The pictures of a derivative: stills before and after under a slider, the turntable, the poster."""

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from asset_pipeline.page.markup import Markup, joined, tag
from asset_pipeline.page.words import both, english, heading
from heritage_sites.asset import Derivative

PAIRS = ("worst", "lit", "unlit")  # before-NAME.webp and after-NAME.webp
DIFFERENCE = "difference.webp"
STRIP = "turntable.webp"
_PICTURES = (".webp", ".jpg", ".png")


def stills_of(paths: Sequence[str], *, of: str) -> Markup:
    """The worst view under its slider and the difference in it; the other pairs below. `of` names what is
    shown.
    """
    by_name = {PurePosixPath(path).name: path for path in paths}
    pairs = [
        _compare(by_name[before], by_name[after], key, of)
        for key in PAIRS
        if (before := f"before-{key}.webp") in by_name and (after := f"after-{key}.webp") in by_name
    ]
    if DIFFERENCE in by_name:
        picture = tag("img", src=by_name[DIFFERENCE], alt=f"{of}: {english('difference')}", loading="lazy")
        pairs.insert(1, tag("figure", picture, tag("figcaption", both("difference")), class_="still"))
    if not pairs:
        return Markup()
    more = tag("div", *pairs[2:], class_="stills")
    return joined(
        heading(4, "stills"),
        tag("div", *pairs[:2], class_="stills"),
        tag("details", tag("summary", both("more_views")), more, class_="views") if pairs[2:] else "",
    )


def _compare(before: str, after: str, key: str, of: str) -> Markup:
    pictures = [
        tag(
            "div",
            tag("img", src=source, alt=f"{of}: {english(key)}, {english(side)}", loading="lazy"),
            tag("span", both(side), class_="side"),
            class_=side,
        )
        for side, source in (("before", before), ("after", after))
    ]
    slider = tag(
        "input",
        type="range",
        min=0,
        max=100,
        value=50,
        aria_label=f"{english('slide')}: {of}, {english(key)}",
    )
    return tag(
        "figure",
        tag("div", *pictures, class_="pair"),
        slider,
        tag("figcaption", both(key)),
        class_="compare",
    )


def hero(derivatives: Sequence[Derivative], *, of: str) -> Markup:
    """The master's picture and its turntable, side by side where there is room."""
    posters = [picture for one in derivatives if (picture := poster_of(one, of=of))][:1]
    turntables = [table for one in derivatives if (table := turntable_of(one))][:1]
    return tag("div", *posters, *turntables, class_="hero") if posters or turntables else Markup()


def turntable_of(derivative: Derivative) -> Markup:
    """The strip of a turntable with a slider that turns the model; nothing where there is none."""
    frames: Any = derivative.measures.get("frames")
    if STRIP not in {file.path for file in derivative.files} or type(frames) is not int or frames < 2:
        return Markup()
    strip = tag(
        "img",
        src=f"{derivative.derivative_id}/{STRIP}",
        alt=f"The model from {frames} sides, one beside the other",
        loading="lazy",
    )
    slider = tag("input", type="range", min=0, max=frames - 1, value=0, aria_label=english("turn"))
    return tag(
        "figure",
        tag("div", strip, class_="stage", tabindex=0, role="group", aria_label=english("turntable")),
        slider,
        tag("figcaption", both("turn")),
        class_="turntable",
        data_frames=frames,
    )


def poster_of(derivative: Derivative, *, of: str) -> Markup:
    """The first picture among the files of an Image2D derivative."""
    pictures = [file.path for file in derivative.files if file.path.endswith(_PICTURES)]
    if str(derivative.usage) != "Image2D" or not pictures:
        return Markup()
    best = min(pictures, key=lambda path: (not path.endswith(".webp"), path))
    return tag(
        "img", src=f"{derivative.derivative_id}/{best}", alt=f"{english('picture')}: {of}", class_="poster"
    )
