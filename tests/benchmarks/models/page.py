"""docs/comparison-models.md from a run's results."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.harness import ROOT, commit, machine
from tests.benchmarks.models.peers import (
    GEOMETRY_PEERS,
    MAX_TRIANGLES_LEFT,
    MIN_TRIANGLES_LEFT,
    RATIOS,
    TOTAL_PEERS,
    shown_command,
    versions,
)
from tests.benchmarks.models.ratios import Pair, hardest, mean_by_model
from tests.benchmarks.models.rows import geometry_pairs, left_out_rows, total_pairs, valid_rows
from tests.benchmarks.models.scoring import CONFIRM_PX, SEARCH_PX, VIEWS
from tests.benchmarks.models.sets import COMMITS, SHARED
from tests.benchmarks.models.sources import TEXTURE_PX

PAGE = ROOT / "docs" / "comparison-models.md"
PICTURES = ROOT / "docs" / "pictures"
NOTES = Path(__file__).parent / "notes.md"

Result = Mapping[str, Any]


def write_page(
    results: Sequence[dict[str, Any]], rows: Sequence[Mapping[str, Any]], absent: Sequence[Sequence[str]]
) -> Path:
    """Write the page and return its path. notes.md beside this file is taken in as it is."""
    parts = [
        _head(),
        _table(rows),
        NOTES.read_text(encoding="utf-8").strip(),
        _stills(),
        _method(),
        _models(results, absent),
        _geometry(results),
        _totals(results),
        _left_out(results),
        _controls(results),
    ]
    PAGE.write_text("\n\n".join(part for part in parts if part) + "\n", encoding="utf-8")
    return PAGE


def _head() -> str:
    tools = ", ".join(f"{name} {version}" for name, version in versions().items())
    return (
        "# Our 3D files beside gltfpack and gltf-transform\n\n"
        "Written by `make bench NAME=models ARGS=--page`, not by hand (the section on losses comes from "
        "`tests/benchmarks/models/notes.md`).\n\n"
        f"Measured on {machine()}; halong-xr at commit {commit()}; npm {tools}. "
        "Ratios are ours by theirs: below 1, ours is smaller, quicker or leaner."
    )


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    lines = [
        "## The figures",
        "",
        "| what | ours | theirs | ratio | goal |",
        "| --- | ---: | ---: | ---: | --- |",
    ]
    for row in rows:
        goal = row["goal"]
        words = "" if goal is None else f"<= {goal['limit']:g}: **{'holds' if row['holds'] else 'missed'}**"
        is_mean = row["unit"] == "x"
        ours = "" if is_mean else f"{_short(row['value'])} {row['unit']}"
        theirs = (
            row["reference"]
            if is_mean
            else f"{_short(row['reference_value'])} {row['unit']}, {row['reference']}"
        )
        lines.append(f"| {row['name']} | {ours} | {theirs} | {row['ratio']:.2f} | {words} |")
    return "\n".join(lines)


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def _stills() -> str:
    groups: dict[str, list[str]] = {}
    for path in sorted(PICTURES.glob("comparison-*.webp")):
        groups.setdefault(path.stem.rpartition("-")[0], []).append(path.name)
    if not groups:
        return ""
    lines = [
        "## Stills",
        "",
        "The source, our file and the hardest peer's at ratio 0.1, the same view and light.",
    ]
    for name, files in groups.items():
        order = sorted(files, key=lambda file: ("source" not in file, "ours" not in file))
        shown = " ".join(
            f"![{file.removesuffix('.webp').rpartition('-')[2]}](pictures/{file})" for file in order
        )
        lines += ["", f"**{name.removeprefix('comparison-')}**", "", shown]
    return "\n".join(lines)


def _method() -> str:
    commands = "\n".join(shown_command(peer) for peer in (*GEOMETRY_PEERS, *TOTAL_PEERS))
    return f"""## How it was measured

1. **Same source.** Every model becomes one plain GLB; textures above {TEXTURE_PX} px or in other forms are
stored once as PNG or JPEG, all others kept byte for byte. OBJ, PLY, STL and Draco input goes through our
reader first, for everyone alike.
2. **Peers with their best flags**, at ratios {", ".join(f"{ratio:g}" for ratio in RATIOS)} (left out below
{MIN_TRIANGLES_LEFT} and above {MAX_TRIANGLES_LEFT:,} triangles). `-kn -km` make gltfpack keep names as we do;
`-se 1` and `--simplify-error 1` let them reach the ratio. With `-se 1` gltfpack prunes some models that are
nearly all seam down to nothing; where less than half of what was asked for is left, `-se 0.2` and then
`-se 0.05` are taken (told in the table):

   ```
{_indented(commands)}
   ```

   `-cz` writes KHR_meshopt_compression (codec v1), `-cc` and gltf-transform EXT_meshopt_compression (v0), as
   we do. npm's gltfpack cannot encode textures, so totals are compared with gltf-transform (the smaller of
   its two files).
