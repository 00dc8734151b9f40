"""One model against all peers: geometry at equal rendered quality, and totals. The answer is plain JSON."""

from collections.abc import Sequence
from typing import Any

from asset_pipeline.models.write_glb import GeometryCodec
from tests.benchmarks.models import glb
from tests.benchmarks.models.equal import Best, Choice, EqualQuality, Losses
from tests.benchmarks.models.own import FINE, FINEST, GRIDS, Grids, Own, Way, ways
from tests.benchmarks.models.peers import GEOMETRY_PEERS, PeerRun, run_peer
from tests.benchmarks.models.ratios import broken_peers
from tests.benchmarks.models.scoring import CONFIRM_PX, Eye, Look, as_json, try_look
from tests.benchmarks.models.sources import Source

Found = Best[Way]
NEARLY_ALL = 0.7  # of the source's triangles: from here on, storing decides
GOOD_MODE = 1.25  # a mode that loses so much more than the best one is looked at no further


def compare_geometry(source: Source, eye: Eye, own: Own, ratios: Sequence[float]) -> list[dict[str, Any]]:
    """A row for each peer and ratio: what it made, and our lightest file that is at least as good."""
    field = Field(source, eye, own, ratios)
    rows = []
    for ratio in ratios:
        runs = [run_peer(peer, source, ratio) for peer in GEOMETRY_PEERS]
        rows += _rows_of_ratio(runs, eye, own, field)
    return rows


def _rows_of_ratio(runs: Sequence[PeerRun], eye: Eye, own: Own, field: "Field") -> list[dict[str, Any]]:
    looks = {run.peer: try_look(eye, run.glb) if run.problem is None else run.problem for run in runs}
    rows = {run.peer: _peer_row(run, looks[run.peer]) for run in runs}
    good = [run for run in runs if isinstance(looks[run.peer], Look)]
    found = {run.peer: field.seen(looks[run.peer]) for run in good}  # type: ignore[arg-type]
    broken = broken_peers({run.peer: max(looks[run.peer].losses) for run in good})  # type: ignore[union-attr]
    sound = [run for run in good if run.peer not in broken]
    confirmed: set[str] = set()
    while sound:  # what is seen already bounds each quotient from above: search for the hardest peers only
        run = max(sound, key=lambda one: _quotient(one, found[one.peer]))
        if run.peer in confirmed:
            break
        large = eye.look(run.glb, CONFIRM_PX)
        found[run.peer] = field.match(looks[run.peer], large)  # type: ignore[arg-type]
        confirmed.add(run.peer)
    for run in good:
        rows[run.peer] |= _own_row(found[run.peer], own, eye, is_confirmed=run.peer in confirmed)
    for codec in (GeometryCodec.MESHOPT, GeometryCodec.DRACO):  # a reader will ask: one codec on both sides
        order = sorted(
            (run for run in sound if run.codec == codec), key=lambda run: -_quotient(run, found[run.peer])
        )
        for run in order[:1]:
            same = field.match_with(looks[run.peer], codec)  # type: ignore[arg-type]
            rows[run.peer]["ours_same_codec"] = None if same is None else _sizes(same, own)
    return list(rows.values())


