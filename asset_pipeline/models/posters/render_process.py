"""Run one of the renderers in a process of its own: OpenGL may crash, hang or be absent."""

import os
import subprocess
import sys
from pathlib import Path

from asset_pipeline.outcome import warn
from heritage_sites.problem import Problem

MAX_RENDER_S = 240.0  # a million triangles take about 6 s alone; this is for drivers that hang

_NEEDS = "It needs Mesa's OpenGL, also without a graphics card: apt install libegl1 libgl1-mesa-dri."


def run_renderer(module: str, glb: Path, shots: Path, *numbers: int) -> str:
    """What went wrong, in a few words; empty if the pictures are there. Filament's chatter goes nowhere.

    module: of this package; it is called with the model, the file to write and the numbers.
    """
    command = [
        sys.executable, "-m", f"{__package__}.{module}",
        str(glb.resolve()), str(shots), *(str(number) for number in numbers),
    ]  # fmt: skip
    environment = {**os.environ, "MESA_SHADER_CACHE_DISABLE": "true"}  # no writes into the home folder
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=MAX_RENDER_S,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"the renderer did not finish within {MAX_RENDER_S:g} s"
    except OSError as error:
        return f"the renderer could not be started ({error.strerror})"
    if done.returncode < 0:
        return f"the renderer was ended by signal {-done.returncode}"
    if done.returncode:
        last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        return last[0][:200] if last else f"the renderer ended with code {done.returncode}"
    return "" if shots.is_file() else "the renderer left no picture"


def left_out(what: str, fault: str) -> Problem:
    """The warning that a picture is missing, with what to install where that may help."""
    return warn(
        f"The {what} was left out: {fault}.",
        where=what,
        advice="" if fault.startswith(("AssetError", "ValueError")) else _NEEDS,
    )
