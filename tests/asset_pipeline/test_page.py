"""The page a reviewer looks at: what it says, that no text of others becomes markup, and that it works in a
browser with keys and touch, on a phone, on paper and without script.
"""

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from asset_pipeline.page.figures import bytes_text, extent_text, length_text, plain_text
from asset_pipeline.page.markup import Markup, joined, tag
from asset_pipeline.page.page import render_page
from asset_pipeline.place import describe_files
from asset_pipeline.report import Report, Result, Status
from heritage_sites.asset import Derivative, Quality, Usage, derivative_id_of
from heritage_sites.problem import Problem, Severity
from tests.browser.chromium import chromium, chromium_path
from tests.conftest import missing

SHA = "ab" * 32
VERDICTS = [
    {
        "device": "Scene Viewer",
        "holds": False,
        "rule": "at most 10 materials",
        "actual": "12",
        "source": "Slides.",
        "checks": [{"rule": "at most 10 materials", "holds": False, "actual": "12"}],
    },
    {"device": "WebXR headset", "holds": True, "rule": "at most 200 draw calls", "actual": "4"},
]
MEASURES = {
    "triangles": 12_345,
    "vertices": 6_789,
    "points": 0,
    "texture_px_max": 1024,
    "gpu_bytes": 5_600_000,
    "bounds_m": {"min": [0, 0, 0], "max": [1.5, 0.25, 0.002]},
    "geometric_error_m": 0.00123,
    "rendered_ssim_lit": 0.98765,
    "rendered_ssim_unlit": 0.9812,
    "rendered_psnr_lit_db": 38.2,
    "rendered_psnr_unlit_db": 36.44,
    "rendered_worst_view": 4,
    "rendered_views": 12,
    "rendered_worst_ssim": 0.9512,
    "rendered_view_px": 480,
    "master_triangles": 2_000_000,
    "settings": {"position_bits": 12, "simplify_mode": "update"},
    "trials": 17,
    "verdicts": VERDICTS,
}


