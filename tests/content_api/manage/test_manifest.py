"""manifest.csv: every Problem at once, each with row and column, in words an editor understands."""

import os
import unicodedata
from pathlib import Path

import pytest

from content_api.manage import manifest_cells
from content_api.manage.manifest import (
    COLUMNS,
    MAX_MANIFEST_BYTES,
    MAX_ROWS,
    REQUIRED_COLUMNS,
    read_manifest,
)
from heritage_sites import Attribution, Catalogue, LatLon, LocalisedText, Severity, load_catalogue
from tests.content_api.manage.deliveries import HEADER, make_folder, manifest_bytes, row


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


def problems_of(folder, catalogue) -> list[tuple[str, str]]:
    _rows, problems = read_manifest(folder, catalogue)
    assert all(problem.file == "manifest.csv" for problem in problems)
    return [(problem.where, problem.message) for problem in problems]


def test_a_sound_row(tmp_path, catalogue) -> None:
    folder = make_folder(
        tmp_path,
        [
            row(
                file="ảnh/hang.jpg",
                kind="panorama",
                lat="20.8449",
                lon="+107.0920",
                summary_en='Says "hello", twice',
                illustration="TRUE",
                source_url="https://example.org/a",
            )
        ],
    )
    rows, problems = read_manifest(folder, catalogue)
    assert problems == []
    (one,) = rows
    assert (one.number, one.site.id, one.kind.value, one.file) == (
        2,
        "hang-sung-sot",
        "panorama",
        "ảnh/hang.jpg",
    )
    assert one.path == (tmp_path / "ảnh" / "hang.jpg").resolve()
    assert one.title == LocalisedText.of({"vi": "Ảnh hang", "en": "Photo of the cave"})
    assert one.summary == LocalisedText.of({"en": 'Says "hello", twice'})
    assert one.attribution == Attribution("CC-BY-4.0", "A Photographer", "https://example.org/a")
    assert one.position == LatLon(20.8449, 107.092)
    assert one.illustration is True


def test_only_the_needed_columns(tmp_path, catalogue) -> None:
    folder = make_folder(tmp_path, [row()])
    (folder / "manifest.csv").write_bytes(manifest_bytes([row()], HEADER[:7]))
    rows, problems = read_manifest(folder, catalogue)
    assert len(rows) == 1
    assert (rows[0].position, rows[0].illustration) == (None, False)
    assert [(problem.where, problem.severity) for problem in problems] == [
        ("row 2, alt_vi", Severity.WARNING)
    ]


@pytest.mark.parametrize("form", ["byte order mark", "semicolons", "windows lines", "blank rows", "spaces"])
def test_what_spreadsheets_write(tmp_path, catalogue, form: str) -> None:
    folder = make_folder(tmp_path, [row()])
    plain = manifest_bytes([row()])
    written = {
        "byte order mark": b"\xef\xbb\xbf" + plain,
        "semicolons": plain.replace(b",", b";"),
        "windows lines": plain.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"),
        "blank rows": plain + b"\r\n,,,,,,,,,,,,,,\r\n\r\n",
        "spaces": plain.replace(b",", b" , ").replace(b"site", b"Site"),
    }
    (folder / "manifest.csv").write_bytes(written[form])
    rows, problems = read_manifest(folder, catalogue)
    assert (len(rows), problems) == (1, [])
    assert rows[0].title.texts["vi"].text == "Ảnh hang"


