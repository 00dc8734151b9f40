"""docs/data.md counts what the seed holds; docs/glossary.md knows every word of the fixed lists."""

import re
from pathlib import Path

import pytest

from heritage_sites import AnchorKind, PositionBasis, Quality, TextState, TriggerKind, Usage, load_catalogue

DOCS = Path(__file__).parents[2] / "docs"


def test_data_page_counts_the_positions_of_the_seed():
    page = (DOCS / "data.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z-]+)` \| (\d+) \|", page, re.MULTILINE)
    bases = [site.position.basis for site in load_catalogue().sites]
    assert [(name, int(count)) for name, count in rows] == [
        (basis.value, bases.count(basis)) for basis in PositionBasis
    ]
    assert f"holds {len(bases)} sites and {len(load_catalogue().tours)} tours" in page


@pytest.mark.parametrize("words", [AnchorKind, PositionBasis, Quality, TextState, TriggerKind, Usage])
def test_glossary_knows_every_word(words):
    page = (DOCS / "glossary.md").read_text(encoding="utf-8")
    assert [word.value for word in words if f"`{word.value}`" not in page] == []
