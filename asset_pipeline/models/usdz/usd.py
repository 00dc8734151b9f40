"""The USD library (`usd-core`), imported only when it is needed, and kept from writing to the terminal.

It is heavy (half a second, 100 MB), so no module of ours imports it at the top.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def quiet_usd() -> Iterator[None]:
    """While this lasts, USD's own warnings are collected and dropped: what matters is raised or checked."""
    from pxr import UsdUtils

    delegate: Any = UsdUtils.CoalescingDiagnosticDelegate()
    try:
        yield
    finally:
        delegate.TakeUncoalescedDiagnostics()
        del delegate
