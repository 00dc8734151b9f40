"""A visitor's phone on a desk: replay a track, ask by cell, watch fences, download what suits the device.

`walk` yields one report after the other, each a JSON object with its kind under "event"; telling.py puts them
in words. Positions stay in here: no report, request or log line holds one.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from halong_xr.client import Client
from halong_xr.download import ProgressCall
from halong_xr.errors import HalongXrError
from halong_xr.geo import LatLon, distance_m
from halong_xr.geofencing import Event, FenceKey, Fix, Watcher
from halong_xr.geohash import cell_of
from halong_xr.gpx import Track, TrackPoint
from halong_xr.models import Derivative, Experience, Text

ASSUMED_ACCURACY_M = 10.0  # metres; GPX carries no accuracy, and a phone at sea under open sky does better
TRIGGERS_OF_EVENT = {"enter": {"enter", "pass"}, "dwell": {"dwell"}, "exit": {"exit", "enter", "pass"}}

Report = dict[str, object]


@dataclass(slots=True)
class _Visit:
    """What a walk has gathered so far."""

    experiences: dict[str, Experience] = field(default_factory=dict)
    not_live: set[FenceKey] = field(default_factory=set)
    events: dict[str, int] = field(default_factory=lambda: {"enter": 0, "dwell": 0, "exit": 0})
    met: set[str] = field(default_factory=set)
    downloaded: set[str] = field(default_factory=set)
    verified_bytes: int = 0
    fetched_bytes: int = 0
    problems: int = 0


def walk(
    track: Track,
    client: Client,
    *,
    languages: Sequence[str],
    sandbox: bool = False,
    download_to: Path | None = None,
    speed: float = 0.0,
    sleep: Callable[[float], None] = time.sleep,
    progress: ProgressCall | None = None,
) -> Iterator[Report]:
    """Replay a track against a service. speed: times real time, 0 as fast as possible.

    Raises HalongXrError when the service cannot be asked; a failed download is reported, the walk goes on.
    """
    visit, watcher = _Visit(), Watcher((), sandbox=sandbox)
    cell = before = None
    yield {"event": "start", "track": track.name, "fixes": len(track.points), "notes": list(track.notes)}
    for point in track.points:
        if speed > 0 and before is not None:
            sleep(max(0.0, (point.at - before).total_seconds()) / speed)
        before = point.at
        if cell_of(point.position) != cell:
            cell = cell_of(point.position)
            visit.experiences = {
                near.experience.slug: near.experience for near in client.experiences_around(point.position)
            }
            watcher.watch_experiences(visit.experiences.values())
            visit.not_live.update(fence.key for fence in watcher.not_live)
        for event in watcher.update(_fix_of(point)):
            visit.events[event.kind] += 1
            for experience in _experiences_of(event, visit.experiences.values()):
                yield _event_report(event, experience, point, languages)
                if event.kind != "exit":
                    visit.met.add(experience.slug)
                    if download_to is not None:
                        yield from _downloads(client, experience, visit, download_to, progress)
    yield _summary(track, client, watcher, visit, sandbox=sandbox)


def _fix_of(point: TrackPoint) -> Fix:
    """GPX heights are above sea level by some model or other: too vague to decide a height range."""
    return Fix(point.at.timestamp(), point.position.lat_deg, point.position.lon_deg, ASSUMED_ACCURACY_M, None)


def _experiences_of(event: Event, experiences: Iterable[Experience]) -> list[Experience]:
    """The experiences an event is for. Passing by counts as entering: the story is told while in view."""
    kinds = TRIGGERS_OF_EVENT[event.kind]
    return [
        experience
        for experience in experiences
        if any(
            trigger.fence.key == event.fence.key
            and trigger.kind in kinds
            and (event.kind != "dwell" or trigger.dwell_s == event.dwell_s)
            for trigger in experience.triggers
        )
    ]


def _event_report(
    event: Event, experience: Experience, point: TrackPoint, languages: Sequence[str]
) -> Report:
    report: Report = {
        "event": event.kind,
        "at": datetime.fromtimestamp(event.at_s, UTC).isoformat(),
        "geofence": event.fence.fence_id,
        "experience": experience.slug,
        "site": experience.site.slug,
        "titles": _titles(experience.titles, experience.title, languages),
    }
    if event.kind == "exit":
        return report
    return report | {
        "kind": experience.kind,
        "site_names": _titles(experience.site.names, experience.site.name, languages),
        "distance_m": _distance_m(experience, point.position),
        "illustration": experience.illustration,
        "notice": experience.illustration_notice.text if experience.illustration_notice else None,
        "credit": experience.attribution.credit,
        "licence": experience.attribution.licence.licence_id,
        "derivatives": [_derivative_report(d) for d in _suiting(experience)],
    }


def _titles(texts: Iterable[Text], fallback: Text, languages: Sequence[str]) -> dict[str, str]:
    """Texts by asked language (vi-VN is content with vi); the service's choice if none is there."""
    by_tag = {text.language: text.text for text in texts if text.state != "missing"}
    found = {}
    for language in languages:
        for tag in (language, language.partition("-")[0]):
            if tag in by_tag:
                found[language] = by_tag[tag]
                break
    return found or {fallback.language: fallback.text}


def _distance_m(experience: Experience, position: LatLon) -> int | None:
    return None if experience.point is None else round(distance_m(position, experience.point))


def _suiting(experience: Experience) -> list[Derivative]:
    """Of each media item the derivative that suits the device best: the service lists it first."""
    return [media.derivatives[0] for media in experience.media if media.derivatives]


def _derivative_report(derivative: Derivative) -> Report:
    return {
        "derivative_id": derivative.derivative_id,
        "usage": derivative.usage,
        "quality": derivative.quality,
        "bytes": derivative.bytes,
        "files": derivative.file_count,
        "why": derivative.why,
    }


def _downloads(
    client: Client, experience: Experience, visit: _Visit, folder: Path, progress: ProgressCall | None
) -> Iterator[Report]:
    """Each derivative once in a walk. What fails is reported and tried again when it is met again."""
    for derivative in _suiting(experience):
        if derivative.derivative_id in visit.downloaded:
            continue
        about: Report = {
            "experience": experience.slug,
            "derivative_id": derivative.derivative_id,
            "usage": derivative.usage,
            "quality": derivative.quality,
        }
        try:
            got = client.download(derivative, folder, progress=progress)
        except HalongXrError as error:
            visit.problems += 1
            yield {"event": "problem"} | about | {"message": str(error)}
            continue
        visit.downloaded.add(derivative.derivative_id)
        visit.verified_bytes += got.verified_bytes
        visit.fetched_bytes += got.fetched_bytes
        yield (
            {"event": "download"}
            | about
            | {
                "files": len(got.files),
                "verified_bytes": got.verified_bytes,
                "fetched_bytes": got.fetched_bytes,
                "entry": str(got.entry),
            }
        )


def _summary(track: Track, client: Client, watcher: Watcher, visit: _Visit, *, sandbox: bool) -> Report:
    return {
        "event": "summary",
        "fixes": len(track.points),
        "fixes_not_used": dict(watcher.refused),
        "km": round(track.length_m / 1000, 2),
        "events": dict(visit.events),
        "experiences": sorted(visit.met),
        "downloads": len(visit.downloaded),
        "verified_bytes": visit.verified_bytes,
        "fetched_bytes": visit.fetched_bytes,
        "requests": client.requests_sent,
        "received_bytes": client.bytes_received,
        "cells_asked": list(client.asked_cells),
        "sandbox": sandbox,
        "not_live_fences": len(visit.not_live),
        "problems": visit.problems,
    }
