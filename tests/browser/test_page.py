"""The visitor's page in a real Chromium, at phone and desktop size, over the demo's release."""

import base64
import io
import math
import re
from collections.abc import Iterator

import pytest
from PIL import Image, ImageChops, ImageStat
from playwright.sync_api import Browser, Page, expect

from content_api.demo.story import DemoStore
from heritage_sites import load_catalogue
from tests.browser.chromium import chromium, chromium_path
from tests.browser.watching import Visit, picture, visiting
from tests.conftest import ROOT, missing

pytestmark = pytest.mark.browser

SCREENSHOTS = ROOT / "build" / "screenshots"
SIZES = pytest.mark.parametrize("size", ["phone", "desktop"])
MIN_TOUCH_PX = 40


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for this file; each visit has a context of its own."""
    if chromium_path() is None:
        missing("chromium (Debian's package)")
    with chromium() as running:
        yield running


@pytest.fixture
def slugs(demo: DemoStore) -> dict[str, str]:
    """Kind -> the demo's experience of that kind."""
    kinds = ("model", "panorama", "photo")
    return {kind: one for one in demo.experiences for kind in kinds if f"-{kind}-" in one}


def keep(image: Image.Image, name: str) -> Image.Image:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    image.save(SCREENSHOTS / f"{name}.png")
    return image


def variety(image: Image.Image) -> tuple[int, float]:
    """Number of distinct colours and the mean standard deviation of the channels."""
    colours = image.convert("RGB").getcolors(maxcolors=1 << 24)
    assert colours is not None
    return len(colours), sum(ImageStat.Stat(image.convert("RGB")).stddev) / 3


def open_dialog(visit: Visit, slug: str, kind: str) -> Page:
    page = visit.open()
    page.locator(f'.card-open[data-slug="{slug}"]').click()
    page.wait_for_selector(f'#viewer[open][data-ready="{kind}"]')
    return page


@SIZES
def test_home_shows_the_map_and_every_place(browser: Browser, demo_url: str, size: str) -> None:
    sites = load_catalogue().sites
    placed = [site for site in sites if site.position.point is not None]
    assert (len(sites), len(placed)) == (57, 56)
    with visiting(browser, demo_url, phone=size == "phone") as visit:
        page = visit.open()
        expect(page.locator("#map .leaflet-marker-icon")).to_have_count(len(placed))
        expect(page.locator("#list .row")).to_have_count(len(sites))
        expect(page.locator("#list .card-open")).to_have_count(3)
        land = page.locator("#map path.land")
        land.first.wait_for(state="attached")
        assert sum(len(path or "") for path in (one.get_attribute("d") for one in land.all())) > 5000
        for card in page.locator(".card-open").all():
            card.scroll_into_view_if_needed()
            expect(card.locator(".badge")).to_have_text("Illustration")
            image = card.locator("img.card-image")
            page.wait_for_function(
                "(image) => image.complete && image.naturalWidth >= 320", arg=image.element_handle()
            )
        page.locator(".card-open").first.scroll_into_view_if_needed()
        expect(page.locator(".sandbox")).to_be_visible()
        colours, spread = variety(picture(page.locator(".map-pane")))
        assert colours > 200
        assert spread > 15
        keep(picture(page), f"{size}-home")


@SIZES
def test_the_model_is_drawn_with_our_own_decoders(
    browser: Browser, demo_url: str, slugs: dict[str, str], size: str
) -> None:
    with visiting(browser, demo_url, phone=size == "phone") as visit:
        page = open_dialog(visit, slugs["model"], "model")
        viewer = page.locator("model-viewer")
        page.wait_for_function("(it) => it.loaded && it.modelIsVisible", arg=viewer.element_handle())
        size_m = viewer.evaluate("(it) => it.getDimensions()")
        assert 20 < size_m["y"] < 400  # a limestone tower, in metres
        # the canvas alone, without the poster behind it: its background is transparent
        drawn = Image.open(
            io.BytesIO(base64.b64decode(viewer.evaluate("(it) => it.toDataURL()").partition(",")[2]))
        )
        alpha = drawn.convert("RGBA").getchannel("A")
        covered = sum(count for value, count in enumerate(alpha.histogram()) if value > 128) / math.prod(
            alpha.size
        )
        assert 0.08 < covered < 0.95
        colours, spread = variety(drawn)
        assert colours > 3000
        assert spread > 20
        assert visit.seen.paths("decoders/meshopt/") == ["/static/decoders/meshopt/meshopt_decoder.js"]
        (model,) = visit.seen.paths("model.glb")
        assert re.fullmatch(r"/derivatives/[0-9a-f]{64}/model\.glb", model)
        check_words(page)
        keep(picture(page), f"{size}-model")