def test_every_problem_at_once(tmp_path, catalogue) -> None:
    (tmp_path / "outside.jpg").write_bytes(b"x")
    rows = [
        row(file="a.jpg", site="hang-sung-sott"),
        row(file="b.jpg", site="", kind="video"),
        row(file="photo.jpeg", title_vi="", title_en=" "),
        row(file="../outside.jpg"),
        row(file="e.jpg", licence="cc-by-4.0", attribution=""),
        row(file="f.jpg", lat="20.9"),
        row(file="g.jpg", lat="107.01", lon="20.9"),
        row(file="h.jpg", lat="20,9", lon="abc"),
        row(file="photo.jpg"),
        row(file="photo.jpg"),
        row(file="k.jpg", illustration="maybe", source_url="javascript:alert(1)"),
        row(file=""),
    ]
    folder = make_folder(tmp_path / "delivery", rows)
    (folder / "photo.jpeg").unlink()
    rows_read, problems = read_manifest(folder, catalogue)
    assert [one.number for one in rows_read] == [10]
    assert [(problem.where, problem.message, problem.advice) for problem in problems] == [
        ("row 2, site", "There is no site 'hang-sung-sott'.", "Do you mean hang-sung-sot?"),
        ("row 3, site", "The site is missing.", "There are 57 of them."),
        ("row 3, kind", "There is no kind 'video'.", "Known are model, panorama, photo."),
        ("row 4, file", "There is no file 'photo.jpeg'.", "Do you mean photo.jpg?"),
        ("row 4, title_vi", "The title in Vietnamese is missing.", ""),
        ("row 4, title_en", "The title in English is missing.", ""),
        ("row 5, file", "The path leaves the manifest's folder.", "Put the file beside the manifest."),
        ("row 6, licence", "There is no licence 'cc-by-4.0'.", "Do you mean CC-BY-4.0?"),
        ("row 6, attribution", "Nobody is credited.", "Say whose work it is."),
        ("row 7, lon", "There is no lon, but a lat.", "Give both, or neither."),
        ("row 8, lat", "Want -90 to 90 degrees, got 107.01.", "Are lat and lon exchanged?"),
        ("row 9, lat", "Want a number, got '20,9'.", "Use decimal degrees with a point, such as 20.9112."),
        ("row 9, lon", "Want a number, got 'abc'.", "Use decimal degrees with a point, such as 20.9112."),
        ("row 11", "This is row 10 again: same site, kind and file.", ""),
        (
            "row 12, source_url",
            "Want an address that begins with http:// or https://, got 'javascript:alert(1)'.",
            "",
        ),
        ("row 12, illustration", "Want true or false, got 'maybe'.", ""),
        ("row 13, file", "The file is missing.", "Give its path below the manifest's folder."),
    ]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("/etc/passwd", "The path leaves the manifest's folder."),
        ("a/../../b.jpg", "The path leaves the manifest's folder."),
        ("C:/photos/a.jpg", "A path below the manifest's folder is wanted."),
        ("photos\\a.jpg", "A path below the manifest's folder is wanted."),
        ("out/secret.jpg", "The path leaves the manifest's folder by a link."),
        ("link.jpg", "The path leaves the manifest's folder by a link."),
        ("loop.jpg", "The path is a link that leads nowhere."),
        ("gone.jpg", "There is no file 'gone.jpg'."),
        ("photo.jpg/deeper.jpg", "There is no file 'deeper.jpg'."),
        ("sub", "This is a folder."),
        ("pipe", "This is not a file."),
        ("empty.jpg", "The file is empty."),
        ("x" * 5000, f"There is no file '{'x' * 100}'."),
        (".", "This is a folder."),
    ],
)
def test_files_that_are_none_of_ours(tmp_path, catalogue, name: str, message: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.jpg").write_bytes(b"secret")
    folder = make_folder(tmp_path / "delivery", [row()])
    (folder / "sub").mkdir()
    (folder / "out").symlink_to(outside)
    (folder / "link.jpg").symlink_to(outside / "secret.jpg")
    (folder / "loop.jpg").symlink_to(folder / "loop.jpg")
    (folder / "empty.jpg").write_bytes(b"")
    os.mkfifo(folder / "pipe")  # opening it would wait for ever
    (folder / "manifest.csv").write_bytes(manifest_bytes([row(file=name)]))
    assert problems_of(folder, catalogue) == [("row 2, file", message)]


def test_a_link_inside_the_folder_is_fine(tmp_path, catalogue) -> None:
    folder = make_folder(tmp_path, [row()])
    (folder / "same.jpg").symlink_to("photo.jpg")
    (folder / "manifest.csv").write_bytes(manifest_bytes([row(file="same.jpg")]))
    assert problems_of(folder, catalogue) == []


def test_either_unicode_form_of_a_name_finds_the_file(tmp_path, catalogue) -> None:
    for number, (on_disk, in_table) in enumerate([("NFD", "NFC"), ("NFC", "NFD")]):
        folder = make_folder(tmp_path / str(number), [row(file=unicodedata.normalize(on_disk, "đầu gỗ.jpg"))])
        name = unicodedata.normalize(in_table, "đầu gỗ.jpg")
        (folder / "manifest.csv").write_bytes(manifest_bytes([row(file=name)]))
        assert problems_of(folder, catalogue) == []


def test_a_file_over_the_limit(tmp_path, catalogue, monkeypatch) -> None:
    folder = make_folder(tmp_path, [row()])
    (folder / "photo.jpg").write_bytes(b"x" * 100)
    monkeypatch.setattr(manifest_cells, "MAX_MASTER_BYTES", 100)
    assert problems_of(folder, catalogue) == []
    monkeypatch.setattr(manifest_cells, "MAX_MASTER_BYTES", 99)
    assert problems_of(folder, catalogue) == [
        ("row 2, file", "The file has 100 bytes, at most 99 are taken.")
    ]


def test_a_point_far_from_its_site_is_a_warning(tmp_path, catalogue) -> None:
    folder = make_folder(tmp_path, [row(site="hang-dau-go", lat="20.911213", lon="107.51866")])
    rows, problems = read_manifest(folder, catalogue)
    assert len(rows) == 1
    assert [(problem.where, problem.message, problem.severity) for problem in problems] == [
        ("row 2, lat", "This point lies 51.9 km from hang-dau-go.", Severity.WARNING)
    ]


@pytest.mark.parametrize(
    ("body", "where", "message"),
    [
        (b"", "row 1", "The column 'site' is missing."),
        (b"site,kind\n", "row 1", "The column 'file' is missing."),
        (manifest_bytes([row()], (*HEADER, "licnce")), "row 1, column 16", "There is no column 'licnce'."),
        (manifest_bytes([row()], (*HEADER, "lat")), "row 1, column 16", "The column 'lat' is there twice."),
        (manifest_bytes([]), "", "The manifest has no rows."),
        (manifest_bytes([row()]) + b'"open', "row 3", "The table breaks off here: unexpected end of data."),
        (manifest_bytes([row()]) + b"\xff", "row 3", "The manifest is not UTF-8 text (byte 245)."),
        ("site".encode("utf-16"), "", "The manifest is UTF-16 text, not UTF-8."),
        (manifest_bytes([row()]) + b"x," * 15 + b"x", "row 3", "The row has 16 cells, not 15."),
        (b"x" * (MAX_MANIFEST_BYTES + 1), "", f"The manifest is larger than {MAX_MANIFEST_BYTES} bytes."),
        (manifest_bytes([{}]) * (MAX_ROWS + 2), "", f"The manifest has more than {MAX_ROWS} rows."),
    ],
)
def test_tables_that_are_none(tmp_path, catalogue, body: bytes, where: str, message: str) -> None:
    folder = make_folder(tmp_path, [row()])
    (folder / "manifest.csv").write_bytes(body)
    assert (where, message) in problems_of(folder, catalogue)
    rows, problems = read_manifest(folder, catalogue)
    assert any(problem.severity is Severity.ERROR for problem in problems)
    assert len(rows) <= 1


def test_rows_at_the_limit_are_taken(tmp_path, catalogue) -> None:
    folder = make_folder(tmp_path, [row()])
    (folder / "manifest.csv").write_bytes(manifest_bytes([{}] * (MAX_ROWS - 1) + [row()]))
    rows, problems = read_manifest(folder, catalogue)
    assert ([one.number for one in rows], problems) == ([MAX_ROWS + 1], [])


def test_no_manifest_and_no_folder(tmp_path, catalogue) -> None:
    assert problems_of(tmp_path, catalogue) == [("", "There is no file 'manifest.csv'.")]
    _rows, problems = read_manifest(tmp_path / "none", catalogue)
    assert [problem.message for problem in problems] == ["There is no such folder."]
    (tmp_path / "Manifest.CSV").write_bytes(b"")
    _rows, problems = read_manifest(tmp_path, catalogue)
    assert [problem.advice for problem in problems] == ["Do you mean Manifest.CSV?"]


def test_rows_are_counted_as_a_spreadsheet_shows_them(tmp_path, catalogue) -> None:
    lines = row(file="a.jpg", summary_en="first\nsecond\nthird")
    folder = make_folder(tmp_path, [lines, row(file="b.jpg", site="nowhere")])
    assert [where for where, _message in problems_of(folder, catalogue)] == ["row 3, site"]


def test_the_format_page_lists_every_column() -> None:
    page = (Path(__file__).parents[3] / "docs" / "formats" / "manifest.md").read_text(encoding="utf-8")
    table = [line.split("|") for line in page.splitlines() if line.startswith("| `")]
    assert [(cells[1].strip(" `"), cells[2].strip() == "yes") for cells in table] == [
        (column, column in REQUIRED_COLUMNS) for column in COLUMNS
    ]
    assert f"At most {MAX_ROWS} rows and {MAX_MANIFEST_BYTES >> 20} MiB" in page
