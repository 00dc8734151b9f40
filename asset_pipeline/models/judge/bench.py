"""What the judge's process holds: the master's pictures, and the renderer that draws the candidates."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.judge.likeness import compare_pictures
from asset_pipeline.models.judge.renderer import Picture, Renderer
from asset_pipeline.models.judge.scene import bounding_sphere
from asset_pipeline.models.judge.scores import ViewScore, scores_of
from asset_pipeline.models.judge.stills import write_stills
from asset_pipeline.models.judge.views import Camera, cameras
from asset_pipeline.models.reading.read_gltf import load_gltf
from asset_pipeline.outcome import refuse

MIN_RADIUS_M = 1e-9  # a single point has none


class Bench:
    """Answers the requests of `process`: "open" in one process, "resume" and the others in the next, so that
    nothing of a large master stays in memory. No comparison leaves anything behind.
    """

    def __init__(self) -> None:
        self._renderer: Renderer | None = None
        self._middle = np.zeros(3)
        self._cameras: list[Camera] = []
        self._master: list[Picture] = []

    def do_open(self, request: dict[str, Any]) -> dict[str, Any]:
        """Take the master's pictures into a folder. request: master, size_px, views, folder."""
        size_px, views, folder = request["size_px"], request["views"], Path(request["folder"])
        renderer = Renderer(size_px)
        document, _ = load_gltf(Path(request["master"]))
        sphere = bounding_sphere(document)
        if sphere is None:
            raise refuse("the model shows nothing.")
        middle, radius = sphere
        radius = max(radius, MIN_RADIUS_M)
        kept = _kept_pictures(folder, views, size_px, "w+")
        pictures = renderer.draw(document, middle, cameras(views, radius))
        del document  # the drawing lets go of it as soon as it can, and so must we
        is_seen = False
        for number, picture in enumerate(pictures):
            for pixels, taken in zip(kept, (picture.lit, picture.unlit, picture.coverage), strict=True):
                pixels[number] = taken
            is_seen = is_seen or bool(picture.coverage.any())
        if not is_seen:
            raise refuse("the model shows nothing.")
        return {"ok": True, "renderer": renderer.name, "middle": middle.tolist(), "radius": radius}

    def do_resume(self, request: dict[str, Any]) -> dict[str, Any]:
        """Go on with the pictures that "open" took. request: as for "open", middle and radius."""
        size_px, views = request["size_px"], request["views"]
        self._renderer = Renderer(size_px)
        self._middle = np.array(request["middle"], np.float64)
        self._cameras = cameras(views, request["radius"])
        kept = _kept_pictures(Path(request["folder"]), views, size_px, "r")
        self._master = [Picture(*pixels) for pixels in zip(*kept, strict=True)]
        return {"ok": True}

    def do_compare(self, request: dict[str, Any]) -> dict[str, Any]:
        """Scores of a candidate. request: glb."""
        views = self._scores(self._draw(request["glb"]))
        return {"ok": True, "views": [dataclasses.asdict(view) for view in views]}

    def do_stills(self, request: dict[str, Any]) -> dict[str, Any]:
        """Pictures of master and candidate. request: glb, folder."""
        pictures = list(self._draw(request["glb"]))
        worst = scores_of(self._scores(iter(pictures)), 0).worst_view
        names = write_stills(self._master, pictures, worst, Path(request["folder"]))
        return {"ok": True, "files": list(names)}

    def _scores(self, pictures: Iterator[Picture]) -> tuple[ViewScore, ...]:
        return tuple(compare_pictures(*pair) for pair in zip(self._master, pictures, strict=True))

    def _draw(self, glb: str) -> Iterator[Picture]:
        assert self._renderer is not None, "nothing was opened"
        document, _ = load_gltf(Path(glb))
        return self._renderer.draw(document, self._middle, self._cameras)


def _kept_pictures(
    folder: Path, views: int, size_px: int, mode: Literal["r", "w+"]
) -> list[NDArray[np.uint8]]:
    """Lit, unlit and coverage of all views, in files of the folder: they need not be in memory."""
    shapes = {"lit": (views, size_px, size_px, 3), "unlit": (views, size_px, size_px, 3)}
    planes = {**shapes, "coverage": (views, size_px, size_px, 1)}
    kept = [np.memmap(folder / name, np.uint8, mode, shape=shape) for name, shape in planes.items()]
    return [kept[0], kept[1], kept[2][..., 0]]