class Field:
    """What our ways can do on one model: curves first, then a search for each target."""

    def __init__(self, source: Source, eye: Eye, own: Own, ratios: Sequence[float]) -> None:
        self._source, self._eye, self._own = source, eye, own
        self._added: dict[Grids, Losses] = {FINE: (0.0, 0.0)}
        self._good_modes = set(own.modes)
        self._search = self._searcher(ways(own.modes))
        self._same = {
            codec: self._searcher([way for way in ways(own.modes) if way.codec is codec])
            for codec in (GeometryCodec.DRACO, GeometryCodec.MESHOPT)
        }
        for same in self._same.values():
            same.weigh_with(self._search)
        self._draw_curves([max(1, round(source.triangles * ratio)) for ratio in ratios])

    def seen(self, target: Look) -> Found | None:
        """The lightest of the files looked at so far that is as good, at the search's size of view."""
        return self._search.best_seen(target.losses)

    def match(self, target: Look, large: Look | None) -> Found | None:
        """Our lightest file at least as good as a look; also at the larger size where that look is given."""

        def lacks_large(choice: Choice[Way]) -> Losses | None:
            if large is None:
                return None
            look = self._eye.look(self._own.file(choice), CONFIRM_PX)
            if look.is_as_good_as(large):
                return None
            lit, unlit = (max(a - b, 0.0) for a, b in zip(look.losses, large.losses, strict=True))
            return lit, unlit

        found = self._search.solve(target.losses, lacks_large)
        if found is None or found.choice.triangles >= self._source.triangles * NEARLY_ALL:
            for grids in GRIDS:  # such a target is met by storing alone; power laws do not lead there
                way = Way(self._own.modes[0], grids, GeometryCodec.DRACO)
                self._search.look(Choice(way, self._source.triangles))
            found = self._search.solve(target.losses, lacks_large)
        if found is None:  # nothing reaches it: the finest grids, all triangles
            finest = Way(self._own.modes[0], FINEST, GeometryCodec.DRACO)
            self._search.allow(finest)
            self._search.look(Choice(finest, self._source.triangles))
            found = self._search.solve(target.losses, lacks_large)
        return found

    def match_with(self, target: Look, codec: GeometryCodec) -> Found | None:
        """The same with one codec only, at the search's size of view."""
        search = self._same[codec]
        for choice, seen in self._search.seen.items():
            if choice.kind.codec is codec:
                search.take(seen)
            else:
                search.take_curve(seen)
        return search.solve(target.losses)

    def _searcher(self, kinds: Sequence[Way]) -> EqualQuality[Way]:
        return EqualQuality(
            kinds,
            self._source.triangles,
            self._weigh,
            self._look,
            _curve_of,
            self._base_of,
            _grids_of,
            _family_of,
        )

    def _weigh(self, choice: Choice[Way]) -> int:
        return glb.geometry_bytes(self._own.file(choice))

    def _look(self, choice: Choice[Way]) -> Losses:
        return self._eye.look(self._own.file(choice)).losses

    def _base_of(self, way: Way) -> tuple[object, Losses] | None:
        if way.grids not in self._added or way.mode not in self._good_modes:
            return None
        return (way.mode, FINE), self._added[way.grids]

    def _draw_curves(self, counts: Sequence[int]) -> None:
        """Each mode at the middle count on the fine grid; good ones at all counts; then each grid once."""
        middle = counts[len(counts) // 2]
        fine = {mode: Way(mode, FINE, GeometryCodec.DRACO) for mode in self._own.modes}
        tried = {mode: self._search.look(Choice(way, middle)) for mode, way in fine.items()}
        best = min(tried, key=lambda mode: max(tried[mode].losses))
        good = [mode for mode in tried if max(tried[mode].losses) <= max(tried[best].losses) * GOOD_MODE]
        self._good_modes = set(good)
        for mode in good:
            for count in counts:
                self._search.look(Choice(fine[mode], count))
        for grids in GRIDS[1:]:
            seen = self._search.look(Choice(Way(best, grids, GeometryCodec.DRACO), middle))
            lit, unlit = (
                max(more - less, 0.0) for more, less in zip(seen.losses, tried[best].losses, strict=True)
            )
            self._added[grids] = (lit, unlit)


def _curve_of(way: Way) -> object:
    return way.mode, way.grids


def _grids_of(way: Way) -> object:
    return way.grids


def _family_of(way: Way) -> object:
    return way.grids, way.codec


def _quotient(run: PeerRun, found: Found | None) -> float:
    return float("inf") if found is None else found.bytes / glb.geometry_bytes(run.glb)


def _peer_row(run: PeerRun, look: Look | str) -> dict[str, Any]:
    row: dict[str, Any] = {
        "peer": run.peer,
        "ratio": run.ratio,
        "codec": run.codec,
        "error_limit": run.error_limit,
    }
    if isinstance(look, str):
        return row | {"problem": look}
    return row | {
        "theirs": glb.geometry_bytes(run.glb),
        "theirs_gzip": glb.geometry_gzip_bytes(run.glb),
        "their_triangles": glb.count_triangles(run.glb),
        "their_codec": glb.codec_of(run.glb),
        "their_file": run.glb.name,
        "their_look": as_json(look),
    }


def _own_row(found: Found | None, own: Own, eye: Eye, *, is_confirmed: bool) -> dict[str, Any]:
    if found is None:  # counted as it is: our finest file, larger and still not as good
        finest = Choice(Way(own.modes[0], FINEST, GeometryCodec.DRACO), own.source.triangles)
        size = glb.geometry_bytes(own.file(finest))
        found = Best(finest, size, eye.look(own.file(finest)).losses)
        is_confirmed = False
    return {
        **_sizes(found, own),
        "our_look": as_json(eye.look(own.file(found.choice))),
        "confirmed": is_confirmed,
    }


def _sizes(found: Found, own: Own) -> dict[str, Any]:
    path, way = own.file(found.choice), found.choice.kind
    return {
        "ours": found.bytes,
        "ours_gzip": glb.geometry_gzip_bytes(path),
        "our_triangles": glb.count_triangles(path),
        "our_codec": glb.codec_of(path),
        "our_mode": str(way.mode),
        "our_bits": [way.grids.position, way.grids.uv, way.grids.direction],
        "our_file": path.name,
    }
