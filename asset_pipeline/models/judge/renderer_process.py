"""The renderer's process from outside: started, asked, timed, ended."""

import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any


class RendererEnded(Exception):
    """The process gave no answer; the text says what became of it, as a verb."""


class RendererProcess:
    """The other side of `process`: one request, one answer. Raises OSError where it cannot be started."""

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

    def send(self, request: dict[str, Any], timeout_s: float) -> None:
        """Pass a request on; it ends itself soon after timeout_s. Raises RendererEnded."""
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(json.dumps({**request, "timeout_s": timeout_s}).encode() + b"\n")
            self._child.stdin.flush()
        except BrokenPipeError as error:
            raise self._ended() from error

    def receive(self, timeout_s: float) -> dict[str, Any]:
        """The answer. Raises RendererEnded, with the process gone, when there is none in time."""
        line = self._read_line(time.monotonic() + timeout_s)
        if line is None:
            self.end()
            raise RendererEnded(f"did not finish within {timeout_s:g} s")
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

    def _ended(self) -> RendererEnded:
        self.end()
        code = self._child.returncode
        how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
        return RendererEnded(how)

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
