"""The demo's masters at a fraction of their size, made once for all tests here."""

from pathlib import Path

import pytest

from content_api.demo.masters import DemoMasters, MasterSizes, make_masters

SMALL = MasterSizes(
    tower_columns=64, tower_rows=33, texture_px=256, panorama_px=512, photo_px=300, form_columns=128
)


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo-cache")


@pytest.fixture(scope="session")
def small_sizes() -> MasterSizes:
    return SMALL


@pytest.fixture(scope="session")
def small_masters(cache: Path) -> DemoMasters:
    return make_masters(cache, lambda line: None, SMALL)
