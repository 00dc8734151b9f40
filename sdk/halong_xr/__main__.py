"""`python -m halong_xr walk TRACK.gpx`: exit 0 done, 1 the track cannot be used, 2 wrong usage, 3 failed."""

import argparse
import io
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path

from halong_xr.client import Client
from halong_xr.core import DEVICE_CLASSES
from halong_xr.download import Progress
from halong_xr.errors import HalongXrError, TrackUnreadable
from halong_xr.gpx import load_track
from halong_xr.telling import size, tell
from halong_xr.walk import walk

DEFAULT_URL = "http://127.0.0.1:8000"
DONE, INPUT_PROBLEM, FAILED = 0, 1, 3  # argparse itself ends with 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = _parser()
    options = parser.parse_args(argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")  # titles are Vietnamese on any console
    try:
        try:
            client = Client(options.url, languages=options.languages, device=options.device)
        except ValueError as error:
            parser.error(f"argument --{error}")
        with client:
            return _walk(options, client)
    except TrackUnreadable as refusal:
        return _stop(str(refusal), INPUT_PROBLEM)
    except HalongXrError as error:
        return _stop(str(error), FAILED)
    except ModuleNotFoundError as error:
        return _stop(f"{error.name} is not installed: pip install halong-xr-sdk", FAILED)
    except KeyboardInterrupt:
        return _stop("stopped; what was downloaded is kept", FAILED)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m halong_xr", description="Tools of the halong-xr SDK.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser(
        "walk",
        help="replay a GPX track as a visitor's phone would live it",
        description="Replays a GPX track: asks by cell, watches fences, tells what a visitor would meet. "
        "The track never leaves this machine.",
    )
    command.add_argument("track", metavar="TRACK.gpx", type=Path)
    command.add_argument("--url", default=DEFAULT_URL, help="the service (default %(default)s)")
    command.add_argument("--sandbox", action="store_true", help="let fences fire that are not for live use")
    command.add_argument("--json", action="store_true", help="one JSON object per line")
    command.add_argument(
        "--languages", default="vi,en", type=_languages, metavar="TAGS", help="in order (default %(default)s)"
    )
    command.add_argument("--device", default="phone", choices=DEVICE_CLASSES, help="default %(default)s")
    command.add_argument("--download", type=Path, metavar="DIR", help="download what suits the device")
    command.add_argument(
        "--speed", default=0.0, type=_speed, metavar="X", help="times real time; 0 (default) at once"
    )
    return parser


def _languages(text: str) -> tuple[str, ...]:
    tags = tuple(tag.strip() for tag in text.split(","))
    if not all(tags):
        raise argparse.ArgumentTypeError(f"want tags such as vi,en, got {text!r}")
    return tags


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = math.nan
    if not 0 <= speed < math.inf:
        raise argparse.ArgumentTypeError(f"want 0 or more, got {text!r}")
    return speed


def _walk(options: argparse.Namespace, client: Client) -> int:
    problems: object = 0
    reports = walk(
        load_track(options.track),
        client,
        languages=options.languages,
        sandbox=options.sandbox,
        download_to=options.download,
        speed=options.speed,
        progress=None if options.json or not sys.stderr.isatty() else _show,
    )
    for report in reports:
        print(json.dumps(report, ensure_ascii=False) if options.json else tell(report), flush=True)
        problems = report.get("problems", 0)
    return FAILED if problems else DONE


def _show(progress: Progress) -> None:
    end = "\r\x1b[K" if progress.done_bytes == progress.total_bytes else ""
    print(
        f"\r\x1b[K  {size(progress.done_bytes)} of {size(progress.total_bytes)}{end}", end="", file=sys.stderr
    )


def _stop(message: str, code: int) -> int:
    print(message, file=sys.stderr, flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
