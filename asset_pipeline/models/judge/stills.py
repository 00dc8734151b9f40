"""Pictures for a report, before and after, on a quiet background."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from asset_pipeline.models.judge.renderer import BACKGROUND, Picture

PAPER = (232, 233, 231)  # sRGB
AMPLIFIED = 4  # the difference picture shows 4 times the difference, from black
WEBP_QUALITY = 90

Pixels = NDArray[np.uint8]


def write_stills(
    master: Sequence[Picture], candidate: Sequence[Picture], worst: int, folder: Path
) -> tuple[str, ...]:
    """before-/after- worst (lit), lit and unlit (first view), and difference.webp of the worst view lit."""
    pairs = {
        "worst": (
            _on_paper(master[worst].lit, master[worst]),
            _on_paper(candidate[worst].lit, candidate[worst]),
        ),
        "lit": (_on_paper(master[0].lit, master[0]), _on_paper(candidate[0].lit, candidate[0])),
        "unlit": (_on_paper(master[0].unlit, master[0]), _on_paper(candidate[0].unlit, candidate[0])),
    }
    pictures: dict[str, Pixels] = {}
    for name, (before, after) in pairs.items():
        pictures[f"before-{name}.webp"], pictures[f"after-{name}.webp"] = before, after
    change = np.abs(pairs["worst"][0].astype(np.int16) - pairs["worst"][1])
    pictures["difference.webp"] = (change * AMPLIFIED).clip(0, 255).astype(np.uint8)
    for name, picture in pictures.items():
        PIL.Image.fromarray(picture).save(folder / name, "WEBP", quality=WEBP_QUALITY, method=4)
    return tuple(pictures)


def _on_paper(colors: Pixels, picture: Picture) -> Pixels:
    """Another background under the same model: what the old one gave is taken out, the new one put in."""
    free = 1 - picture.coverage[:, :, None].astype(np.float32) / 255
    change = np.array(PAPER, np.float32) - np.array(BACKGROUND, np.float32)
    return np.rint(colors + free * change).clip(0, 255).astype(np.uint8)
