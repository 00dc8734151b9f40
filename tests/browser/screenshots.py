"""README's pictures: `python -m tests.browser.screenshots docs/pictures` takes them of the demo's page.

It takes build/demo as it lies there, and runs the demo when there is none.
"""

import io
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser

from content_api.demo.masters import TOWER_NAME
from content_api.demo.story import serving
from tests.browser.chromium import chromium, chromium_path
from tests.browser.watching import Visit, visiting
from tests.conftest import ROOT
from tests.demo import DEMO_FOLDER, free_port, kept_demo, make_demo

QUALITIES = (84, 80, 74, 66)
MAX_BYTES = 250_000
DESKTOP_SCALE, PHONE_SCALE = 1.0, 1.5
PICTURES = (
    ("desktop-home", False, None),
    ("desktop-model", False, "model"),
    ("desktop-panorama", False, "panorama"),
    ("phone-home", True, None),
    ("phone-model", True, "model"),
    ("phone-panorama", True, "panorama"),
)


def main() -> int:
    """Take every picture; exit 3 where there is no browser."""
    if len(sys.argv) != 2:
        print(f"usage: {sys.argv[0]} FOLDER", file=sys.stderr)
        return 2
    if chromium_path() is None:
        print("no `chromium` on this machine: apt-get install chromium", file=sys.stderr)
        return 3
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    if not (DEMO_FOLDER / "store" / "metadata" / "current.json").is_file():
        print(make_demo())
    demo = kept_demo()
    with serving(demo, free_port()) as url, chromium() as browser:
        for name, is_phone, kind in PICTURES:
            scale = PHONE_SCALE if is_phone else DESKTOP_SCALE
            with visiting(browser, url, phone=is_phone, scale=scale) as visit:
                body = take(visit, kind, demo.experiences)
            (folder / f"{name}.webp").write_bytes(body)
            print(f"{folder / name}.webp  {len(body):,} bytes")
    with tempfile.TemporaryDirectory() as out, chromium() as browser:
        scan = demo.folder / "ingest" / TOWER_NAME
        command = [ROOT / ".venv/bin/halong-xr", "optimize", scan, "--recipe", "ar", "--html", "--out", out]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        body = take_report(browser, Path(out) / "report.html")
        (folder / "report-model.webp").write_bytes(body)
        print(f"{folder / 'report-model'}.webp  {len(body):,} bytes")
    return 0


def take_report(browser: Browser, path: Path) -> bytes:
    """The page of `optimize --html`, at the model before and after."""
    page = browser.new_page(viewport={"width": 1100, "height": 760})
    page.goto(path.as_uri())
    page.locator("figure").first.evaluate(
        "one => scrollTo(0, one.getBoundingClientRect().top + scrollY - 90)"
    )
    page.wait_for_timeout(1500)  # the stills are loaded as they come into view
    return small_webp(Image.open(io.BytesIO(page.screenshot())).convert("RGB"))


def take(visit: Visit, kind: str | None, experiences: tuple[str, ...]) -> bytes:
    """The home page, or the dialog of a kind when all of it is drawn."""
    if kind is None:
        page = visit.open()
        page.wait_for_selector("#map path.land", state="attached")
    else:
        (slug,) = (one for one in experiences if f"-{kind}-" in one)
        page = visit.open(f"/#/experience/{slug}")
        page.wait_for_selector(f'#viewer[data-ready="{kind}"]')
    if kind == "model":
        page.wait_for_function("document.querySelector('model-viewer').modelIsVisible")
    page.wait_for_load_state("networkidle")
    page.evaluate("document.fonts.ready")
    page.wait_for_timeout(1500)  # tiles and shadows fade in
    return small_webp(Image.open(io.BytesIO(page.screenshot())).convert("RGB"))


def small_webp(image: Image.Image) -> bytes:
    """The best quality of ours that fits the limit."""
    body = b""
    for quality in QUALITIES:
        out = io.BytesIO()
        image.save(out, "WEBP", quality=quality, method=6)
        body = out.getvalue()
        if len(body) <= MAX_BYTES:
            return body
    raise ValueError(f"a picture of at most {MAX_BYTES} bytes was wanted, the smallest has {len(body)}")


if __name__ == "__main__":
    sys.exit(main())
