"""Other people's models through the judge: each is like itself, and packed it is nearly so."""

from pathlib import Path

import pytest

from asset_pipeline.models.judge.bench import Bench
from asset_pipeline.models.judge.renderer import Renderer
from asset_pipeline.models.judge.scores import ViewScore, scores_of
from asset_pipeline.models.reading.read_gltf import load_gltf
from asset_pipeline.models.steps.quantize import quantize
from asset_pipeline.models.write_glb import write_glb
from asset_pipeline.outcome import Refused
from tests.conftest import missing

SIZE_PX, VIEWS = 96, 3
NOTHING_TO_SEE = {"empty_nodes.glb"}


def models(shared: Path) -> list[Path]:
    folders = (shared / "assets" / "gltf", shared / "assets" / "gltf-compressed")
    return sorted(path for folder in folders for path in folder.rglob("*.gl[bt]*") if path.is_file())


def test_shared_models_are_like_themselves(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIBGL_ALWAYS_SOFTWARE", "true")
    monkeypatch.setenv("MESA_SHADER_CACHE_DISABLE", "true")
    try:
        Renderer(SIZE_PX)
    except Exception as error:  # noqa: BLE001 - glcontext raises bare Exceptions
        missing(f"OpenGL without a display ({error})")
    seen, empty = [], set()
    for master in models(shared):
        setting = {"size_px": SIZE_PX, "views": VIEWS, "folder": str(tmp_path)}
        bench = Bench()
        try:
            opened = bench.do_open({"master": str(master), **setting})
        except Refused:
            empty.add(master.name)
            continue
        bench.do_resume({**setting, **opened})
        packed = tmp_path / "packed.glb"
        packed.write_bytes(write_glb(quantize(load_gltf(master)[0], position_bits=14, uv_bits=12)))
        for file, least in ((master, 1.0), (packed, 0.97)):
            views = [ViewScore(**view) for view in bench.do_compare({"glb": str(file)})["views"]]
            scores = scores_of(tuple(views), SIZE_PX)
            assert scores.worst_ssim >= least, f"{master.name} as {file.name}: {scores}"
        seen.append(master.name)
    assert len(seen) > 20
    assert empty == NOTHING_TO_SEE
