"""A page in Chromium with a witness: every request, console error and breach of the content policy."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from PIL import Image
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, Response

from tests.browser.chromium import DESKTOP, PHONE

TIMEOUT_MS = 60_000  # a model drawn without a GPU on two busy cores
TELL_BREACHES = """document.addEventListener('securitypolicyviolation',
  (event) => console.error(`content policy: ${event.effectiveDirective} ${event.blockedURI}`));"""


@dataclass
class Witness:
    """What the browser asked for and complained of."""

    requests: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        page.on("request", self._request)
        page.on("requestfailed", self._failed)
        page.on("response", self._response)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))

    def paths(self, part: str) -> list[str]:
        """The paths asked for that hold `part`, in order."""
        return [path for url in self.requests if part in (path := urlsplit(url).path)]

    def strangers(self, origin: str) -> list[str]:
        """Addresses asked for that are neither ours nor inside the page itself."""
        own = urlsplit(origin)[:2]
        return [
            url for url in self.requests
            if urlsplit(url).scheme not in ("data", "blob", "about")
            and urlsplit(url.removeprefix("blob:"))[:2] != own
        ]  # fmt: skip

    def _request(self, request: Request) -> None:
        self.requests.append(request.url)

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # a tile that went out of sight
            self.failed.append(f"{request.url}: {request.failure}")

    def _response(self, response: Response) -> None:
        if response.status >= 400:
            self.failed.append(f"{response.url}: {response.status}")

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":  # warnings tell of a slow machine: "rAF timed out", "GPU stall"
            self.complaints.append(message.text)


@dataclass
class Visit:
    """A visitor's page and the witness beside it."""

    page: Page
    seen: Witness
    origin: str

    def open(self, address: str = "/") -> Page:
        """Go to an address of the page and wait until the places are listed."""
        self.page.goto(self.origin + address)
        self.page.wait_for_selector(".row")
        return self.page

    def check_clean(self) -> None:
        """No request left the origin, none failed, and the browser had nothing to complain of."""
        assert self.seen.strangers(self.origin) == []
        assert self.seen.failed == []
        assert self.seen.complaints == []


@contextmanager
def visiting(
    browser: Browser, origin: str, *, phone: bool, language: str = "en", scale: float = 1.0
) -> Iterator[Visit]:
    """A fresh visitor with a phone or a desktop; what the witness saw is checked when the visit ends well."""
    context = browser.new_context(
        viewport=PHONE if phone else DESKTOP,
        device_scale_factor=scale,
        is_mobile=phone,
        has_touch=phone,
        locale={"en": "en-GB", "vi": "vi-VN"}[language],
        reduced_motion="reduce",  # pictures at rest
    )
    context.set_default_timeout(TIMEOUT_MS)
    context.add_init_script(TELL_BREACHES)
    page = context.new_page()
    visit = Visit(page, Witness(), origin)
    visit.seen.watch(page)
    try:
        yield visit
        visit.check_clean()
    finally:
        context.close()


def picture(of: Page | Locator) -> Image.Image:
    """What is to be seen there now."""
    return Image.open(io.BytesIO(of.screenshot())).convert("RGB")
