"""The page docs/formats/models.md, written from the tables the code itself works with.

python -m asset_pipeline.models.format_page > docs/formats/models.md
"""

from asset_pipeline.model_options import UNITS_M
from asset_pipeline.models.extensions import KNOWN_EXTENSIONS
from asset_pipeline.models.format_tables import CONTENTS, MASTER_FORMATS, MENDED, REFUSED
from asset_pipeline.models.reading.check_gltf import MAX_NODES, MAX_TRIANGLES
from asset_pipeline.models.reading.containers import MAX_JSON_DEPTH, MAX_JSON_VALUES
from asset_pipeline.models.reading.point_cloud import MAX_POINTS
from asset_pipeline.models.reading.read_accessors import GROWTH_FLOOR_BYTES, MAX_GROWTH, MAX_MODEL_BYTES
from asset_pipeline.models.reading.read_las import MAX_POINTS_READ
from asset_pipeline.models.reading.text_numbers import MAX_LINE_BYTES
from asset_pipeline.models.reading.uris import MAX_MASTER_BYTES
from asset_pipeline.models.recipes import MODEL_RECIPES, ModelRecipe
from asset_pipeline.models.steps.place_units import (
    LARGEST_M,
    LARGEST_SURVEY_M,
    SMALLEST_M,
    SMALLEST_SURVEY_M,
)
from asset_pipeline.models.steps.repair_winding import MAX_ORIENTED_TRIANGLES
from asset_pipeline.models.steps.textures import MAX_TEXTURE_PX
from asset_pipeline.sniff import FILE_TYPES, Route

RECIPE_HEAD = (
    "recipe", "form", "triangles drawn", "points", "texture px", "bytes", "GPU bytes", "SSIM wanted",
    "textures", "bits of position / UV / normal",
)  # fmt: skip
OTHER_3D = ("fbx", "blend", "3ds", "dae", "usdz", "3mf", "off", "cad", "b3dm", "tileset", "ktx2", "mtl")


def format_page() -> str:
    """The page as Markdown."""
    limits = (
        (
            "All files of a master (LAS and LAZ are read in parts: no limit but points)",
            f"{MAX_MASTER_BYTES >> 20} MiB",
        ),
        ("Triangles", f"{MAX_TRIANGLES:,}"),
        ("Triangles whose winding is looked at (OBJ, PLY, STL)", f"{MAX_ORIENTED_TRIANGLES:,}"),
        ("Points of a cloud, kept (more are thinned out evenly, and that is said)", f"{MAX_POINTS:,}"),
        ("Points of a cloud, read", f"{MAX_POINTS_READ:,}"),
        ("A line of a list of points", f"{MAX_LINE_BYTES:,} characters"),
        ("Nodes", f"{MAX_NODES:,}"),
        ("Texture side", f"{MAX_TEXTURE_PX} px"),
        ("All numbers, decoded", f"{MAX_MODEL_BYTES >> 20} MiB"),
        (f"Growth when decoded, past {GROWTH_FLOOR_BYTES >> 20} MiB", f"{MAX_GROWTH} times what was sent"),
        ("JSON", f"{MAX_JSON_VALUES:,} values, {MAX_JSON_DEPTH} levels"),
    )
    formats = [(row.title, row.unit, row.up, row.read, row.left_out) for row in MASTER_FORMATS]
    extensions = [(f"`{name}`", known.fate.value, known.note) for name, known in KNOWN_EXTENSIONS.items()]
    others = [
        (FILE_TYPES[name].title, FILE_TYPES[name].advice)
        for name in OTHER_3D
        if FILE_TYPES[name].route is Route.NONE
    ]
    return "\n".join(
        [
            "# Models: what is kept, changed and refused",
            "",
            "Written by `python -m asset_pipeline.models.format_page` from the tables the code works with;",
            "a test compares, and others load a file for each kind of master.",
            "",
            "## Masters",
            "",
            *_table(("master", "unit", "up axis", "what is read", "left out"), formats),
            "",
            *_questions(),
            "",
            *_table(("not taken", "what to do"), others),
            "",
            "## Recipes",
            "",
            *_table(RECIPE_HEAD, [_recipe_row(recipe) for recipe in MODEL_RECIPES.values()]),
            "",
            "The cheapest settings that look as wanted are searched for; a budget that cannot be met is",
            "refused, with limit and actual.",
            "",
            "## Contents",
            "",
            *_table(("in the master", "in the derivative"), CONTENTS),
            "",
            "## Extensions",
            "",
            *_table(("extension", "what becomes of it", ""), extensions),
            "",
            "All ratified material extensions are in the table. Other optional extensions stay as they are",
            "if they hold only their own values; if they point to accessors, buffer views, textures or",
            "images they are removed with a warning. Others required: refused.",
            "",
            "## Mended, with a warning",
            "",
            *_table(("found", "done"), MENDED),
            "",
            "## Refused",
            "",
            *_table(("found", "what to do"), REFUSED),
            "",
            "## Limits",
            "",
            *_table(("what", "at most"), limits),
            "",
        ]
    )  # fmt: skip


def _questions() -> list[str]:
    """What is asked about units and up axes."""
    sizes = f"past {LARGEST_M:,.0f} m or below {SMALLEST_M * 1000:g} mm"
    survey = f"LAS and LAZ: {LARGEST_SURVEY_M / 1000:g} km, {SMALLEST_SURVEY_M * 1000:g} mm"
    return [
        "A cloud is shown as points; no surface is made of it, and a warning says so. What a file does not",
        "state is *asked*: it is read as metres with y up, and a warning names the size that gives and what",
        f"to answer: `--unit` with {', '.join(UNITS_M)}; `--up` with y or z. An answer becomes a node above",
        f"the scene's roots. Sizes {sizes} ({survey}) are",
        "asked about whatever the format states. Nothing is rescaled without an answer.",
    ]


def _recipe_row(recipe: ModelRecipe) -> tuple[str, ...]:
    budget, target = recipe.budget, recipe.target
    return (
        f"`{recipe.name}`",
        recipe.form.value,
        _limit(budget.triangles),
        _limit(budget.points),
        f"{budget.texture_px}",
        _limit(budget.bytes),
        _limit(budget.gpu_bytes),
        "" if target is None else f"{target.ssim:g} at {target.view_px} px",
        recipe.texture_codec.value,
        f"{recipe.position_bits} / {recipe.uv_bits} / {recipe.direction_bits}",
    )


def _limit(value: int | None) -> str:
    """A number to hold; past 32 bits there is none."""
    return "no limit" if value is None or value >= 2**32 else f"{value:,}"


def _table(head: tuple[str, ...], rows: object) -> list[str]:
    assert isinstance(rows, tuple | list)
    lines = [head, tuple("---" for _ in head), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]


if __name__ == "__main__":
    print(format_page(), end="")
