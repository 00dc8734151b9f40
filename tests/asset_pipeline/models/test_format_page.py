from asset_pipeline.models.format_page import format_page
from tests.asset_pipeline.models.conftest import REPOSITORY


def test_the_page_is_what_the_tables_say() -> None:
    page = REPOSITORY / "docs" / "formats" / "models.md"
    assert page.read_text(encoding="utf-8") == format_page(), (
        "run python -m asset_pipeline.models.format_page"
    )
