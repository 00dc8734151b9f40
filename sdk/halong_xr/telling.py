"""The reports of a walk in words."""

from typing import Any

from halong_xr.walk import Report


def tell(report: Report) -> str:
    """A report as one or more lines for people."""
    words: Any = report  # values were put there by walk.py
    return _TELLERS[words["event"]](words)


def _start(r: Any) -> str:
    lines = [f"Replaying {r['track'] or 'a track'}: {r['fixes']} fixes."]
    lines += [f"  Note: {note}." for note in r["notes"]]
    lines.append("  Times are UTC. The service is told cells of about 5 km, never a position.")
    return "\n".join(lines)


def _enter(r: Any) -> str:
    verb = {"enter": "Entering", "dwell": "Staying at"}[r["event"]]
    lines = ["", f"{r['at'][11:19]}  {verb} {_both(r['site_names'])}", f"  {r['kind']}: {_both(r['titles'])}"]
    if r["distance_m"] is not None:
        lines.append(f"  {r['distance_m']} m away, measured on this device")
    if r["illustration"]:
        lines.append(f"  {r['notice'] or 'Illustration, not a record of the place.'}")
    lines.append(f"  {r['credit']} ({r['licence']})")
    for derivative in r["derivatives"]:
        why = f": {derivative['why']}" if derivative["why"] else ""
        name = f"{derivative['usage']} {derivative['quality']}"
        lines.append(f"  suits this device: {name}, {size(derivative['bytes'])}{why}")
    return "\n".join(lines)


def _exit(r: Any) -> str:
    return f"\n{r['at'][11:19]}  Leaving {_both(r['titles'])}"


def _download(r: Any) -> str:
    files = "1 file" if r["files"] == 1 else f"{r['files']} files"
    kept = r["verified_bytes"] - r["fetched_bytes"]
    had = f" ({size(kept)} were here already)" if kept > 0 else ""
    return f"  verified: {files}, {size(r['verified_bytes'])}{had}, {r['entry']}"


def _problem(r: Any) -> str:
    return f"  PROBLEM with {r['usage']} {r['quality']}: {r['message']}"


def _summary(r: Any) -> str:
    lines = [
        "",
        f"Done: {r['km']} km, fixes: {r['fixes']}, fences entered: {r['events']['enter']}, "
        f"left: {r['events']['exit']}, experiences met: {len(r['experiences'])}.",
        f"  Downloads: {r['downloads']}, {size(r['verified_bytes'])} verified. Requests: {r['requests']}, "
        f"{size(r['received_bytes'])} received. Cells asked for: {len(r['cells_asked'])}.",
    ]
    lines += [f"  Fixes not used ({reason}): {count}." for reason, count in r["fixes_not_used"].items()]
    if r["not_live_fences"] and not r["sandbox"]:
        fences = "1 fence is" if r["not_live_fences"] == 1 else f"{r['not_live_fences']} fences are"
        lines.append(
            f"  {fences} not for live use (no surveyed position) and did not fire; --sandbox tries them out."
        )
    if r["problems"]:
        lines.append(f"  Downloads that failed: {r['problems']}. Walk again to resume them.")
    return "\n".join(lines)


def _both(texts: dict[str, str]) -> str:
    return " / ".join(dict.fromkeys(texts.values()))


def size(count: int) -> str:
    """Bytes for people."""
    if count < 1000:
        return f"{count} B"
    return f"{count / 1000:.0f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"


_TELLERS = {
    "start": _start,
    "enter": _enter,
    "dwell": _enter,
    "exit": _exit,
    "download": _download,
    "problem": _problem,
    "summary": _summary,
}
