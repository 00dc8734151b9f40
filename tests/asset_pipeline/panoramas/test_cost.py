"""A panorama of any size is worked on in little memory."""

import subprocess
import sys
from pathlib import Path

import pytest
import pyvips

MIB = 1024 * 1024

MEASURE = """
import sys, threading, time
from pathlib import Path
from asset_pipeline.panoramas.run import run_panorama
peak = 0
def watch():
    global peak
    while True:
        for line in open("/proc/self/status"):
            if line.startswith("RssAnon:"):
                peak = max(peak, int(line.split()[1]) * 1024)
        time.sleep(0.01)
threading.Thread(target=watch, daemon=True).start()
(outcome,) = run_panorama(Path(sys.argv[1]), recipes=["panorama"], workdir=Path(sys.argv[2]))
print(peak, outcome.drafts[-1].measures["tile_count"])
"""


def write_panorama(path: Path, width: int) -> None:
    """A soft random sky, enlarged row by row, so that making it needs no memory either."""
    small = pyvips.Image.gaussnoise(512, 256, mean=128, sigma=50, seed=4).cast("uchar")
    bands = small.bandjoin([small.rot180(), small.fliphor()]).copy(interpretation="srgb")
    bands.resize(width / 512, kernel="cubic").write_to_file(str(path), Q=90)


def peak_of(path: Path, work: Path) -> tuple[int, int]:
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path), str(work)], check=True, capture_output=True, text=True
    )
    peak, tiles = done.stdout.split()
    return int(peak), int(tiles)


def test_8k_stays_below_256_mib(tmp_path):
    write_panorama(tmp_path / "a.jpg", 8192)
    peak, tiles = peak_of(tmp_path / "a.jpg", tmp_path / "work")
    assert tiles == 126
    assert peak < 256 * MIB


@pytest.mark.slow
def test_the_largest_stays_below_256_mib(tmp_path):
    write_panorama(tmp_path / "a.jpg", 32768)
    peak, tiles = peak_of(tmp_path / "a.jpg", tmp_path / "work")
    assert tiles == 2046
    assert peak < 256 * MIB
