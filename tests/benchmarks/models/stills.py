"""Pictures for the page: source, our file and the hardest peer's in one view and light; free models only."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import PIL.Image

from tests.benchmarks.models.own import FILES
from tests.benchmarks.models.peers import RUNS
from tests.benchmarks.models.ratios import hardest
from tests.benchmarks.models.rows import geometry_pairs, valid_rows
from tests.benchmarks.models.scoring import Eye
from tests.benchmarks.models.sources import SOURCES, Source

SHOWN = ("venus", "whale-cranium", "saxophone", "karst-tower")  # CC0 and ours: their pictures may be shipped
RATIO = 0.1
SIDE_PX = 480
QUALITY = 82
FILES_OF_KINDS = {"source": "ours/before-lit", "ours": "ours/after-lit", "peer": "peer/after-lit"}


def write_stills(results: Sequence[dict[str, Any]], pictures: Path) -> list[Path]:
    """comparison-MODEL-source/ours/peer.webp for each model of SHOWN that was compared."""
    written = []
    for result in results:
        if result["name"] in SHOWN and result.get("geometry"):
            written += _stills_of(result, pictures)
    return written


def _stills_of(result: dict[str, Any], pictures: Path) -> list[Path]:
    name = result["name"]
    pairs = [pair for pair in hardest(geometry_pairs([result])) if pair.ratio == RATIO]
    if not pairs:
        return []
    row = next(
        row for row in valid_rows(result) if (row["peer"], row["ratio"]) == (pairs[0].peer, pairs[0].ratio)
    )
    sha256 = result["source_sha256"]
    source = Source(name, SOURCES / f"{name}-{sha256[:12]}.glb", sha256, result["triangles"])
    written = []
    eye = Eye(source)
    try:
        with tempfile.TemporaryDirectory(prefix="bench-stills-") as folder:
            eye.write_stills(FILES / row["our_file"], Path(folder) / "ours")
            eye.write_stills(RUNS / row["their_file"], Path(folder) / "peer")
            for kind, file in (
                ("source", "ours/before-lit"),
                ("ours", "ours/after-lit"),
                ("peer", "peer/after-lit"),
            ):
                (found,) = Path(folder).glob(f"{file}.*")
                with PIL.Image.open(found) as picture:
                    small = picture.convert("RGB").resize((SIDE_PX, SIDE_PX), PIL.Image.Resampling.LANCZOS)
                written.append(pictures / f"comparison-{name}-{kind}.webp")
                small.save(written[-1], "WEBP", quality=QUALITY, method=6)
    finally:
        eye.close()
    return written
