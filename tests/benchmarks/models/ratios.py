"""How figures of single models become the lines of the table. Plain arithmetic, tested on its own."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

FAR_WORSE = 3.0  # a peer whose loss is so many times the median of the others has broken the model
BROKEN_LOSS = 0.05  # and lost at least this much more


@dataclass(frozen=True, slots=True)
class Pair:
    """Our bytes and a peer's at equal quality, for one model and one of the peer's ratios."""

    model: str
    ratio: float
    peer: str
    ours: int
    theirs: int

    @property
    def quotient(self) -> float:
        """Ours by theirs: below 1, ours is the smaller file."""
        return self.ours / self.theirs


def geometric_mean(values: Iterable[float]) -> float:
    """Of positive numbers. ValueError for none."""
    logs = [math.log(value) for value in values]
    if not logs:
        raise ValueError("geometric_mean: want at least one value")
    return math.exp(sum(logs) / len(logs))


def hardest(pairs: Iterable[Pair]) -> list[Pair]:
    """For each model and ratio the peer that is hardest to beat, in the order first met."""
    found: dict[tuple[str, float], Pair] = {}
    for pair in pairs:
        key = (pair.model, pair.ratio)
        if key not in found or pair.quotient > found[key].quotient:
            found[key] = pair
    return list(found.values())


def mean_by_model(pairs: Sequence[Pair]) -> dict[str, float]:
    """The geometric mean over each model's ratios."""
    return {
        model: geometric_mean(pair.quotient for pair in pairs if pair.model == model)
        for model in dict.fromkeys(pair.model for pair in pairs)
    }


def mean_over_models(pairs: Sequence[Pair]) -> float:
    """The geometric mean over models of each model's own mean, so that a model with few ratios counts in
    full."""
    return geometric_mean(mean_by_model(pairs).values())


def broken_peers(losses: Mapping[str, float]) -> list[str]:
    """Of the worse losses (lit or unlit) of all peers at one ratio, those far above their neighbours."""
    broken = []
    for name, loss in losses.items():
        others = sorted(value for other, value in losses.items() if other != name)
        if not others:
            continue
        middle = others[len(others) // 2]
        if loss > middle * FAR_WORSE and loss > middle + BROKEN_LOSS:
            broken.append(name)
    return broken
