"""Pictures made in code, and what a recipe made of them."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from asset_pipeline.photos.run import run_photo


def read(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture)


class Pictures:
    """Shared by the tests of photos; a fixture, because test modules do not import each other."""

    read = staticmethod(read)

    @staticmethod
    def gradient(width: int, height: int) -> np.ndarray:
        """Red grows to the right, green downwards, blue is constant: every turn of it is another picture."""
        red, green = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
        return np.stack([red, green, np.full_like(red, 90)], axis=-1).round().astype(np.uint8)

    @staticmethod
    def run(path: Path, work: Path) -> dict[str, Path]:
        """Quality name to the derivative's folder."""
        (outcome,) = run_photo(path, recipes=["photo"], workdir=work)
        return {str(draft.quality): draft.folder for draft in outcome.drafts}

    @staticmethod
    def difference(first: np.ndarray, second: np.ndarray) -> float:
        """Mean absolute difference of colours."""
        if first.shape != second.shape:
            first = cv2.resize(first, second.shape[1::-1], interpolation=cv2.INTER_AREA)
        return float(np.abs(first.astype(float) - second.astype(float)).mean())


@pytest.fixture(scope="session")
def pictures() -> type[Pictures]:
    return Pictures