3. **Quality** is what our judge renders (OpenGL in software): {VIEWS} views on a sphere around the source,
cameras and lights from the source's bounds, twice supersampled, SSIM over the union of both foregrounds, lit
(normals, roughness, metal, occlusion) and unlit (base colour alone, which sees textures). Means over the
views count.
4. **Equal quality.** For each peer's file, our lightest file that is at least as good in *both* means at
{SEARCH_PX} px is searched for (simplify mode, triangles, grid bits, meshopt or Draco); against the hardest
peers it must be so at {CONFIRM_PX} px too. Geometry is the file less its images (JSON and animation count);
images are the same bytes. Totals: our product's own search (`asset_pipeline/models/search.py`) with WebP,
aimed at the peer's two figures.
5. **Counting.** Per model and ratio, the peer that is hardest to beat; geometric mean over a model's ratios,
then over models. Worst model: the largest of these means.
6. **Time and memory**: commands in turn, medians; processes below each command, their start included.

`make bench NAME=models` repeats it (`INPUT=folder` on anyone's models, `ARGS=--short` in a few minutes);
`python -m tests.benchmarks.models.collect CLONES` lays the held-out models in place from clones of their
repositories."""


def _indented(text: str) -> str:
    return "\n".join(f"   {line}" for line in text.splitlines())


def _models(results: Sequence[Result], absent: Sequence[Sequence[str]]) -> str:
    lines = [
        "## The models", "",
        "No setting of ours was chosen on a held-out model. SHA-256 is of the plain GLB all tools read.", "",
        "| set | model | from | triangles | source | tests | licence | SHA-256 |",
        "| --- | --- | --- | ---: | ---: | --- | --- | --- |",
    ]  # fmt: skip
    for result in results:
        origin = result.get("origin", "")
        at = f"@{COMMITS[origin][:10]}" if origin in COMMITS else ""
        where = f"{'shared' if origin == SHARED else origin}{at} `{result.get('path', '')}`"
        lines.append(
            f"| {result['set']} | {result['name']} | {where} | {result.get('triangles', 0):,} "
            f"| {result.get('source_bytes', 0) / 1000:,.0f} kB | {result.get('tests', '')} "
            f"| {result.get('licence', '')} | `{result.get('source_sha256', '')[:16]}` |"
        )
    lines += [f"| | {name} | not on this machine: {reason} | | | | | |" for name, reason in absent]
    problems = [f"- {result['name']}: {result['problem']}" for result in results if "problem" in result]
    return "\n".join([*lines, *(["", "Not compared:", *problems] if problems else [])])


def _geometry(results: Sequence[Result]) -> str:
    lines = [
        "## Geometry, model by model", "",
        "The hardest peer of each ratio; bytes without images. SSIM is the mean lit / unlit at "
        f"{SEARCH_PX} px; worst: the lowest of any view.", "",
        *_header(
            "model", "ratio:", "hardest peer", "its triangles:", "its bytes (gzip):", "its SSIM",
            "our triangles:", "our bytes (gzip):", "our SSIM", "worst, theirs / ours", "our settings",
            "ours by theirs:",
        ),
    ]  # fmt: skip
    chosen = hardest(geometry_pairs(results))
    by_model = mean_by_model(chosen)
    for result in results:
        rows = {(row["peer"], row["ratio"]): row for row in valid_rows(dict(result))}
        for pair in (pair for pair in chosen if pair.model == result["name"]):
            lines.append(_geometry_line(pair, rows[pair.peer, pair.ratio]))
        if result["name"] in by_model:
            mean = f"**{by_model[result['name']]:.3f}**"
            lines.append(_line(f"**{result['name']}**", "mean", *[""] * 9, mean))
    return "\n".join(lines)


def _geometry_line(pair: Pair, row: Result) -> str:
    theirs, ours = row["their_look"], row["our_look"]
    bits = "/".join(map(str, row["our_bits"]))
    limit = "" if row.get("error_limit", "1") == "1" else f" (-se {row['error_limit']})"
    return _line(
        pair.model, f"{pair.ratio:g}", pair.peer + limit,
        f"{row['their_triangles']:,}", f"{row['theirs']:,} ({row['theirs_gzip']:,})", _ssim(theirs),
        f"{row['our_triangles']:,}", f"{row['ours']:,} ({row['ours_gzip']:,})", _ssim(ours),
        f"{theirs['worst_ssim']:.3f} / {ours['worst_ssim']:.3f}",
        f"{row['our_mode']}, {bits} bits, {row['our_codec']}", f"{pair.quotient:.3f}",
    )  # fmt: skip


def _header(*names: str) -> list[str]:
    """A table's two first lines; a colon after a name puts its column to the right."""
    rule = ["---:" if name.endswith(":") else "---" for name in names]
    return [_line(*(name.rstrip(":") for name in names)), _line(*rule)]


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _ssim(look: Mapping[str, float]) -> str:
    return f"{look['ssim_lit']:.4f} / {look['ssim_unlit']:.4f}"


def _totals(results: Sequence[Result]) -> str:
    pairs = total_pairs(results)
    if not pairs:
        return ""
    by_model = mean_by_model(hardest(pairs))
    lines = [
        "## Whole files, model by model", "",
        *_header(
            "model", "ratio:", "peer", "its bytes (images):", "its SSIM", "our bytes (images):", "our SSIM",
            "our triangles:", "our textures, px/quality", "trials:", "ours by theirs:",
        ),
    ]  # fmt: skip
    for result in results:
        lines += [_total_line(result["name"], row) for row in result.get("totals", [])]
        if result["name"] in by_model:
            mean = f"**{by_model[result['name']]:.3f}**"
            lines.append(_line(f"**{result['name']}**", "mean", *[""] * 8, mean))
    return "\n".join(lines)


def _total_line(name: str, row: Result) -> str:
    start = (name, f"{row['ratio']:g}", row["peer"])
    if "ours" not in row:
        theirs = f"{row['theirs']:,}"
        return _line(
            *start, theirs, _ssim(row["their_look"]), row["problem"], "", "", "", str(row["trials"]), ""
        )
    settings = row["our_settings"]
    textures = ", ".join(
        f"{role} {settings[f'{role}_max_px']}/{settings[f'{role}_quality']}"
        for role in ("color", "normal", "data")
        if f"{role}_max_px" in settings
    )
    sure = "" if row["confirmed"] else f" (not at {CONFIRM_PX} px)"
    return _line(
        *start, f"{row['theirs']:,} ({row['their_images']:,})", _ssim(row["their_look"]),
        f"{row['ours']:,} ({row['our_images']:,})", _ssim(row["our_look"]) + sure,
        f"{row['our_triangles']:,}", textures, str(row["trials"]), f"{row['ours'] / row['theirs']:.3f}",
    )  # fmt: skip


def _left_out(results: Sequence[Result]) -> str:
    found = [(result["name"], row, why) for result in results for row, why in left_out_rows(dict(result))]
    if not found:
        return ""
    lines = [
        "## Runs that do not count",
        "",
        "Failed or broken runs of a peer are listed, never used as an easy win.",
        "",
    ]
    lines += [
        f"- {name}, {row['peer']} at {row['ratio']:g}: {' '.join(str(why).split())[:200]}"
        for name, row, why in found
    ]
    return "\n".join(lines)


def _controls(results: Sequence[Result]) -> str:
    lines = [
        "## Controls", "",
        "All triangles kept, so only storing costs looks; `off` is the largest shift of the bounding box in "
        "steps of a 14-bit grid. The planted defect must score clearly below its source.", "",
        *_header("model", "file", "SSIM lit / unlit", "PSNR lit / unlit", "off:"),
    ]  # fmt: skip
    for result in results:
        for row in result.get("controls", []):
            if "problem" in row:
                lines.append(f"| {result['name']} | {row['control']} | {row['problem'][:80]} | | |")
                continue
            off = "" if row.get("off_steps") is None else f"{row['off_steps']:.2f}"
            lines.append(
                f"| {result['name']} | {row['control']} | {_ssim(row)} "
                f"| {row['psnr_lit_db']:.1f} / {row['psnr_unlit_db']:.1f} dB | {off} |"
            )
    return "\n".join(lines) if len(lines) > 6 else ""