@SIZES
def test_the_panorama_is_drawn_from_tiles_and_turns_with_keys(
    browser: Browser, demo_url: str, slugs: dict[str, str], size: str
) -> None:
    with visiting(browser, demo_url, phone=size == "phone") as visit:
        page = open_dialog(visit, slugs["panorama"], "panorama")
        page.wait_for_load_state("networkidle")
        canvas = page.locator(".psv-canvas-container")
        before = keep(picture(canvas), f"{size}-panorama-canvas")
        colours, spread = variety(before)
        assert colours > 3000
        assert spread > 15
        tiles = visit.seen.paths("_0.jpg")
        levels = {
            int(match[1]) for path in tiles if (match := re.search(r"/(\d+)/[fbudlr]\d+_\d+\.jpg$", path))
        }
        assert 1 in levels
        assert max(levels) >= 2  # sharper than the base, for what is looked at
        keep(picture(page), f"{size}-panorama")
        check_words(page)
        page.keyboard.press("ArrowRight", delay=600)
        page.wait_for_timeout(500)
        turned = picture(canvas)
        moved = sum(ImageStat.Stat(ImageChops.difference(before, turned)).mean) / 3
        assert moved > 4


@SIZES
def test_the_photo_shows(browser: Browser, demo_url: str, slugs: dict[str, str], size: str) -> None:
    with visiting(browser, demo_url, phone=size == "phone") as visit:
        page = open_dialog(visit, slugs["photo"], "photo")
        width = page.locator("img.photo").evaluate("(image) => image.naturalWidth")
        assert width == (960 if size == "phone" else 1920)
        assert page.locator("img.photo").get_attribute("alt", timeout=1000).startswith("Illustration:")
        assert variety(picture(page.locator("img.photo")))[0] > 3000
        check_words(page)
        keep(picture(page), f"{size}-photo")


def check_words(page: Page) -> None:
    """In every dialog: that it is an illustration, seen at once, whose it is and under which licence."""
    badge = page.locator("#viewer .badge")
    expect(badge).to_have_text("Illustration")
    expect(badge).to_be_in_viewport(ratio=1)
    expect(page.locator("#viewer-credit")).to_contain_text("halong-xr, procedural illustration")
    expect(page.locator("#viewer-credit a")).to_have_attribute(
        "href", re.compile("creativecommons.org/.*/zero/1.0")
    )
    expect(page.locator("#viewer-title")).to_contain_text("(illustration)")


def test_languages_change_without_a_request(browser: Browser, demo_url: str) -> None:
    with visiting(browser, demo_url, phone=False) as visit:
        page = visit.open()
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.lang") == "en"
        expect(page.locator(".row-name", has_text="Sung Sot Cave")).to_have_count(1)
        before = [url for url in visit.seen.requests if "/graphql" in url]
        page.get_by_role("button", name="Tiếng Việt").click()
        assert page.evaluate("document.documentElement.lang") == "vi"
        expect(page.locator(".bar-title")).to_have_text("Vịnh Hạ Long – Quần đảo Cát Bà")
        expect(page.locator(".row-name", has_text="Hang Sửng Sốt")).to_have_count(1)
        expect(page.locator(".card-title", has_text="Giờ vàng trên vịnh")).to_have_count(1)
        expect(page.locator(".leaflet-marker-icon[title='Hang Sửng Sốt']")).to_have_count(1)
        page.wait_for_load_state("networkidle")
        assert [url for url in visit.seen.requests if "/graphql" in url] == before
        page.reload()
        page.wait_for_selector(".row")
        assert page.evaluate("document.documentElement.lang") == "vi"  # the choice is kept


def test_a_vietnamese_browser_is_greeted_in_vietnamese(browser: Browser, demo_url: str) -> None:
    with visiting(browser, demo_url, phone=True, language="vi") as visit:
        page = visit.open()
        assert page.evaluate("document.documentElement.lang") == "vi"
        expect(page.locator("#search")).to_have_attribute("placeholder", "Tìm địa điểm")


def test_search_finds_with_and_without_marks(browser: Browser, demo_url: str) -> None:
    with visiting(browser, demo_url, phone=False, language="vi") as visit:
        page = visit.open()
        for words in ("sung sot", "Sửng Sốt", "SUNG SOT"):
            page.locator("#search").fill(words)
            expect(page.locator(".row-name")).to_have_text(["Hang Sửng Sốt"])
            expect(page.locator(".card-title")).to_have_count(1)
        page.locator("#search").fill("dao")
        expect(page.locator(".row-name", has_text="Đảo Ti Tốp")).to_have_count(1)  # đ is found by d
        page.locator("#search").fill("atlantis")
        expect(page.locator(".message")).to_have_text("Không tìm thấy địa điểm nào.")
        page.locator("#search").fill("")
        expect(page.locator(".row")).to_have_count(57)


def focused(page: Page) -> str:
    return page.evaluate(
        "document.activeElement.id || document.activeElement.className || document.activeElement.tagName"
    )


