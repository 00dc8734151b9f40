"""What the judge's process holds: the master's pictures, and the renderer that draws the candidates."""

import dataclasses
from pathlib import Path
from typing import Any

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
    """Answers the requests of `process`. Order does not matter: only "open" leaves anything behind."""

    def __init__(self) -> None:
        self._renderer: Renderer | None = None
        self._middle: NDArray[np.float64] = np.zeros(3)
        self._cameras: list[Camera] = []
        self._master: list[Picture] = []

    def do_open(self, request: dict[str, Any]) -> dict[str, Any]:
        """Take the master's pictures. request: master, size_px, views."""
        self._renderer = Renderer(request["size_px"])
        document, _ = load_gltf(Path(request["master"]))
        sphere = bounding_sphere(document)
        if sphere is None:
            raise refuse("the model shows nothing.")
        self._middle, radius = sphere
        self._cameras = cameras(request["views"], max(radius, MIN_RADIUS_M))
        self._master = list(self._renderer.draw(document, self._middle, self._cameras))
        return {"ok": True, "renderer": self._renderer.name}

    def do_compare(self, request: dict[str, Any]) -> dict[str, Any]:
        """Scores of a candidate. request: glb."""
        return {"ok": True, "views": [dataclasses.asdict(view) for view in self._compare(request["glb"])]}

    def do_stills(self, request: dict[str, Any]) -> dict[str, Any]:
        """Pictures of master and candidate. request: glb, folder."""
        pictures = list(self._draw(request["glb"]))
        views = [compare_pictures(*pair) for pair in zip(self._master, pictures, strict=True)]
        worst = scores_of(tuple(views), 0).worst_view
        names = write_stills(self._master, pictures, worst, Path(request["folder"]))
        return {"ok": True, "files": list(names)}

    def _compare(self, glb: str) -> list[ViewScore]:
        return [compare_pictures(*pair) for pair in zip(self._master, self._draw(glb), strict=True)]

    def _draw(self, glb: str) -> Any:
        assert self._renderer is not None, "nothing was opened"
        document, _ = load_gltf(Path(glb))
        return self._renderer.draw(document, self._middle, self._cameras)
