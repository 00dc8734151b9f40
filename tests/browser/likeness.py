"""How alike two pictures of models are: what they cover, how bright they are, how their colours differ."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.browser.model_page import Pixels

BEHIND = 128.0  # grey, so that neither a black nor a white model is lost on it
TILE_PX = 40
TILE_COVERED = 0.25  # of a tile, below which an edge alone would decide
VISIBLE = 8.0  # a change of colour, in any channel
LUMA = np.array([0.2126, 0.7152, 0.0722])


@dataclass(frozen=True)
class Likeness:
    """Of two pictures, the master's first. Colours and luminances count from 0 to 255.

    overlap: pixels that both cover, of those that either covers. luminance: mean of what is covered.
    colour, worst_tile: mean difference per channel over what either covers; in the worst tile of TILE_PX.
    ssim: Wang 2004, over what either covers.
    """

    covered: int
    overlap: float
    luminance: tuple[float, float]
    colour: float
    worst_tile: float
    ssim: float


def compare(master: Pixels, other: Pixels) -> Likeness:
    """A picture that covers nothing has luminance 0."""
    seen = [picture[..., 3] > 127 for picture in (master, other)]
    either, both = seen[0] | seen[1], seen[0] & seen[1]
    covered = int(either.sum())
    first, second = flat(master), flat(other)
    # softened by a pixel: an edge that moved by half a pixel is no wrong colour
    difference = np.abs(_softened(first) - _softened(second)).mean(axis=2)
    return Likeness(
        int(seen[1].sum()),
        float(both.sum() / max(covered, 1)),
        (luminance(master), luminance(other)),
        float(difference[either].mean()) if covered else 0.0,
        _worst_tile(difference, either),
        _ssim(first, second, either) if covered else 1.0,
    )


@dataclass(frozen=True)
class Motion:
    """How two models moved between the same two moments. pixels: of the master that changed visibly.

    extent: of the other's change, the master's being 1. agreement: correlation of the two changes; 1 where
    the same pixels changed in the same way, about 0 where they have nothing in common.
    """

    pixels: int
    extent: float
    agreement: float


def compare_motion(master: Sequence[Pixels], other: Sequence[Pixels]) -> Motion:
    """Of (before, after) each. What stands still cancels out, so a small part that moves counts in full."""
    first, second = (_softened(flat(after)) - _softened(flat(before)) for before, after in (master, other))
    lengths = float(np.linalg.norm(first)), float(np.linalg.norm(second))
    together = float((first * second).sum())
    return Motion(
        int((np.abs(first).max(axis=2) > VISIBLE).sum()),
        lengths[1] / lengths[0] if lengths[0] else 0.0,
        together / (lengths[0] * lengths[1]) if min(lengths) else 0.0,
    )


def luminance(picture: Pixels) -> float:
    """Mean over what is covered."""
    seen = picture[..., 3] > 127
    return float((picture[seen][:, :3] @ LUMA).mean()) if seen.any() else 0.0


def flat(picture: Pixels) -> NDArray[np.float32]:
    """RGB before grey."""
    alpha = picture[..., 3:].astype(np.float32) / 255
    return np.asarray(picture[..., :3] * alpha + BEHIND * (1 - alpha), np.float32)


def _softened(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(picture, (5, 5), 1.0), np.float32)


def _worst_tile(difference: NDArray[np.float32], seen: NDArray[np.bool_]) -> float:
    worst = 0.0
    for top in range(0, difference.shape[0], TILE_PX):
        for left in range(0, difference.shape[1], TILE_PX):
            tile = (slice(top, top + TILE_PX), slice(left, left + TILE_PX))
            if seen[tile].mean() >= TILE_COVERED:
                worst = max(worst, float(difference[tile][seen[tile]].mean()))
    return worst


def _ssim(first: NDArray[np.float32], second: NDArray[np.float32], seen: NDArray[np.bool_]) -> float:
    def blurred(values: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(cv2.GaussianBlur(values, (11, 11), 1.5), np.float32)

    mean_1, mean_2 = blurred(first), blurred(second)
    spread = blurred(first * first) - mean_1**2 + blurred(second * second) - mean_2**2
    shared = blurred(first * second) - mean_1 * mean_2
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    ssim = (2 * mean_1 * mean_2 + c1) * (2 * shared + c2) / ((mean_1**2 + mean_2**2 + c1) * (spread + c2))
    return float(ssim.mean(axis=2)[seen].mean())
