"""Whatever the renderer's process does, the judge's user gets a typed answer, and nothing is left running."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from asset_pipeline.child import Returned, run_in_child
from asset_pipeline.models.judge import Judge, JudgeFailed, JudgeUnavailable, ViewPlan
from asset_pipeline.models.write_glb import write_glb
from tests.asset_pipeline.models.judge.made_scenes import SceneMaker, statue
from tests.conftest import missing

PLAN = ViewPlan(64, views=3)


@pytest.fixture(scope="module")
def glb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("judge") / "statue.glb"
    path.write_bytes(write_glb(statue(24, 64)))
    return path


@pytest.fixture
def judge(glb: Path) -> Iterator[Judge]:
    try:
        opened = Judge.open(glb, PLAN, timeout_s=60)
    except JudgeUnavailable as error:
        missing(error.reason)
    with opened:
        yield opened


def pid_of(judge: Judge) -> int:
    assert judge._process is not None
    return judge._process._child.pid


def is_alive(pid: int) -> bool:
    try:
        return "zombie" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def test_the_process_ends_with_the_block(glb: Path, judge: Judge) -> None:
    pid = pid_of(judge)
    assert is_alive(pid)
    judge.close()
    assert not is_alive(pid)
    judge.close()


def test_a_file_that_is_no_model_fails_and_the_next_one_is_compared(
    judge: Judge, glb: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.glb"
    broken.write_bytes(glb.read_bytes()[:500])
    pid = pid_of(judge)
    with pytest.raises(JudgeFailed, match="could not be drawn"):
        judge.compare(broken)
    with pytest.raises(JudgeFailed, match="missing"):
        judge.compare(tmp_path / "missing.glb")
    assert judge.compare(glb).ssim == 1.0
    assert pid_of(judge) == pid


def test_a_crash_is_a_failure_of_this_file_alone(judge: Judge, glb: Path) -> None:
    os.kill(pid_of(judge), signal.SIGSTOP)
    threading.Timer(0.3, os.kill, (pid_of(judge), signal.SIGSEGV)).start()
    threading.Timer(0.4, os.kill, (pid_of(judge), signal.SIGCONT)).start()
    with pytest.raises(JudgeFailed, match="ended by signal 11"):
        judge.compare(glb)
    assert judge.compare(glb).ssim == 1.0  # by a new process


def test_a_hang_ends_in_time(glb: Path) -> None:
    with Judge.open(glb, PLAN, timeout_s=20) as judge:
        pid = pid_of(judge)
        judge._timeout_s = 0.5
        os.kill(pid, signal.SIGSTOP)
        start = time.monotonic()
        with pytest.raises(JudgeFailed, match=r"did not finish within 0\.5 s"):
            judge.compare(glb)
        assert time.monotonic() - start < 5
        assert not is_alive(pid)


def test_no_opengl_is_said(glb: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("__EGL_VENDOR_LIBRARY_DIRS", str(tmp_path))  # no driver here
    with pytest.raises(JudgeUnavailable, match=r"There is no OpenGL .* apt install") as failure:
        Judge.open(glb, PLAN, timeout_s=60)
    assert failure.value.reason == str(failure.value)


def test_a_master_that_shows_nothing_is_said(tmp_path: Path) -> None:
    maker = SceneMaker()
    maker.node(name="nothing")
    path = tmp_path / "nothing.glb"
    path.write_bytes(write_glb(maker.document()))
    with pytest.raises(JudgeUnavailable, match="shows nothing"):
        Judge.open(path, PLAN, timeout_s=60)


def test_plans_are_checked() -> None:
    for size_px, views in ((63, 12), (2049, 12), (512, 0), (512, 65)):
        with pytest.raises(ValueError, match="want"):
            ViewPlan(size_px, views)


ORPHAN = """
import sys, time
from pathlib import Path
from asset_pipeline.models.judge import Judge, ViewPlan
judge = Judge.open(Path(sys.argv[1]), ViewPlan(64, views=1), timeout_s=60)
print(judge._process._child.pid, flush=True)
time.sleep(600)
"""


def test_the_process_dies_with_its_parent(judge: Judge, glb: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ORPHAN, str(glb)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_alive(pid)
        parent.kill()
    deadline = time.monotonic() + 10
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not is_alive(pid)


IN_CHILD = """
from pathlib import Path
from asset_pipeline.models.judge import Judge, ViewPlan

def judge_itself(glb):
    with Judge.open(Path(glb), ViewPlan(64, views=3), timeout_s=60) as judge:
        return judge.compare(Path(glb)).as_measures()
"""


def test_it_works_inside_a_limited_child(
    judge: Judge, glb: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "judge_in_child.py").write_text(IN_CHILD)
    monkeypatch.syspath_prepend(str(tmp_path))
    import judge_in_child  # type: ignore[import-not-found]

    outcome = run_in_child(judge_in_child.judge_itself, (str(glb),), max_memory_bytes=4 << 30, timeout_s=120)
    del sys.modules["judge_in_child"]
    assert isinstance(outcome, Returned), outcome
    assert outcome.value["rendered_ssim_lit"] == 1.0
