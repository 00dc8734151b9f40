"""Run one function in a process of its own, with limits, and always come back with a typed outcome.

Masters are other people's files and decoders have bugs: whatever a file does to the process that reads it
(a crash, endless work, all the memory) becomes a value here. The child is a fresh interpreter in its own
process group. It is limited twice: by the kernel (RLIMIT_DATA, RLIMIT_CPU, RLIMIT_FSIZE) and by this
process, which looks at its memory every 50 ms and at the clock, and kills the whole group. RLIMIT_DATA and
not RLIMIT_AS, because WebAssembly and graphics libraries map far more address space than they use.

A job may begin with a first look under tighter limits: they hold until the child says that it has read and
checked its file (`stages.first_look_done`), so that a hostile file is turned away at little cost.

Arguments and results are JSON: a child that a hostile file took over cannot hand back anything but data.
"""

import contextlib
import importlib
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asset_pipeline.stages import Stage, is_checked, read_stage, tell_to

MEMORY_LOOK_S = 0.05  # how often the parent looks; the kernel's limit holds between two looks
MAX_RESULT_BYTES = 64 * 1024 * 1024  # a result is a report of some kilobytes; more is a fault
MAX_LOG_BYTES = 256 * 1024  # of what the child printed, the end is kept
MAX_WRITTEN_FILE_BYTES = 8 * 1024**3  # the scratch of the largest panorama is 1.6 GB
INTERPRETER_BYTES = 256 * 1024 * 1024  # libraries and their threads' stacks, mapped but hardly used

_OUT_OF_MEMORY_WORDS = (
    "failed to allocate",
    "out of memory",
    "bad_alloc",
    "cannot allocate memory",
    "memoryerror",
    "memory allocation of",  # how Rust ends: "memory allocation of 99 bytes failed"
)


@dataclass(frozen=True, slots=True)
class FirstLook:
    """What a child may cost until its file is read and checked; cpu_s counts all its threads."""

    max_memory_bytes: int
    cpu_s: float

    def __post_init__(self) -> None:
        if self.max_memory_bytes <= 0 or not self.cpu_s > 0:
            raise ValueError(f"FirstLook: want positive limits, got {self}")


@dataclass(frozen=True, slots=True)
class Returned:
    """The function came back with this JSON value."""

    value: Any


@dataclass(frozen=True, slots=True)
class Raised:
    """The function raised: a fault of ours. summary fits in a sentence, log is for developers."""

    summary: str
    log: str


@dataclass(frozen=True, slots=True)
class Crashed:
    """The process ended without a result: a signal, or an exit in the middle."""

    summary: str
    log: str


@dataclass(frozen=True, slots=True)
class MemoryExceeded:
    """The process wanted more memory than it was given."""

    limit_bytes: int
    log: str = ""
    in_first_look: bool = False


@dataclass(frozen=True, slots=True)
class TimeExceeded:
    """The process took longer than it was given."""

    limit_s: float
    log: str = ""
    in_first_look: bool = False


_running: "set[subprocess.Popen[bytes]]" = set()  # changed under the interpreter's lock only

ChildOutcome = Returned | Raised | Crashed | MemoryExceeded | TimeExceeded


def run_in_child(
    function: Callable[..., Any],
    args: Sequence[Any] = (),
    *,
    max_memory_bytes: int,
    timeout_s: float,
    first_look: FirstLook | None = None,
    on_stage: Callable[[Stage], None] | None = None,
) -> ChildOutcome:
    """Call `function(*args)` in a child process and say what became of it. Never raises for what the child
    does.

    function: importable by module and name. args and the return value: JSON. timeout_s is wall-clock time;
    the child may use twice as many CPU seconds. on_stage is told what the child says it does, the latest
    word a few times a second. Raises ValueError for limits that are not positive.
    """
    if max_memory_bytes <= 0 or not timeout_s > 0:
        raise ValueError(f"run_in_child: want positive limits, got {max_memory_bytes} bytes, {timeout_s} s")
    with tempfile.TemporaryDirectory(prefix="halong-xr-child-") as folder:
        job = Path(folder)
        request = {
            "module": function.__module__,
            "function": function.__qualname__,
            "args": list(args),
            "max_memory_bytes": max_memory_bytes,
            "timeout_s": timeout_s,
            "first_look": [first_look.max_memory_bytes, first_look.cpu_s] if first_look else None,
            "parent_pid": os.getpid(),
        }
        (job / "request.json").write_text(json.dumps(request), encoding="utf-8")
        with (job / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "asset_pipeline.child", str(job)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=_child_environment(),
                start_new_session=True,
            )
        _running.add(process)
        try:
            exceeded = _watch(process, job, max_memory_bytes, timeout_s, first_look, on_stage)
        finally:
            _running.discard(process)
            _kill_group(process)
        return exceeded or _read_outcome(job, process.returncode, max_memory_bytes, timeout_s, first_look)


def stop_children() -> None:
    """Kill every child that other threads are waiting for; their `run_in_child` then returns `Crashed`."""
    for process in tuple(_running):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def _child_environment() -> dict[str, str]:
    """This process's environment; libraries keep to one thread unless our code starts more."""
    paths = [entry for entry in sys.path if entry and Path(entry).is_absolute()]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONFAULTHANDLER": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "VIPS_CONCURRENCY": "2",
    }