def test_the_keyboard_alone_is_enough(browser: Browser, demo_url: str, slugs: dict[str, str]) -> None:
    with visiting(browser, demo_url, phone=False) as visit:
        page = visit.open()
        page.keyboard.press("Tab")
        assert focused(page) == "skip"
        expect(page.locator(".skip")).to_be_in_viewport(ratio=1)
        page.keyboard.press("Enter")
        assert focused(page) == "list"
        page.keyboard.press("Shift+Tab")
        assert focused(page) == "search"
        page.keyboard.type("sung sot")
        expect(page.locator(".card-open")).to_have_count(1)
        page.keyboard.press("Tab")  # the list itself may be scrolled by keys, so it may take the focus
        for _ in range(2):
            if "card-open" not in focused(page):
                page.keyboard.press("Tab")
        assert "card-open" in focused(page)
        page.keyboard.press("Enter")
        page.wait_for_selector('#viewer[open][data-ready="photo"]')
        assert focused(page) == "viewer-title"
        for _ in range(6):  # nothing behind the dialog can be reached
            page.keyboard.press("Tab")
            assert page.evaluate(
                "document.activeElement === document.body || !!document.activeElement.closest('#viewer')"
            )
        page.keyboard.press("Escape")
        expect(page.locator("#viewer")).to_be_hidden()
        assert page.evaluate("document.activeElement.dataset.slug") == slugs["photo"]
        page.keyboard.press("Enter")  # and again from there
        page.wait_for_selector('#viewer[open][data-ready="photo"]')
        page.locator("#viewer-close").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#viewer")).to_be_hidden()


def test_a_link_to_an_experience_opens_it_and_closing_leads_to_its_card(
    browser: Browser, demo_url: str, slugs: dict[str, str]
) -> None:
    with visiting(browser, demo_url, phone=False) as visit:
        page = visit.open(f"/#/experience/{slugs['photo']}")
        page.wait_for_selector('#viewer[open][data-ready="photo"]')
        page.keyboard.press("Escape")
        expect(page.locator("#viewer")).to_be_hidden()
        assert page.evaluate("document.activeElement.dataset.slug") == slugs["photo"]
        page.go_back()
        page.wait_for_selector('#viewer[open][data-ready="photo"]')


def test_a_marker_opens_by_key(browser: Browser, demo_url: str) -> None:
    with visiting(browser, demo_url, phone=False) as visit:
        page = visit.open()
        page.locator(".leaflet-marker-icon[title*='Sung Sot Cave']").focus()
        page.keyboard.press("Enter")
        page.wait_for_selector('#viewer[open][data-ready="photo"]')
        page.keyboard.press("Escape")
        expect(page.locator("#viewer")).to_be_hidden()
        assert page.evaluate("document.activeElement !== document.body")


def test_english_only_notes_are_marked_as_english(browser: Browser, demo_url: str) -> None:
    with visiting(browser, demo_url, phone=False, language="vi") as visit:
        page = visit.open()
        notes = page.locator(".row-visit")
        assert notes.count() > 5
        assert {note.get_attribute("lang") for note in notes.all()} == {"en"}


def test_a_phone_never_scrolls_sideways_and_its_targets_are_large(
    browser: Browser, demo_url: str, slugs: dict[str, str]
) -> None:
    with visiting(browser, demo_url, phone=True) as visit:
        page = visit.open()
        for name in (
            ".languages button",
            ".card-open",
            ".row summary",
            "#grip",
            "#search",
            ".leaflet-control-zoom a",
        ):
            check_touch(page, name)
        check_no_sideways(page)
        page.locator(".row summary").nth(3).click()
        check_no_sideways(page)
        page.locator(f'.card-open[data-slug="{slugs["photo"]}"]').click()
        page.wait_for_selector('#viewer[open][data-ready="photo"]')
        check_touch(page, "#viewer-close")
        check_no_sideways(page)


def check_touch(page: Page, selector: str) -> None:
    for one in page.locator(selector).all():
        box = one.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= MIN_TOUCH_PX, (selector, box)


def check_no_sideways(page: Page) -> None:
    for name in ("html", "#list", "#viewer"):
        box = page.locator(name).first
        wide, room = box.evaluate("(it) => [it.scrollWidth, it.clientWidth]")
        assert wide <= room, name


def test_without_the_network_the_page_says_so_and_tries_again(browser: Browser, demo_url: str) -> None:
    with visiting(browser, demo_url, phone=True) as visit:
        page = visit.page
        page.route("**/graphql", lambda route: route.abort())
        page.goto(demo_url)
        expect(page.locator(".message")).to_contain_text("could not be loaded")
        page.unroute("**/graphql")
        page.get_by_role("button", name="Try again").click()
        expect(page.locator(".row")).to_have_count(57)
        visit.seen.failed.clear()
        visit.seen.complaints.clear()
