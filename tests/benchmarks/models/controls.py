"""What must hold before a figure is believed: files that changed nothing score so, a planted defect is seen,
and every file stands where the source stands."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from asset_pipeline.models.document import Accessor, Document
from asset_pipeline.models.measure import measure_bounds
from asset_pipeline.models.reading.read_gltf import load_gltf
from asset_pipeline.models.write_glb import GeometryCodec
from asset_pipeline.outcome import Refused
from tests.benchmarks.models.equal import Choice
from tests.benchmarks.models.glb import write_plain_glb
from tests.benchmarks.models.own import FILES, FINE, Own, Way
from tests.benchmarks.models.peers import CONTROL_PEERS, run_peer
from tests.benchmarks.models.scoring import Eye, Look, as_json, try_look
from tests.benchmarks.models.sources import Source

SHIFT = 0.02  # of the texture's width: the defect that is planted
GRID_BITS = 14  # of all tools' positions in the unsimplified files
ROUNDING_M = 2e-6  # the product's measure of bounds has six digits
MOVED = 0.05  # of the longest side: a simplified file whose box differs more is not the same model


def control(source: Source, eye: Eye, own: Own) -> list[dict[str, Any]]:
    """A row for each: the source itself, its re-encodings without simplification, and a planted defect."""
    rows = [{"control": "source against itself", **_seen(try_look(eye, source.glb))}]
    whole = Choice(Way(own.modes[0], FINE, GeometryCodec.DRACO), source.triangles)
    for name, codec in (("ours, Draco", GeometryCodec.DRACO), ("ours, meshopt", GeometryCodec.MESHOPT)):
        path = own.file(replace(whole, kind=replace(whole.kind, codec=codec)))
        rows.append(
            {"control": f"{name}, all triangles", **_seen(try_look(eye, path)), **_stands(source, path)}
        )
    for peer in CONTROL_PEERS:
        run = run_peer(peer, source, 1.0)
        if run.problem is not None:
            rows.append({"control": f"{peer.name}, all triangles", "problem": run.problem})
            continue
        look = _seen(try_look(eye, run.glb))
        rows.append({"control": f"{peer.name}, all triangles", **look, **_stands(source, run.glb)})
    defect = plant_shifted_uv(source)
    if defect is not None:
        rows.append({"control": f"planted: UV shifted by {SHIFT:g}", **_seen(try_look(eye, defect))})
    return rows


def _seen(look: Look | str) -> dict[str, Any]:
    return {"problem": look} if isinstance(look, str) else as_json(look)


def _stands(source: Source, path: Path) -> dict[str, Any]:
    return {"off_steps": off_by(source.glb, path, grid_bits=GRID_BITS)}


def off_by(source: Path, path: Path, *, grid_bits: int = 0) -> float | None:
    """The largest shift of a side of the bounding box: in grid steps, or as a share of the longest side for
    0 bits; None where one of the files shows nothing or is refused by our reader."""
    try:
        boxes = [measure_bounds(load_gltf(one)[0]) for one in (source, path)]
    except Refused:
        return None
    if boxes[0] is None or boxes[1] is None:
        return None
    first, second = (np.array(box, np.float64) for box in boxes)
    longest = float((first[1] - first[0]).max())
    shift = max(float(np.abs(first - second).max()) - ROUNDING_M, 0.0)
    return round(shift / longest * ((1 << grid_bits) - 1 if grid_bits else 1), 3) if longest > 0 else None


def plant_shifted_uv(source: Source) -> Path | None:
    """The source with its first UV set shifted; None without textures."""
    document, _ = load_gltf(source.glb)
    numbers = {
        primitive["attributes"]["TEXCOORD_0"]
        for _, _, primitive in document.primitives()
        if "TEXCOORD_0" in primitive["attributes"]
    }
    if not numbers or not document.images:
        return None
    accessors = tuple(
        _shifted(accessor) if index in numbers else accessor
        for index, accessor in enumerate(document.accessors)
    )
    FILES.mkdir(parents=True, exist_ok=True)
    path = FILES / f"{source.name}-shifted-uv.glb"
    path.write_bytes(write_plain_glb(Document(document.json, accessors, document.images)))
    return path


def _shifted(accessor: Accessor) -> Accessor:
    return Accessor((accessor.as_floats() + np.float32(SHIFT)).astype(np.float32), "VEC2")
