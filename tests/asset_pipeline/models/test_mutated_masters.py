"""Spoiled OBJ, PLY, STL, Draco, LAS, LAZ and text masters: read or refused, quickly, never anything else."""

import time
from pathlib import Path

import numpy as np
import pytest

from asset_pipeline.models.reading.mesh_files import load_mesh_file
from asset_pipeline.outcome import Refused
from tests.asset_pipeline.models.watch_cost import own_peak_bytes

MASTERS = (
    "pointcloud/simple.copc.laz", "pointcloud/simple.las", "pointcloud/points_agisoft.xyz",
    "ply/edge/points_bin.ply", "ply/edge/points_ascii.ply", "ply/edge_draco/test_pos_color_ascii.ply",
    "ply/edge/multi.ply", "gltf-compressed/pc_color.drc", "gltf-compressed/car.drc",
    "gltf-compressed/cube_att_sub_o_2.drc", "stl/multibody.stl", "stl/featuretype.STL",
    "obj/edge_assimp/cube_with_vertexcolors.obj", "obj/edge/negative_indices.obj",
)  # fmt: skip
HEADER_BYTES = 400  # where a changed byte does most
MAX_GROWTH_KIB = 400 * 1024  # of this process's memory over all the files


def spoil(body: bytes, random: np.random.Generator) -> bytes:
    """The file with bytes changed, changed in its header, cut off, or with a piece of it doubled."""
    spoilt = bytearray(body)
    kind = int(random.integers(4))
    if kind < 2:
        for _ in range(int(random.integers(1, 6))):
            spoilt[int(random.integers(len(body) if kind else min(len(body), HEADER_BYTES)))] = int(
                random.integers(256)
            )
    elif kind == 2:
        del spoilt[int(random.integers(1, len(body))) :]
    else:
        start, place = int(random.integers(len(body))), int(random.integers(len(body)))
        spoilt[place:place] = body[start : start + int(random.integers(1, 60))]
    return bytes(spoilt)


@pytest.mark.parametrize(
    ("seed", "files"),
    [(1, 300), pytest.param(2, 3000, marks=pytest.mark.slow), pytest.param(3, 3000, marks=pytest.mark.slow)],
)
def test_spoiled_masters_are_read_or_refused(shared: Path, tmp_path: Path, seed: int, files: int) -> None:
    bodies = [(Path(name).suffix, (shared / "assets" / name).read_bytes()) for name in MASTERS]
    random = np.random.default_rng(seed)
    before = own_peak_bytes() // 1024
    refused = 0
    for _ in range(files):
        suffix, body = bodies[int(random.integers(len(bodies)))]
        path = tmp_path / f"spoilt{suffix}"
        path.write_bytes(spoil(body, random))
        started = time.process_time()
        try:
            load_mesh_file(path)
        except Refused:
            refused += 1
        assert time.process_time() - started < 10
    assert files * 0.4 < refused < files * 0.95
    assert own_peak_bytes() // 1024 - before < MAX_GROWTH_KIB
