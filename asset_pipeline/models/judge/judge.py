"""The judge as its users see it: a process of its own that draws the master once and every candidate after.

OpenGL may crash, hang or be absent, and candidates may be wrong in any way: each becomes a typed answer here.
"""

import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from asset_pipeline.models.judge.renderer_process import RendererEnded, RendererProcess
from asset_pipeline.models.judge.scores import Scores, ViewPlan, scores_of, view_score_from_json

DEFAULT_TIMEOUT_S = 240.0  # per request; 2 million triangles take some seconds

_NEEDS = "It needs Mesa's OpenGL, also without a graphics card: apt install libegl1 libgl1-mesa-dri."


class JudgeUnavailable(Exception):
    """Nothing can be compared: no OpenGL here, or no picture of this master. `reason` is a sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class JudgeFailed(Exception):
    """This candidate could not be looked at: it is damaged, or it crashed or stalled the renderer."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Judge:
    """Compares candidate files with one master. A context manager: its end is the process's end.

    After a candidate that ended the process, the next call starts another. Not for several threads at once.
    """

    def __init__(self, plan: ViewPlan, timeout_s: float) -> None:
        self.plan = plan
        self.renderer = ""
        self._timeout_s = timeout_s
        self._pictures = tempfile.TemporaryDirectory(prefix="halong-xr-judge-")
        self._setting: dict[str, Any] = {}  # what a process must know to go on with the master's pictures
        self._process: RendererProcess | None = None
        self._is_starting = False

    @classmethod
    def open(cls, master_glb: Path, plan: ViewPlan, *, timeout_s: float = DEFAULT_TIMEOUT_S) -> "Judge":
        """Start the process and take the master's pictures. timeout_s: for each request.

        master_glb: .glb or .gltf. Raises JudgeUnavailable without OpenGL and for a master without a picture.
        """
        if not timeout_s > 0:
            raise ValueError(f"Judge.open: want a positive timeout, got {timeout_s} s")
        judge = cls(plan, timeout_s)
        try:
            judge._take_pictures(master_glb)
            judge._start()
        except BaseException:
            judge.close()
            raise
        return judge

    def compare(self, glb: Path) -> Scores:
        """How the candidate looks beside the master. Raises JudgeFailed."""
        answer = self._ask({"do": "compare", "glb": str(glb.resolve())})
        return scores_of(tuple(view_score_from_json(view) for view in answer["views"]), self.plan.size_px)

    def write_stills(self, glb: Path, folder: Path) -> tuple[str, ...]:
        """WebP pictures for a report; returns their names. Raises JudgeFailed.

        before-worst, after-worst (worst view, lit), before-lit, after-lit, before-unlit, after-unlit (first
        view), and difference (worst view, lit, amplified).
        """
        answer = self._ask({"do": "stills", "glb": str(glb.resolve()), "folder": str(folder.resolve())})
        return tuple(answer["files"])

    def close(self) -> None:
        """End the process, forget the pictures. May be called twice."""
        self._stop()
        self._pictures.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _take_pictures(self, master_glb: Path) -> None:
        """In a process that ends with it: OpenGL keeps much of what it has drawn, and masters are large."""
        setting = {"size_px": self.plan.size_px, "views": self.plan.views, "folder": self._pictures.name}
        try:
            self._process = RendererProcess()
        except OSError as error:
            raise JudgeUnavailable(f"The renderer could not be started ({error.strerror}).") from error
        request = {"do": "open", "master": str(master_glb.resolve()), **setting}
        try:
            self._process.send(request, self._timeout_s)
            answer = self._process.receive(self._timeout_s)
        except RendererEnded as ended:
            raise JudgeUnavailable(f"The renderer {ended} while it drew the master.") from ended
        if "unavailable" in answer:
            raise JudgeUnavailable(f"There is no OpenGL ({answer['unavailable']}). {_NEEDS}")
        if "fault" in answer:
            raise JudgeUnavailable(f"The master could not be drawn: {answer['fault']}")
        self._stop()
        self.renderer = answer["renderer"]
        self._setting = {**setting, "middle": answer["middle"], "radius": answer["radius"]}

    def _start(self) -> None:
        """Without waiting: it gets ready while the caller makes the first candidate."""
        try:
            self._process = RendererProcess()
            self._process.send({"do": "resume", **self._setting}, self._timeout_s)
        except (OSError, RendererEnded) as error:
            self._stop()
            raise JudgeFailed(f"The renderer could not be started ({error}).") from error
        self._is_starting = True

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        if not self._setting:
            raise ValueError("Judge: it was not opened")
        if self._process is None:
            self._start()
        assert self._process is not None
        try:
            if self._is_starting:
                self._is_starting = False
                _checked(self._process.receive(self._timeout_s))
            self._process.send(request, self._timeout_s)
            return _checked(self._process.receive(self._timeout_s))
        except RendererEnded as ended:
            self._stop()
            raise JudgeFailed(f"The renderer {ended} while it drew this file.") from ended

    def _stop(self) -> None:
        if self._process is not None:
            self._process.end()
            self._process = None


def _checked(answer: dict[str, Any]) -> dict[str, Any]:
    if "ok" not in answer:
        raise JudgeFailed(f"This file could not be drawn: {answer.get('fault') or answer}")
    return answer
