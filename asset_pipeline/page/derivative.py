"""One derivative on the page: its row in the overview, and its card with everything measured."""

from collections.abc import Mapping, Sequence
from typing import Any

from asset_pipeline.page.figures import (
    NO_VALUE,
    bytes_text,
    count_text,
    decibel_text,
    extent_text,
    length_text,
    plain_text,
    ratio_text,
)
from asset_pipeline.page.markup import Markup, joined, tag
from asset_pipeline.page.pictures import stills_of
from asset_pipeline.page.verdicts import verdicts_of, verdicts_short
from asset_pipeline.page.words import both, english, heading
from heritage_sites.asset import Derivative

COLUMNS = ("recipe", "size", "triangles", "texture", "gpu", "error_m", "ssim", "devices")
_NESTED = ("verdicts", "settings", "trials")  # shown on their own


def overview(derivatives: Sequence[Derivative]) -> Markup:
    """A table with a row per derivative; on a narrow screen each row becomes a block of labelled lines."""
    head = tag("tr", *(tag("th", both(column), scope="col") for column in COLUMNS))
    return tag(
        "table", tag("thead", head), tag("tbody", *(_row(one) for one in derivatives)), class_="overview"
    )


def _row(derivative: Derivative) -> Markup:
    cells = [_cell(column, derivative) for column in COLUMNS[1:]]
    name = tag("a", _recipe_name(derivative), href=f"#{anchor_of(derivative)}")
    return tag("tr", tag("th", name, scope="row"), *cells)


def _cell(column: str, derivative: Derivative) -> Markup:
    measures = derivative.measures
    if column == "devices":
        content: str = verdicts_short(measures.get("verdicts"))
    else:
        content = dict(_figures(derivative)).get(column, NO_VALUE)
    empty = "empty" if content == NO_VALUE else None
    return tag("td", tag("span", content), data_label=english(column), class_=empty)


def _figures(derivative: Derivative) -> list[tuple[str, str]]:
    """(word, figure) of everything measured that has a name on the page, in reading order."""
    measures = derivative.measures
    rows = [("size", bytes_text(sum(file.bytes for file in derivative.files)))]
    simple = (
        ("triangles", "triangles", count_text),
        ("points", "points", count_text),
        ("vertices", "vertices", count_text),
        ("texture", "texture_px_max", lambda px: f"{px} px"),
        ("gpu", "gpu_bytes", bytes_text),
        ("uv_drift", "uv_drift", ratio_text),
        ("extent", "bounds_m", extent_text),
    )
    rows += [(word, text(measures[key])) for word, key, text in simple if measures.get(key) not in (None, 0)]
    errors = (("error_m", "geometric_error_m"), ("error_mean_m", "geometric_error_mean_m"))
    rows += [(word, length_text(measures[key])) for word, key in errors if key in measures]  # 0 is a figure
    if "width_px" in measures and "height_px" in measures:
        rows.append(("pixels", f"{measures['width_px']} × {measures['height_px']}"))
    for word, key, text in (("ssim", "ssim", ratio_text), ("psnr", "psnr", decibel_text)):
        tail = "_db" if key == "psnr" else ""
        names = (f"rendered_{key}_lit{tail}", f"rendered_{key}_unlit{tail}")
        if all(name in measures for name in names):
            rows.append((word, " / ".join(text(measures[name]) for name in names)))
    if "rendered_worst_ssim" in measures:
        rows.append(("worst_ssim", _worst_view(measures)))
    if "target_ssim" in measures:
        rows.append(("target", _target(measures)))
    return rows


def _worst_view(measures: Mapping[str, Any]) -> str:
    text = f"SSIM {ratio_text(measures['rendered_worst_ssim'])}"
    view, views = measures.get("rendered_worst_view"), measures.get("rendered_views")
    if isinstance(view, int):
        text += f", view {view + 1}" + (f" of {views}" if isinstance(views, int) else "")
    pixels = measures.get("rendered_view_px")
    return f"{text}, at {pixels} px" if isinstance(pixels, int) else text


def _target(measures: Mapping[str, Any]) -> str:
    text = f"SSIM {ratio_text(measures['target_ssim'], 3)}"
    met = measures.get("target_met")
    return f"{text}, {'met' if met else 'not met'}" if isinstance(met, bool) else text


def card(derivative: Derivative, stills: Sequence[str]) -> Markup:
    """Everything about one derivative."""
    measures, name = derivative.measures, derivative.recipe.partition("@")[0]
    return tag(
        "article",
        tag("h3", name, " ", tag("small", f"{derivative.usage} / {derivative.quality}")),
        tag("dl", *(_pair(word, figure) for word, figure in _figures(derivative)), class_="figures"),
        verdicts_of(measures.get("verdicts")),
        stills_of(stills, of=name),
        _settings(measures),
        _all_measures(measures),
        _files(derivative),
        id=anchor_of(derivative),
        class_="derivative",
    )


def anchor_of(derivative: Derivative) -> str:
    """The card's id on the page: recipe, usage and quality tell derivatives of the same bytes apart."""
    return f"d-{derivative.derivative_id[:12]}-{derivative.recipe.partition('@')[0]}-{derivative.quality}"


def _pair(word: str, figure: str) -> Markup:
    return tag("div", tag("dt", both(word)), tag("dd", figure))


def _settings(measures: Mapping[str, Any]) -> Markup:
    parts = []
    settings, trials = measures.get("settings"), measures.get("trials")
    if isinstance(settings, Mapping):
        tried = joined(" (", both("trials"), f": {trials})") if isinstance(trials, int) else ""
        parts.append(tag("details", tag("summary", both("settings"), tried), _plain_list(settings)))
    if isinstance(trials, Sequence) and not isinstance(trials, str) and trials:
        table = _trial_table([trial for trial in trials if isinstance(trial, Mapping)])
        summary = tag("summary", both("trials"), f" ({len(trials)})")
        parts.append(tag("details", summary, tag("div", table, class_="wide", tabindex=0)))
    return joined(*parts)


def _trial_table(trials: Sequence[Mapping[str, Any]]) -> Markup:
    names = list(dict.fromkeys(name for trial in trials for name in trial))
    head = tag("tr", *(tag("th", name.replace("_", " "), scope="col") for name in names))
    rows = [tag("tr", *(tag("td", plain_text(name, trial.get(name))) for name in names)) for trial in trials]
    return tag("table", tag("thead", head), tag("tbody", *rows))


def _all_measures(measures: Mapping[str, Any]) -> Markup:
    rest = {name: value for name, value in measures.items() if name not in _NESTED}
    return tag("details", tag("summary", both("measures")), _plain_list(rest)) if rest else Markup()


def _plain_list(values: Mapping[str, Any]) -> Markup:
    rows = [
        tag("div", tag("dt", name.replace("_", " ")), tag("dd", plain_text(name, value)))
        for name, value in values.items()
    ]
    return tag("dl", *rows, class_="plain")


def _files(derivative: Derivative) -> Markup:
    shown = [file for file in derivative.files if "/" not in file.path]
    rows = [
        tag(
            "li",
            tag("a", file.path, href=f"{derivative.derivative_id}/{file.path}"),
            f" {bytes_text(file.bytes)}",
        )
        for file in shown
    ]
    if len(shown) < len(derivative.files):
        rows.append(tag("li", f"and {len(derivative.files) - len(shown)} more in its folders"))
    return joined(heading(4, "files"), tag("ul", *rows, class_="files"))


def _recipe_name(derivative: Derivative) -> str:
    return f"{derivative.recipe.partition('@')[0]} ({derivative.quality})"