class Elements(HTMLParser):
    """(name, attributes) of every element, and all text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.all: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, name, attributes):
        self.all.append((name, dict(attributes)))

    def handle_data(self, data):
        self.text += data

    def named(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for found, attributes in self.all if found == name]


def derivative(out: Path, files: dict[str, bytes], usage: Usage, recipe: str, measures) -> Derivative:
    folder = out / "new"
    folder.mkdir(parents=True)
    for name, body in files.items():
        (folder / name).write_bytes(body)
    described = describe_files(folder)
    folder.rename(out / derivative_id_of(described))
    quality = Quality.AR if usage is Usage.APP_3D else Quality.MEDIUM
    return Derivative(derivative_id_of(described), usage, quality, described, recipe, measures, SHA)


def picture(color: tuple[int, int, int], width: int = 64, height: int = 64) -> bytes:
    import io

    body = io.BytesIO()
    Image.fromarray(np.full((height, width, 3), color, np.uint8)).save(body, "WEBP", lossless=True)
    return body.getvalue()


def strip(colors: list[tuple[int, int, int]]) -> bytes:
    import io

    pixels = np.concatenate([np.full((64, 64, 3), color, np.uint8) for color in colors], axis=1)
    body = io.BytesIO()
    Image.fromarray(pixels).save(body, "WEBP", lossless=True)
    return body.getvalue()


RED, GREEN, BLUE, GREY = (200, 0, 0), (0, 160, 0), (0, 0, 200), (90, 90, 90)


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> tuple[Report, Path]:
    out = tmp_path_factory.mktemp("page")
    model = derivative(out, {"model.glb": b"glb"}, Usage.APP_3D, "ar@2", MEASURES)
    stills = out / "stills" / model.derivative_id
    stills.mkdir(parents=True)
    for name in ("worst", "lit", "unlit"):
        (stills / f"before-{name}.webp").write_bytes(picture(RED))
        (stills / f"after-{name}.webp").write_bytes(picture(GREEN))
    (stills / "difference.webp").write_bytes(picture(GREY))
    paths = tuple(sorted(path.relative_to(out).as_posix() for path in stills.iterdir()))
    poster = derivative(out, {"poster.webp": picture(BLUE)}, Usage.IMAGE_2D, "poster@1", {"width_px": 64})
    turned = derivative(
        out,
        {"turntable.webp": strip([RED, GREEN, BLUE, GREY]), "turntable.json": b"{}"},
        Usage.TURNTABLE,
        "turntable@1",
        {"frames": 4, "frame_px": 64},
    )
    warning = Problem("x", "/meshes/0", "It is 3 km long.", "Say --unit.", Severity.WARNING)
    error = Problem("y", "", "Cut off.", "Send it again.")
    results = (
        Result("masters/tower.glb", SHA, "ar", Status.OK, (warning,), (model,), {model.derivative_id: paths}),
        Result("masters/tower.glb", SHA, "poster", Status.OK, (), (poster,)),
        Result("masters/tower.glb", SHA, "turntable", Status.OK, (), (turned,)),
        Result("masters/<script>alert(1)</script>.glb", "", "inspect", Status.REFUSED, (error,)),
    )
    made = Report(results, (("halong-xr", "0.1.0"),))
    (out / "report.html").write_text(render_page(made), encoding="utf-8")
    return made, out


def test_what_is_measured_is_on_the_page(report):
    text = "".join(Elements(render_page(report[0])).text.split())
    for words in (
        "2 masters; recipes: 3 done, 1 refused, 0 failed",
        "12,345", "1024 px", "5.60 MB", "1.23 mm", "1.50 m × 25.0 cm × 2.00 mm",
        "0.9877 / 0.9812", "38.2 dB / 36.4 dB", "SSIM 0.9512, view 5 of 12, at 480 px",
        "triangles 2,000,000",  # of the master
        "Settings chosen Thông số đã chọn (Trials Các lần thử: 17)", "position bits 12",
        "✗ Scene Viewer at most 10 materials: 12", "✓ WebXR headset at most 200 draw calls: 4",
        "Warning Cảnh báo /meshes/0: It is 3 km long. Say --unit.",
        "Error Lỗi (inspect: refused) Cut off. Send it again.",
        "halong-xr 0.1.0",
    ):  # fmt: skip
        assert "".join(words.split()) in text, words


def test_every_file_and_picture_it_names_lies_beside_it(report):
    made, out = report
    page = Elements(render_page(made))
    paths = [attributes["src"] for attributes in page.named("img")]
    paths += [attributes["href"] for attributes in page.named("a") if not attributes["href"].startswith("#")]
    assert len(paths) == 7 + 1 + 1 + 4  # stills, poster, strip, links to files
    assert all((out / path).is_file() for path in paths)
    anchors = {attributes["href"][1:] for attributes in page.named("a") if attributes["href"].startswith("#")}
    ids = [attributes["id"] for _, attributes in page.all if "id" in attributes]
    assert anchors <= set(ids)
    assert len(ids) == len(set(ids))


def test_others_words_never_become_markup(report):
    page = render_page(report[0])
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert len(Elements(page).named("script")) == 1


def test_pictures_and_controls_have_words_and_both_languages_are_marked(report):
    page = Elements(render_page(report[0]))
    assert all(len(attributes["alt"]) > 5 for attributes in page.named("img"))
    assert all(len(attributes["aria-label"]) > 5 for attributes in page.named("input"))
    assert page.named("html") == [{"lang": "en"}]
    marked = [attributes for attributes in page.named("span") if attributes.get("lang")]
    assert {attributes["lang"] for attributes in marked} == {"vi"}
    for words in ("Đánh giá theo thiết bị", "Trước và sau", "Vấn đề", "Các bản dẫn xuất"):
        assert words in page.text


def test_the_same_report_is_the_same_page_and_asks_for_nothing_from_afar(report):
    page = render_page(report[0])
    assert page == render_page(report[0])
    assert not re.search(r"https?://|@import|url\(", page)
    policy = Elements(page).named("meta")[1]["content"]
    assert policy.startswith("default-src 'none'; img-src 'self' file:; style-src 'sha256-")
    assert "unsafe" not in policy


def test_no_masters_is_a_page_too():
    assert "No masters were found." in render_page(Report(()))


def test_markup_escapes_what_is_not_markup():
    assert tag("p", "a < b", tag("b", "c"), class_="x", data_at='"', hidden=True, id=None) == (
        '<p class="x" data-at="&quot;" hidden>a &lt; b<b>c</b></p>'
    )
    assert joined("&", Markup("&amp;")) == "&amp;&amp;"
    for name, children in (("p onload", ()), ("img", ("x",))):
        with pytest.raises(ValueError, match="tag: want"):
            tag(name, *children)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (bytes_text(999), "999 B"), (bytes_text(1000), "1.00 kB"), (bytes_text(12_345_678), "12.3 MB"),
        (bytes_text(None), "–"), (length_text(0), "0"), (length_text(12.34), "12.3 m"),
        (length_text(0.02), "2.00 cm"), (length_text(0.0009), "0.90 mm"), (length_text(1e-9), "< 0.001 mm"),
        (length_text(float("nan")), "–"), (extent_text(None), "–"), (plain_text("trials", True), "yes"),
        (plain_text("size_m", 2.0), "2.00 m"), (plain_text("x", [1, 2.5]), "1, 2.5"),
    ],
)  # fmt: skip
def test_figures_read_as_people_write_them(text, wanted):
    assert text == wanted


# In a browser


@pytest.fixture(scope="module")
def browser():
    if chromium_path() is None:
        missing("chromium (apt install chromium)")
    with chromium() as running:
        yield running


@pytest.fixture
def phone(browser, report):
    """The page on a narrow phone with a touch screen; anything the console complains about fails the test."""
    context = browser.new_context(viewport={"width": 360, "height": 740}, has_touch=True)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("requestfailed", lambda request: said.append(request.url))
    page.goto((report[1] / "report.html").as_uri())
    yield page
    assert said == []
    context.close()


def color_at(page, locator, x: float, y: float = 0.5) -> tuple[int, int, int]:
    """The colour shown at a place in an element, in shares of its sides."""
    import io

    locator.scroll_into_view_if_needed()
    page.wait_for_function("[...document.images].filter(i => i.loading !== 'lazy').every(i => i.complete)")
    with Image.open(io.BytesIO(locator.screenshot())) as shot:
        return shot.convert("RGB").getpixel((int(x * shot.width), int(y * shot.height)))


def close_to(color, wanted) -> bool:
    return all(abs(one - other) < 12 for one, other in zip(color, wanted, strict=True))


@pytest.mark.browser
def test_nothing_is_wider_than_a_narrow_phone(phone):
    assert phone.evaluate("document.documentElement.scrollWidth") == 360


@pytest.mark.browser
def test_the_slider_compares_with_keys(phone):
    pair, slider = phone.locator(".compare .pair").first, phone.locator(".compare input").first
    assert close_to(color_at(phone, pair, 0.4), RED)
    assert close_to(color_at(phone, pair, 0.6), GREEN)
    slider.focus()
    phone.keyboard.press("End")
    assert close_to(color_at(phone, pair, 0.9), RED)
    phone.keyboard.press("Home")
    assert close_to(color_at(phone, pair, 0.1), GREEN)
    assert slider.get_attribute("aria-valuetext") == "0 % before, 100 % after"


@pytest.mark.browser
def test_the_slider_follows_a_finger(phone):
    pair, slider = phone.locator(".compare .pair").first, phone.locator(".compare input").first
    pair.scroll_into_view_if_needed()
    box = pair.bounding_box()
    phone.touchscreen.tap(box["x"] + 0.8 * box["width"], box["y"] + 0.5 * box["height"])
    assert abs(int(slider.input_value()) - 80) <= 1
    assert close_to(color_at(phone, pair, 0.7), RED)


@pytest.mark.browser
def test_the_turntable_turns_with_keys_and_dragging(phone):
    stage, slider = phone.locator(".turntable .stage"), phone.locator(".turntable input")
    seen = []
    stage.focus()
    for _ in range(4):
        seen.append(color_at(phone, stage, 0.5))
        phone.keyboard.press("ArrowRight")
    assert all(close_to(color, wanted) for color, wanted in zip(seen, (RED, GREEN, BLUE, GREY), strict=True))
    assert slider.input_value() == "0"  # once round
    box = stage.bounding_box()
    phone.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 20)
    phone.mouse.down()
    phone.mouse.move(box["x"] + 0.45 * box["width"], box["y"] + 20)
    phone.mouse.up()
    assert slider.input_value() == "1"


@pytest.mark.browser
def test_on_a_desktop_all_views_are_open_and_the_overview_is_a_table(browser, report):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto((report[1] / "report.html").as_uri())
    assert page.locator(".compare:visible").count() == 3
    assert page.locator(".overview thead").bounding_box()["height"] > 20
    assert page.evaluate("document.documentElement.scrollWidth") == 1280
    page.close()


@pytest.mark.browser
def test_without_script_both_pictures_stand_side_by_side(browser, report):
    context = browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 740})
    page = context.new_page()
    page.goto((report[1] / "report.html").as_uri())
    pair = page.locator(".compare .pair").first
    assert close_to(color_at_without_script(pair, 0.25), RED)
    assert close_to(color_at_without_script(pair, 0.75), GREEN)
    assert page.locator(".compare input").first.is_hidden()
    context.close()


def color_at_without_script(locator, x: float) -> tuple[int, int, int]:
    import io

    with Image.open(io.BytesIO(locator.screenshot())) as shot:
        return shot.convert("RGB").getpixel((int(x * shot.width), shot.height // 2))


@pytest.mark.browser
def test_in_the_dark_text_stays_readable(browser, report):
    for scheme in ("light", "dark"):
        context = browser.new_context(color_scheme=scheme)
        page = context.new_page()
        page.goto((report[1] / "report.html").as_uri())
        ratios = page.evaluate(
            """() => {
              const light = (text) => {
                const parts = text.match(/[\\d.]+/g).slice(0, 3).map((part) => {
                  const value = part / 255;
                  return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
                });
                return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
              };
              const paper = light(getComputedStyle(document.body).backgroundColor);
              const queries = ["h1", "h1 span", "a", ".state.refused", "span.holds", "span.fails", ".note"];
              return queries.map((query) => {
                const ink = light(getComputedStyle(document.querySelector(query)).color);
                return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
              });
            }"""
        )
        assert min(ratios) >= 4.5, (scheme, ratios)
        context.close()