def _watch(
    process: "subprocess.Popen[bytes]",
    job: Path,
    max_memory_bytes: int,
    timeout_s: float,
    first_look: FirstLook | None,
    on_stage: Callable[[Stage], None] | None,
) -> MemoryExceeded | TimeExceeded | None:
    """Wait for the end, or for a limit that is passed (the caller kills)."""
    deadline = time.monotonic() + timeout_s
    wait_s = 0.002  # short children come back at once; the interval grows to MEMORY_LOOK_S
    told: Stage | None = None
    while True:
        try:
            process.wait(timeout=wait_s)
        except subprocess.TimeoutExpired:
            wait_s = min(MEMORY_LOOK_S, wait_s * 2)
        else:
            return None
        used_bytes = _anonymous_bytes(process.pid)
        if used_bytes > max_memory_bytes:
            return MemoryExceeded(max_memory_bytes)
        if first_look is not None and used_bytes > first_look.max_memory_bytes and not is_checked(job):
            return MemoryExceeded(first_look.max_memory_bytes, in_first_look=True)
        if time.monotonic() > deadline:
            return TimeExceeded(timeout_s)
        if on_stage is not None and (now := read_stage(job)) is not None and now != told:
            told = now
            on_stage(now)


def _anonymous_bytes(pid: int) -> int:
    """Memory of the process that no file backs; 0 where the system does not tell."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0
    for line in status.splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    return 0


def _kill_group(process: "subprocess.Popen[bytes]") -> None:
    """Kill the child and whatever it started; harmless after its end."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # the whole group has gone already
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _read_outcome(
    job: Path, returncode: int, max_memory_bytes: int, timeout_s: float, first_look: FirstLook | None
) -> ChildOutcome:
    log = _read_end(job / "log")
    out_of_memory, out_of_time = MemoryExceeded(max_memory_bytes, log), TimeExceeded(timeout_s, log)
    if first_look is not None and not is_checked(job):
        out_of_memory = MemoryExceeded(first_look.max_memory_bytes, log, in_first_look=True)
        out_of_time = TimeExceeded(first_look.cpu_s, log, in_first_look=True)
    result_file = job / "result.json"
    if returncode == 0 and result_file.is_file() and result_file.stat().st_size <= MAX_RESULT_BYTES:
        result = json.loads(result_file.read_text(encoding="utf-8"))
        if "value" in result:
            return Returned(result["value"])
        if result["memory"]:
            return out_of_memory
        return Raised(result["summary"], result["traceback"] + log)
    if returncode == -signal.SIGXCPU:
        return out_of_time
    if returncode < 0 and any(word in log.lower() for word in _OUT_OF_MEMORY_WORDS):
        return out_of_memory  # libraries abort where malloc returns nothing
    if returncode < 0:
        return Crashed(f"the process was ended by {signal.Signals(-returncode).name}", log)
    return Crashed(f"the process ended with code {returncode} and without a result", log)


def _read_end(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - MAX_LOG_BYTES))
        return file.read().decode("utf-8", errors="replace")


# The other side: what the child process itself does.


def _child_main(job: Path) -> None:
    request = json.loads((job / "request.json").read_text(encoding="utf-8"))
    _end_with_parent(request["parent_pid"])
    _set_limits(request["max_memory_bytes"], request["timeout_s"])
    if request["first_look"] is not None:
        _begin_first_look(*request["first_look"])
    tell_to(job, _end_first_look)
    result: dict[str, Any]
    try:
        function: Any = importlib.import_module(request["module"])
        for name in request["function"].split("."):
            function = getattr(function, name)
        result = {"value": function(*request["args"])}
        text = json.dumps(result, allow_nan=False)
    except MemoryError:
        text = json.dumps({"memory": True})
    except Exception as error:  # noqa: BLE001 - the boundary: everything else becomes a reported fault
        import traceback

        summary = f"{type(error).__name__}: {str(error)[:300]}"
        text = json.dumps({"memory": False, "summary": summary, "traceback": traceback.format_exc()})
    part = job / "result.part"
    part.write_text(text, encoding="utf-8")
    part.replace(job / "result.json")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # no library's exit handler may turn a result into a crash


def _end_with_parent(parent_pid: int) -> None:
    """Die when the parent dies, so that a killed run leaves no process behind."""
    import threading

    def watch() -> None:
        while os.getppid() == parent_pid:
            time.sleep(0.5)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


def _set_limits(max_memory_bytes: int, timeout_s: float) -> None:
    limits = (
        (resource.RLIMIT_DATA, max_memory_bytes + INTERPRETER_BYTES),
        (resource.RLIMIT_CPU, max(1, round(2 * timeout_s))),
        (resource.RLIMIT_FSIZE, MAX_WRITTEN_FILE_BYTES),
        (resource.RLIMIT_CORE, 0),
    )
    for limit, value in limits:
        hard = resource.getrlimit(limit)[1]
        allowed = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (allowed, hard if limit == resource.RLIMIT_CPU else allowed))


_soft_limits: dict[int, int] = {}  # what holds after the first look


def _begin_first_look(max_memory_bytes: int, cpu_s: float) -> None:
    """The soft limits come down; the hard ones stay where they are."""
    first = {resource.RLIMIT_DATA: max_memory_bytes + INTERPRETER_BYTES, resource.RLIMIT_CPU: round(cpu_s)}
    for limit, value in first.items():
        soft, hard = resource.getrlimit(limit)
        _soft_limits[limit] = soft
        resource.setrlimit(limit, (min(soft, max(1, value)), hard))


def _end_first_look() -> None:
    for limit, soft in _soft_limits.items():
        resource.setrlimit(limit, (soft, resource.getrlimit(limit)[1]))


if __name__ == "__main__":
    _child_main(Path(sys.argv[1]))
