"""What a large master costs: all processes under the pipeline together, watched while it works."""

import io
import threading
import time
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from asset_pipeline.models.document import Document, Image
from asset_pipeline.models.write_glb import GeometryCodec, WriteOptions, write_glb
from asset_pipeline.optimize import run_master
from asset_pipeline.report import Status
from tests.asset_pipeline.models.conftest import sheet

MIB = 1024 * 1024


class Watch:
    """The largest sum of anonymous memory of all processes below this one, and of any one of them."""

    def __enter__(self) -> "Watch":
        self.peak_sum_bytes = self.peak_one_bytes = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.is_set():
            sizes = [
                size
                for pid in descendants(Path("/proc/self").resolve().name)
                if (size := anonymous_bytes(pid))
            ]
            self.peak_sum_bytes = max(self.peak_sum_bytes, sum(sizes))
            self.peak_one_bytes = max(self.peak_one_bytes, *sizes, 0)
            time.sleep(0.02)


def descendants(pid: str) -> list[str]:
    parents: dict[str, list[str]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(fields[1], []).append(path.parent.name)
    found, pending = [], [pid]
    while pending:
        children = parents.get(pending.pop(), [])
        found += children
        pending += children
    return found


def anonymous_bytes(pid: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon:")), 0)


@pytest.mark.slow
def test_two_million_triangles_with_an_8k_texture_take_less_than_one_and_a_half_gib(tmp_path: Path) -> None:
    noise = np.random.default_rng(8).integers(0, 255, (1024, 1024, 3), np.uint8)
    picture = PIL.Image.fromarray(noise).resize((8192, 8192), PIL.Image.Resampling.BICUBIC)
    body = io.BytesIO()
    picture.save(body, "JPEG", quality=85)
    document = sheet(
        1001,
        size_m=20.0,
        materials=[{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}],
        textures=[{"source": 0}],
    )
    document.json["meshes"][0]["primitives"][0]["material"] = 0
    document = Document(document.json, document.accessors, (Image(body.getvalue(), "image/jpeg"),))
    master = tmp_path / "large.glb"
    master.write_bytes(write_glb(document, WriteOptions(GeometryCodec.NONE)))
    del document, picture, noise

    with Watch() as watch:
        results = run_master(master, name=master.name, out=tmp_path / "out", recipes=["ar"])

    assert [(result.recipe, result.status) for result in results] == [("ar", Status.OK)]
    print(f"largest process {watch.peak_one_bytes / MIB:.0f} MiB, all {watch.peak_sum_bytes / MIB:.0f} MiB")
    assert watch.peak_sum_bytes < 1536 * MIB
