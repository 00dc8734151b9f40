"""The lines of the table, from what `compare` and `totals` found for each model."""

from collections.abc import Iterable, Sequence
from typing import Any

from tests.benchmarks.harness import Row
from tests.benchmarks.models.ratios import Pair, broken_peers, geometric_mean, hardest, mean_by_model

GEOMETRY_LIMIT, WORST_LIMIT, TOTAL_LIMIT = 0.80, 1.05, 0.70
Result = dict[str, Any]
BEST = "best peer at equal rendered quality"
SHIPPED_SSIM = 0.8  # below, a file is not worth its name: textures of 64 px are then good enough
MAX_MOVED = 0.05  # of the longest side; a file whose box differs more is not compared


def rows_of(results: Sequence[Result]) -> list[Row]:
    """Geometry and totals, per set and over all; worst models; one codec against itself."""
    rows: list[Row] = []
    sets = list(dict.fromkeys(result["set"] for result in results))
    for name in sets:
        pairs = hardest(geometry_pairs(result for result in results if result["set"] == name))
        rows += _mean_row(f"geometry_bytes {name}", pairs, GEOMETRY_LIMIT)
    pairs = hardest(geometry_pairs(results))
    if len(sets) > 1:
        rows += _mean_row("geometry_bytes all", pairs, GEOMETRY_LIMIT)
    rows += _worst_row("geometry_bytes worst model", pairs, WORST_LIMIT)
    shipped = hardest(geometry_pairs(results, at_least=SHIPPED_SSIM))
    rows += _mean_row(f"geometry_bytes of files with SSIM >= {SHIPPED_SSIM:g}", shipped, None)
    rows += _mean_row("geometry_bytes gzipped", hardest(geometry_pairs(results, gzipped=True)), None)
    for codec, words in (("meshopt", "meshopt against meshopt"), ("draco", "Draco against Draco")):
        for gzipped in (False, True):
            same = hardest(same_codec_pairs(results, codec, gzipped=gzipped))
            rows += _mean_row(f"geometry_bytes {words}{', gzipped' if gzipped else ''}", same, None)
    for name in sets:
        pairs = hardest(total_pairs(result for result in results if result["set"] == name))
        rows += _mean_row(f"total_bytes {name}", pairs, TOTAL_LIMIT)
    pairs = hardest(total_pairs(results))
    if len(sets) > 1:
        rows += _mean_row("total_bytes all", pairs, TOTAL_LIMIT)
    rows += _worst_row("total_bytes worst model", pairs, None)
    return rows


def geometry_pairs(results: Iterable[Result], *, gzipped: bool = False, at_least: float = 0.0) -> list[Pair]:
    """Every valid comparison of geometry with a peer's file that looks at least so (SSIM)."""
    suffix = "_gzip" if gzipped else ""
    return [
        Pair(result["name"], row["ratio"], row["peer"], row[f"ours{suffix}"], row[f"theirs{suffix}"])
        for result in results
        for row in valid_rows(result)
        if "ours" in row and 1 - _loss(row["their_look"]) >= at_least
    ]


def valid_rows(result: Result) -> list[Result]:
    """The geometry rows that may count: the peer made a file, did not break the model, nor move it."""
    rows = result["geometry"]
    kept = []
    for ratio in dict.fromkeys(row["ratio"] for row in rows):
        here = [row for row in rows if row["ratio"] == ratio and "their_look" in row]
        broken = broken_peers({row["peer"]: _loss(row["their_look"]) for row in here})
        kept += [row for row in here if row["peer"] not in broken and not _has_moved(row)]
    return kept


def left_out_rows(result: Result) -> list[tuple[Result, str]]:
    """The rows that do not count, with the reason."""
    valid = valid_rows(result)
    reasons = []
    for row in result["geometry"]:
        if row in valid and "ours" in row:
            continue
        reason = row.get("problem")
        if reason is None and _has_moved(row):
            theirs, ours = row["their_off"], row.get("our_off", 0)
            reason = f"its box is off by {theirs:.1%} of the longest side (ours {ours:.1%})"
        reasons.append((row, reason or "far worse than its neighbours at this ratio"))
    return reasons


def _has_moved(row: Result) -> bool:
    return any((row.get(side) or 0.0) > MAX_MOVED for side in ("their_off", "our_off"))


def _loss(look: dict[str, float]) -> float:
    return 1 - min(look["ssim_lit"], look["ssim_unlit"])


def same_codec_pairs(results: Iterable[Result], codec: str, *, gzipped: bool) -> list[Pair]:
    """Our lightest file with one codec against the hardest peer with the same."""
    suffix = "_gzip" if gzipped else ""
    return [
        Pair(
            result["name"], row["ratio"], row["peer"],
            row["ours_same_codec"][f"ours{suffix}"], row[f"theirs{suffix}"],
        )
        for result in results
        for row in valid_rows(result)
        if row.get("ours_same_codec") and row["codec"] == codec
    ]  # fmt: skip


def total_pairs(results: Iterable[Result]) -> list[Pair]:
    """Every comparison of whole files that holds at the larger view too, of peers' files one would ship."""
    return [
        Pair(result["name"], row["ratio"], row["peer"], row["ours"], row["theirs"])
        for result in results
        for row in result.get("totals", [])
        if "ours" in row and row.get("confirmed", True) and 1 - _loss(row["their_look"]) >= SHIPPED_SSIM
    ]


def _mean_row(name: str, pairs: Sequence[Pair], limit: float | None) -> list[Row]:
    if not pairs:
        return []
    by_model = mean_by_model(pairs)
    words = f"{name}, {len(by_model)} models"
    op = None if limit is None else "<="
    return [Row(words, geometric_mean(by_model.values()), "x", BEST, 1.0, op, "ratio", limit, len(pairs))]


def _worst_row(name: str, pairs: Sequence[Pair], limit: float | None) -> list[Row]:
    if not pairs:
        return []
    by_model = mean_by_model(pairs)
    worst = max(by_model, key=lambda model: by_model[model])
    op = None if limit is None else "<="
    return [Row(f"{name} ({worst})", by_model[worst], "x", BEST, 1.0, op, "ratio", limit)]
