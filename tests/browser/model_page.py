"""A page with one <model-viewer> and no more: files are shown on it and pictures of them taken.

model-viewer and the decoders are those that visitors get, out of the built page of content_api/web.
"""

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath
from threading import Thread
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Page

from tests.browser.watching import TELL_BREACHES, TIMEOUT_MS, Witness

SIDE_PX = 320
ORBITS_DEG = ((35.0, 70.0), (215.0, 55.0))  # (round, from the pole): front right, and back left from above

Pixels = NDArray[np.uint8]

# Shadow off: it would cover the ground with pixels that belong to no model. Scale 1: a slow machine would
# otherwise be given a coarser picture.
PAGE = """<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">
<style>body { margin: 0 } model-viewer { display: block; width: %(side)dpx; height: %(side)dpx }</style>
<script type="module">
import '%(module)s';
const Viewer = customElements.get('model-viewer');
Viewer.minimumRenderScale = 1;
const frames = async (count) => { while (count--) await new Promise(requestAnimationFrame); };
let viewer;

window.show = async (src) => {
  viewer?.remove();
  viewer = new Viewer();
  for (const [name, value] of Object.entries({
    loading: 'eager', 'environment-image': 'neutral', 'tone-mapping': 'neutral', exposure: '0.7',
    'shadow-intensity': '0', 'interaction-prompt': 'none', 'camera-orbit': '0deg 75deg 105%%',
    'min-camera-orbit': 'auto 0deg 0m', 'field-of-view': '30deg',
  })) viewer.setAttribute(name, value);
  const shown = new Promise((resolve, reject) => {
    viewer.addEventListener('load', resolve, { once: true });
    viewer.addEventListener('error', ({ detail }) => reject(
      new Error(`cannot be loaded: ${detail?.sourceError?.message ?? detail?.type}`)), { once: true });
  });
  viewer.src = src;
  document.body.append(viewer);
  await shown;
  while (!viewer.modelIsVisible) await frames(1);
  await frames(2);
  const [target, orbit] = [viewer.getCameraTarget(), viewer.getCameraOrbit()];
  const { x, y, z } = target;
  return { target: [x, y, z], radius: orbit.radius, animations: viewer.availableAnimations };
};

window.look = async ([round, pole], { target, radius }) => {
  viewer.maxCameraOrbit = `auto 180deg ${radius}m`;  // the nearest that is drawn follows from it
  viewer.cameraTarget = target.map((metres) => `${metres}m`).join(' ');
  viewer.cameraOrbit = `${round}deg ${pole}deg ${radius}m`;
  viewer.fieldOfView = '30deg';
  await viewer.updateComplete;
  viewer.jumpCameraToGoal();
  await frames(3);
  return viewer.toDataURL('image/png');
};

window.pose = async (name, share) => {
  viewer.animationName = name;
  await viewer.updateComplete;
  viewer.play({ repetitions: Infinity });
  await frames(1);
  viewer.pause();
  viewer.currentTime = share * viewer.duration;
  await frames(1);
  return viewer.duration;
};
window.ready = true;
</script>"""


@dataclass(frozen=True)
class Frame:
    """Where a model is seen from, in the metres of its file."""

    target_m: tuple[float, float, float]
    radius_m: float

    def as_json(self) -> dict[str, Any]:
        return {"target": list(self.target_m), "radius": self.radius_m}


@dataclass
class Shown:
    """What is on the page now."""

    page: Page
    frame: Frame
    animations: tuple[str, ...]

    def picture(self, orbit_deg: tuple[float, float]) -> Pixels:
        """SIDE_PX x SIDE_PX RGBA; the page behind the model is transparent."""
        address = self.page.evaluate(
            "([orbit, frame]) => look(orbit, frame)", [list(orbit_deg), self.frame.as_json()]
        )
        body = base64.b64decode(address.partition(",")[2])
        pixels = np.asarray(Image.open(io.BytesIO(body)).convert("RGBA"))
        assert pixels.shape == (SIDE_PX, SIDE_PX, 4)
        return pixels

    def pictures(self, orbits_deg: Sequence[tuple[float, float]] = ORBITS_DEG) -> list[Pixels]:
        return [self.picture(orbit) for orbit in orbits_deg]

    def pose(self, animation: str, share: float) -> float:
        """Halt the animation at this share of its duration, which is given back in seconds."""
        return float(self.page.evaluate("([name, share]) => pose(name, share)", [animation, share]))


@dataclass
class ModelPage:
    """The page, the folders it is served from, and what went wrong on it."""

    page: Page
    origin: str
    folders: Mapping[str, Path]
    seen: Witness = field(default_factory=Witness)

    def show(self, path: Path, frame: Frame | None = None) -> Shown:
        """Load a file and show it, framed by its own size or as told. Raises playwright's Error for a file
        that model-viewer cannot load.
        """
        found = self.page.evaluate("(src) => show(src)", self._address(path))
        own = Frame(tuple(found["target"]), found["radius"])
        return Shown(self.page, frame or own, tuple(found["animations"]))

    def check_clean(self) -> None:
        """No complaint of the browser, no failed request and none to a stranger since the last check."""
        self.page.evaluate("() => new Promise(requestAnimationFrame)")  # what was said last arrives
        seen = self.forget()
        told = [*seen.complaints, *seen.failed, *seen.strangers(self.origin)]
        assert told == [], told

    def forget(self) -> Witness:
        """What was seen so far; from now on it counts no more."""
        old = Witness(list(self.seen.requests), list(self.seen.failed), list(self.seen.complaints))
        for kept in (self.seen.requests, self.seen.failed, self.seen.complaints):
            kept.clear()
        return old

    def _address(self, path: Path) -> str:
        for name, folder in self.folders.items():
            if path.is_relative_to(folder):
                return f"{self.origin}/{name}/{quote(path.relative_to(folder).as_posix())}"
        raise ValueError(f"{path} is in none of the folders that are served")


@contextmanager
def model_page(browser: Browser, dist: Path, folders: Mapping[str, Path]) -> Iterator[ModelPage]:
    """The page, open in a browser; `folders`: name in the address -> folder."""
    with _serving(dist, folders) as origin:
        context = browser.new_context(viewport={"width": SIDE_PX, "height": SIDE_PX})
        context.set_default_timeout(TIMEOUT_MS)
        context.add_init_script(TELL_BREACHES)
        page = context.new_page()
        showing = ModelPage(page, origin, folders)
        showing.seen.watch(page)
        try:
            page.goto(origin)
            page.wait_for_function("() => window.ready")
            yield showing
        finally:
            context.close()


@contextmanager
def _serving(dist: Path, folders: Mapping[str, Path]) -> Iterator[str]:
    (module,) = (dist / "chunks").glob("model-*.js")
    page = PAGE % {"side": SIDE_PX, "module": f"/static/chunks/{module.name}"}
    mounts = {"static": dist, **folders}

    class Handler(SimpleHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path != "/":
                super().do_GET()
                return
            body = page.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def translate_path(self, path: str) -> str:
            _, mount, *rest = PurePosixPath(unquote(urlsplit(path).path)).parts or ("/", "")
            if mount not in mounts or ".." in rest:
                return str(dist / "no such file")
            return str(mounts[mount].joinpath(*rest))

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: what failed, the witness tells."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
