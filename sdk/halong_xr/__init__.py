"""The bay for an app's developer: ask by place without telling the place, watch fences, download and verify.

from halong_xr import Client, LatLon, Watcher

with Client("https://example.org", languages=("vi", "en")) as bay:
    nearby = bay.experiences_around(LatLon(20.91, 107.18))
"""

from halong_xr.client import AsyncClient, Client
from halong_xr.core import Device
from halong_xr.download import Downloaded, Progress
from halong_xr.errors import (
    AnswerUnexpected,
    BytesRefused,
    DiskFailed,
    DownloadIncomplete,
    Failed,
    HalongXrError,
    QueryRefused,
    Refused,
    ServiceFailed,
    TrackUnreadable,
    Unreachable,
)
from halong_xr.fences import AreaFence, CircleFence, CorridorFence, Fence
from halong_xr.geo import LatLon, distance_m
from halong_xr.geofencing import Event, Fix, Watcher
from halong_xr.gpx import Track, load_track
from halong_xr.models import (
    Anchor,
    Attribution,
    Derivative,
    DerivativeFile,
    Experience,
    Licence,
    Media,
    Nearby,
    Release,
    Site,
    SiteBrief,
    SitePosition,
    Text,
    Tour,
    TourStop,
    Trigger,
)
from halong_xr.wire import RetryPolicy

__all__ = [
    "Anchor",
    "AnswerUnexpected",
    "AreaFence",
    "AsyncClient",
    "Attribution",
    "BytesRefused",
    "CircleFence",
    "Client",
    "CorridorFence",
    "Derivative",
    "DerivativeFile",
    "Device",
    "DiskFailed",
    "DownloadIncomplete",
    "Downloaded",
    "Event",
    "Experience",
    "Failed",
    "Fence",
    "Fix",
    "HalongXrError",
    "LatLon",
    "Licence",
    "Media",
    "Nearby",
    "Progress",
    "QueryRefused",
    "Refused",
    "Release",
    "RetryPolicy",
    "ServiceFailed",
    "Site",
    "SiteBrief",
    "SitePosition",
    "Text",
    "Tour",
    "TourStop",
    "Track",
    "TrackUnreadable",
    "Trigger",
    "Unreachable",
    "Watcher",
    "distance_m",
    "load_track",
]
