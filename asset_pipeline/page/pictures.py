"""The pictures of a derivative: stills before and after under a slider, the turntable, the poster."""

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from asset_pipeline.page.markup import Markup, tag
from asset_pipeline.page.words import both, english, heading
from heritage_sites.asset import Derivative

PAIRS = ("worst", "lit", "unlit")  # before-NAME.webp and after-NAME.webp
DIFFERENCE = "difference.webp"
STRIP = "turntable.webp"
_PICTURES = (".webp", ".jpg", ".png")


def stills_of(paths: Sequence[str], *, of: str) -> Markup:
    """Every pair there is, each under its slider, then the difference. `of` names what is shown."""
    by_name = {PurePosixPath(path).name: path for path in paths}
    figures = [
        _compare(by_name[before], by_name[after], key, of)
        for key in PAIRS
        if (before := f"before-{key}.webp") in by_name and (after := f"after-{key}.webp") in by_name
    ]
    if DIFFERENCE in by_name:
        picture = tag("img", src=by_name[DIFFERENCE], alt=f"{of}: {english('difference')}", loading="lazy")
        figures.append(tag("figure", picture, tag("figcaption", both("difference")), class_="still"))
    return tag("div", *figures, class_="stills") if figures else Markup()


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
    return tag("img", src=f"{derivative.derivative_id}/{best}", alt=f"{of}: picture", class_="poster")


def pictures_heading(markup: Markup) -> Markup:
    """The heading of the stills, where there are any."""
    return Markup(heading(4, "stills") + markup) if markup else markup
