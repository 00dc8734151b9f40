"""The judge as its users see it: a process of its own that draws the master once and every candidate after.

OpenGL may crash, hang or be absent, and candidates may be wrong in any way: each becomes a typed answer here.
"""

import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

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

    After a candidate that ended the process, the next call starts it anew. Not for several threads at once.
    """

    def __init__(self, master_glb: Path, plan: ViewPlan, timeout_s: float) -> None:
        self.plan = plan
        self.renderer = ""
        self._master = master_glb
        self._timeout_s = timeout_s
        self._process: _Process | None = None

    @classmethod
    def open(cls, master_glb: Path, plan: ViewPlan, *, timeout_s: float = DEFAULT_TIMEOUT_S) -> "Judge":
        """Start the process and take the master's pictures. timeout_s: for each request.

        master_glb: .glb or .gltf. Raises JudgeUnavailable without OpenGL and for a master without a picture.
        """
        if not timeout_s > 0:
            raise ValueError(f"Judge.open: want a positive timeout, got {timeout_s} s")
        judge = cls(master_glb, plan, timeout_s)
        judge._start()
        return judge

    def compare(self, glb: Path) -> Scores:
        """How the candidate looks beside the master. Raises JudgeFailed, or JudgeUnavailable if the process
        had to be started anew and could not."""
        answer = self._ask({"do": "compare", "glb": str(glb.resolve())})
        return scores_of(tuple(view_score_from_json(view) for view in answer["views"]), self.plan.size_px)

    def write_stills(self, glb: Path, folder: Path) -> tuple[str, ...]:
        """WebP pictures for a report; returns their names. Raises as `compare`.

        before-worst, after-worst (worst view, lit), before-lit, after-lit, before-unlit, after-unlit (first
        view), and difference (worst view, lit, amplified).
        """
        answer = self._ask({"do": "stills", "glb": str(glb.resolve()), "folder": str(folder.resolve())})
        return tuple(answer["files"])

    def close(self) -> None:
        """End the process. May be called twice."""
        if self._process is not None:
            self._process.end()
            self._process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start(self) -> None:
        try:
            self._process = _Process()
        except OSError as error:
            raise JudgeUnavailable(f"The renderer could not be started ({error.strerror}).") from error
        request = {
            "do": "open",
            "master": str(self._master.resolve()),
            "size_px": self.plan.size_px,
            "views": self.plan.views,
        }
        try:
            answer = self._process.ask(request, self._timeout_s)
        except _Ended as ended:
            self.close()
            raise JudgeUnavailable(f"The renderer {ended} while it drew the master.") from ended
        if "ok" not in answer:
            self.close()
            if "unavailable" in answer:
                raise JudgeUnavailable(f"There is no OpenGL ({answer['unavailable']}). {_NEEDS}")
            raise JudgeUnavailable(f"The master could not be drawn: {answer['fault']}")
        self.renderer = answer["renderer"]

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        if self._process is None:
            self._start()
        assert self._process is not None
        try:
            answer = self._process.ask(request, self._timeout_s)
        except _Ended as ended:
            self.close()
            raise JudgeFailed(f"The renderer {ended} while it drew this file.") from ended
        if "ok" not in answer:
            raise JudgeFailed(f"This file could not be drawn: {answer['fault']}")
        return answer


class _Ended(Exception):
    """The process gave no answer; the text says how, as a verb."""


class _Process:
    """The other side of `process`: one request, one answer."""

    def __init__(self) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process; `end` closes it
        paths = [entry for entry in sys.path if entry and Path(entry).is_absolute()]
        self._child = subprocess.Popen(
            [sys.executable, "-P", "-m", "asset_pipeline.models.judge.process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(paths),
                "PYTHONDONTWRITEBYTECODE": "1",
                "OPENBLAS_NUM_THREADS": "1",
                "MESA_SHADER_CACHE_DISABLE": "true",  # no writes into the home folder
                "LIBGL_ALWAYS_SOFTWARE": "true",  # the same figures on every machine, graphics card or not
            },
        )

    def ask(self, request: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        """The answer. Raises _Ended, with the process gone, when there is none in time."""
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(json.dumps({**request, "timeout_s": timeout_s}).encode() + b"\n")
            self._child.stdin.flush()
        except BrokenPipeError as error:
            raise self._ended() from error
        line = self._read_line(time.monotonic() + timeout_s)
        if line is None:
            self.end()
            raise _Ended(f"did not finish within {timeout_s:g} s")
        if not line.endswith(b"\n"):
            raise self._ended()
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _read_line(self, deadline: float) -> bytes | None:
        """A line; what there is at the stream's end; None when time is up."""
        assert self._child.stdout is not None
        stream = self._child.stdout.fileno()
        found = b""
        with selectors.DefaultSelector() as selector:
            selector.register(stream, selectors.EVENT_READ)
            while not found.endswith(b"\n"):
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    return None
                part = os.read(stream, 1 << 16)
                if not part:
                    break
                found += part
        return found

    def _ended(self) -> _Ended:
        self.end()
        code = self._child.returncode
        how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
        return _Ended(how)

    def end(self) -> None:
        """Kill it if it lives, and wait for its end. May be called twice."""
        for stream in (self._child.stdin, self._child.stdout):
            if stream is not None and not stream.closed:
                try:
                    stream.close()
                except BrokenPipeError:  # what was still to be sent has nobody to read it
                    continue
        if self._child.poll() is None:
            try:
                self._child.wait(timeout=0.5)
            except subprocess.TimeoutExpired:
                self._child.kill()
        self._child.wait()
        self._log.close()
