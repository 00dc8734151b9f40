"""Runs meshoptimizer's WebAssembly module: one fresh instance per call, arrays copied in and out.

The module's memory only grows and ends at 4 GiB (32-bit addresses), so every call gets an instance of its own
and gives all of it back at the end. An instance costs under 1 ms; compiling the module costs about 40 ms,
once per process. Wasmtime reserves more than 4 GiB of *address space* per instance without using it: a
process that runs this must be limited by RLIMIT_DATA, never by RLIMIT_AS.
"""

import ctypes
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import wasmtime
from numpy.typing import NDArray

from asset_pipeline.models.unpack_meshoptimizer import OUT_FOLDER, WASM_FILE
from asset_pipeline.outcome import refuse

MAX_MEMORY_BYTES = 4 * 1024**3 - 64 * 1024  # wasm32 addresses end at 4 GiB; the last page stays free
ALIGNMENT_BYTES = 16
_MADV_HUGEPAGE = 14  # Linux, mman.h
MAX_STEP_BYTES = 1 << 30  # `sbrk` takes a signed 32-bit number, so more is asked for in steps


class SimplifierFailed(RuntimeError):
    """The simplifier could not run; our fault or the machine's, not the model's."""


class Simplifier:
    """One instance of the module. Not for sharing between threads; drop it after one call."""

    def __init__(self) -> None:
        engine, module = _compiled(OUT_FOLDER / WASM_FILE)
        self._store = wasmtime.Store(engine)
        self._exports = wasmtime.Instance(self._store, module, []).exports(self._store)
        memory = self._exports["memory"]
        assert isinstance(memory, wasmtime.Memory)
        self._memory = memory
        _use_huge_pages(memory.data_ptr(self._store))
        self._call("__wasm_call_ctors")
        self.allocate(-int(self._call("sbrk", 0)) % ALIGNMENT_BYTES)

    def allocate(self, size_bytes: int) -> int:
        """Address of `size_bytes` of the module's memory, aligned to 16. Raises Refused past 4 GiB."""
        size_bytes = -(-size_bytes // ALIGNMENT_BYTES) * ALIGNMENT_BYTES
        address = int(self._call("sbrk", 0)) & 0xFFFFFFFF
        if address + size_bytes > MAX_MEMORY_BYTES:
            raise too_large()
        while size_bytes > 0:
            step = min(size_bytes, MAX_STEP_BYTES)
            self._call("sbrk", step)
            size_bytes -= step
        return address

    def copy_in(self, array: NDArray[Any]) -> int:
        """Address of a copy of the array's bytes (C order)."""
        address = self.allocate(array.nbytes)
        self._view(address, array.nbytes)[:] = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        return address

    def copy_out(self, address: int, count: int, dtype: type[np.generic]) -> NDArray[Any]:
        """A copy of `count` numbers at an address."""
        return self._view(address, count * np.dtype(dtype).itemsize).copy().view(dtype)

    def copy_rows_out(self, address: int, rows: NDArray[np.uint32], width: int) -> NDArray[np.float32]:
        """(rows, width): a copy of these rows of a table of float32 with `width` columns at an address."""
        count = int(rows[-1]) + 1 if len(rows) else 0  # rows are ascending
        table = self._view(address, count * width * 4).view(np.float32).reshape(count, width)
        return table[rows]

    def run(self, name: str, *arguments: float) -> int:
        """Call an exported `meshopt_` function; addresses and sizes are unsigned 32-bit numbers."""
        return int(self._call(name, *arguments)) & 0xFFFFFFFF

    @property
    def memory_bytes(self) -> int:
        """Size of the module's memory, which never shrinks: after a call, its peak."""
        return self._memory.data_len(self._store)

    def _view(self, address: int, size_bytes: int) -> NDArray[np.uint8]:
        if address + size_bytes > self.memory_bytes:
            raise SimplifierFailed(f"simplifier: {size_bytes} bytes at {address} lie outside its memory")
        if size_bytes == 0:
            return np.empty(0, np.uint8)
        buffer = memoryview(self._memory.get_buffer_ptr(self._store, size_bytes, address))
        return np.frombuffer(buffer, np.uint8)

    def _call(self, name: str, *arguments: float) -> Any:
        function = self._exports[name]
        assert isinstance(function, wasmtime.Func)
        call: Callable[..., Any] = function
        try:
            return call(self._store, *(_as_signed(argument) for argument in arguments))
        except (wasmtime.Trap, wasmtime.WasmtimeError) as error:
            # A module without imports traps for one reason in practice: it asked for memory and got none.
            if self.memory_bytes > MAX_MEMORY_BYTES * 3 // 4:
                raise too_large() from error
            raise SimplifierFailed(
                f"simplifier: {name} stopped at {self.memory_bytes >> 20} MiB: {error}"
            ) from error


def too_large() -> Exception:
    """The refusal for a mesh that does not fit the simplifier's 4 GiB."""
    return refuse(
        "This mesh is too large to be simplified in one piece: it needs more than 4 GiB of working memory.",
        advice="Split the model into parts, or reduce it to about 15 million triangles before uploading.",
    )


def _use_huge_pages(memory: Any) -> None:
    """Ask Linux for 2 MiB pages: the simplifier jumps about in its memory, and is then a tenth faster.

    A hint, without effect where the system knows no such pages.
    """
    advise = getattr(_libc(), "madvise", None)
    if advise is not None:
        start = ctypes.cast(memory, ctypes.c_void_p)
        advise(start, ctypes.c_size_t(MAX_MEMORY_BYTES), ctypes.c_int(_MADV_HUGEPAGE))


@cache
def _libc() -> ctypes.CDLL | None:
    return ctypes.CDLL(None) if sys.platform == "linux" else None


@cache
def _compiled(path: Path) -> tuple[wasmtime.Engine, wasmtime.Module]:
    try:
        body = path.read_bytes()
    except OSError as error:
        raise SimplifierFailed(f"{path} is missing: run `make setup`, which unpacks meshoptimizer") from error
    engine = wasmtime.Engine()
    try:
        return engine, wasmtime.Module(engine, body)
    except wasmtime.WasmtimeError as error:
        raise SimplifierFailed(f"{path} is damaged: delete it and run `make setup`") from error


def _as_signed(argument: float) -> float:
    """wasmtime takes i32 as signed: an address above 2 GiB becomes the negative number with the same bits."""
    if isinstance(argument, int) and argument >= 1 << 31:
        return argument - (1 << 32)
    return argument
