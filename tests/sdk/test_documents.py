import pytest
from graphql import parse, validate
from halong_xr.documents import DOCUMENTS

from tests.sdk.fake_service import committed_schema


@pytest.mark.parametrize("name", DOCUMENTS)
def test_each_document_fits_the_committed_schema(name: str) -> None:
    assert validate(committed_schema(), parse(DOCUMENTS[name])) == []


def test_no_document_speaks_of_a_position_that_goes_in() -> None:
    for document in DOCUMENTS.values():
        assert "PositionInput" not in document
        assert "experiencesNear" not in document
