"""Whatever a child does, the parent comes back soon and says what happened."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from asset_pipeline.child import (
    Crashed,
    FirstLook,
    MemoryExceeded,
    Raised,
    Returned,
    TimeExceeded,
    run_in_child,
)
from asset_pipeline.stages import MAX_STAGE_CHARS, STAGE_FILE, Stage, first_look_done, read_stage, stage

MIB = 1024 * 1024

MISBEHAVING = """
import ctypes, os, signal, subprocess, sys, time

def add(a, b): return {"sum": a + b}
def not_json(): return {1, 2}
def raise_error(): raise KeyError("a secret place")
def segfault(): ctypes.string_at(0)
def abort(): os.abort()
def leave(): os._exit(7)
def sleep(seconds): time.sleep(seconds)
def spin():
    while True: pass
def grow():
    kept = []
    while True: kept.append(bytearray(8 * 1024 * 1024))
def allocate(mib): return len(bytes(mib * 1024 * 1024))
def ignore_signals():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP): signal.signal(number, signal.SIG_IGN)
    time.sleep(600)
def start_grandchild(file):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    with open(file, "w") as f: f.write(str(child.pid))
    time.sleep(600)
def print_much():
    for _ in range(40): os.write(1, b"x" * 1000000)
    raise ValueError("after much noise")
def glib_out_of_memory():
    os.write(2, b"GLib-ERROR: failed to allocate 99999999 bytes"); os.abort()
def tell_stages(pause):
    from asset_pipeline.stages import stage
    stage("reading"); time.sleep(pause)
    for trial in range(1, 4):
        stage("ar: trial", done=trial, total=3); time.sleep(pause)
    return "told"
def tell_much():
    from asset_pipeline.stages import stage
    started = time.process_time()
    for trial in range(100_000): stage("ar: trial", done=trial, total=200_000)
    return time.process_time() - started
def look_then_allocate(mib, checked):
    from asset_pipeline.stages import first_look_done
    if checked: first_look_done()
    return len(bytes(mib * 1024 * 1024))
def look_then_spin(checked, seconds):
    from asset_pipeline.stages import first_look_done
    if checked: first_look_done()
    end = time.process_time() + seconds
    while time.process_time() < end: pass
    return "done"
def rust_out_of_memory():
    os.write(2, b"memory allocation of 99999999 bytes failed"); os.abort()
def tell_pid(file):
    with open(file, "w") as f: f.write(str(os.getpid()))
    time.sleep(600)
"""


@pytest.fixture
def misbehaving(tmp_path, monkeypatch):
    (tmp_path / "misbehaving.py").write_text(MISBEHAVING)
    monkeypatch.syspath_prepend(str(tmp_path))
    import misbehaving

    yield misbehaving
    del sys.modules["misbehaving"]


def run(function, *args, memory_mib=256, timeout_s=30.0):
    return run_in_child(function, args, max_memory_bytes=memory_mib * MIB, timeout_s=timeout_s)


def is_alive(pid: int) -> bool:
    try:
        return "zombie" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def wait_until_gone(pid: int, limit_s: float = 5.0) -> bool:
    deadline = time.monotonic() + limit_s
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not is_alive(pid)


def test_a_value_comes_back(misbehaving):
    assert run(misbehaving.add, 2, 3) == Returned({"sum": 5})


def test_an_exception_is_summed_up_and_its_traceback_kept_for_the_log(misbehaving):
    outcome = run(misbehaving.raise_error)
    assert isinstance(outcome, Raised)
    assert outcome.summary == "KeyError: 'a secret place'"
    assert "Traceback" in outcome.log


def test_what_is_no_json_is_a_fault(misbehaving):
    outcome = run(misbehaving.not_json)
    assert isinstance(outcome, Raised)
    assert "not JSON serializable" in outcome.summary


@pytest.mark.parametrize(
    ("name", "summary"), [("segfault", "SIGSEGV"), ("abort", "SIGABRT"), ("leave", "code 7")]
)
def test_a_crash_is_named(misbehaving, name, summary):
    outcome = run(getattr(misbehaving, name))
    assert isinstance(outcome, Crashed)
    assert summary in outcome.summary


def test_endless_memory_is_stopped(misbehaving):
    started = time.monotonic()
    outcome = run(misbehaving.grow)
    assert isinstance(outcome, MemoryExceeded)
    assert outcome.limit_bytes == 256 * MIB
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(("mib", "fits"), [(200, True), (600, False)])
def test_the_memory_limit_holds_for_one_request(misbehaving, mib, fits):
    outcome = run(misbehaving.allocate, mib)
    assert outcome == Returned(mib * MIB) if fits else isinstance(outcome, MemoryExceeded)


@pytest.mark.parametrize("name", ["glib_out_of_memory", "rust_out_of_memory"])
def test_an_abort_for_lack_of_memory_counts_as_memory(misbehaving, name):
    assert isinstance(run(getattr(misbehaving, name)), MemoryExceeded)


@pytest.mark.parametrize("name", ["spin", "ignore_signals"])
def test_endless_work_is_stopped(misbehaving, name):
    started = time.monotonic()
    outcome = run(getattr(misbehaving, name), timeout_s=1.0)
    assert isinstance(outcome, TimeExceeded)
    assert outcome.limit_s == 1.0
    assert time.monotonic() - started < 8


def test_the_whole_process_group_is_killed(misbehaving, tmp_path):
    file = tmp_path / "pid"
    assert isinstance(run(misbehaving.start_grandchild, str(file), timeout_s=3.0), TimeExceeded)
    assert wait_until_gone(int(file.read_text()))


def test_much_output_neither_blocks_nor_fills_memory(misbehaving):
    outcome = run(misbehaving.print_much)
    assert isinstance(outcome, Raised)
    assert outcome.summary == "ValueError: after much noise"
    assert len(outcome.log) < 400_000


def test_limits_must_be_positive(misbehaving):
    with pytest.raises(ValueError, match="positive limits"):
        run_in_child(misbehaving.add, (1, 2), max_memory_bytes=0, timeout_s=1)
    with pytest.raises(ValueError, match="positive limits"):
        run_in_child(misbehaving.add, (1, 2), max_memory_bytes=1, timeout_s=float("nan"))


def test_a_child_dies_with_its_parent(misbehaving, tmp_path):
    file = tmp_path / "pid"
    parent = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import misbehaving\n"
        "from asset_pipeline.child import run_in_child\n"
        "run_in_child(misbehaving.tell_pid, [sys.argv[2]], max_memory_bytes=2**28, timeout_s=600)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", parent, str(tmp_path), str(file)])
    deadline = time.monotonic() + 20
    while not (file.exists() and file.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    pid = int(file.read_text())
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert wait_until_gone(pid)


def test_nothing_stays_behind_in_the_temporary_folder(misbehaving, tmp_path, monkeypatch):
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    run(misbehaving.add, 1, 2)
    run(misbehaving.abort)
    assert json.dumps([entry.name for entry in folder.iterdir()]) == "[]"


# The first look: tighter limits until the file is read and checked


def look(function, *args, memory_mib=128, cpu_s=2.0):
    first_look = FirstLook(memory_mib * MIB, cpu_s)
    return run_in_child(function, args, max_memory_bytes=900 * MIB, timeout_s=20.0, first_look=first_look)


@pytest.mark.parametrize(
    ("mib", "checked", "fits"), [(100, False, True), (600, False, False), (600, True, True)]
)
def test_memory_is_tighter_until_the_file_is_checked(misbehaving, mib, checked, fits):
    outcome = look(misbehaving.look_then_allocate, mib, checked)
    if fits:
        assert outcome == Returned(mib * MIB)
    else:
        assert isinstance(outcome, MemoryExceeded)
        assert (outcome.limit_bytes, outcome.in_first_look) == (128 * MIB, True)


def test_after_the_first_look_the_whole_limit_holds(misbehaving):
    outcome = look(misbehaving.look_then_allocate, 2000, True)
    assert isinstance(outcome, MemoryExceeded)
    assert (outcome.limit_bytes, outcome.in_first_look) == (900 * MIB, False)


@pytest.mark.parametrize(("checked", "fits"), [(False, False), (True, True)])
def test_time_is_tighter_until_the_file_is_checked(misbehaving, checked, fits):
    outcome = look(misbehaving.look_then_spin, checked, 4.0)
    if fits:
        assert outcome == Returned("done")
    else:
        assert isinstance(outcome, TimeExceeded)
        assert (outcome.limit_s, outcome.in_first_look) == (2.0, True)


@pytest.mark.parametrize(("memory_bytes", "cpu_s"), [(0, 1.0), (1, 0.0), (1, float("nan"))])
def test_a_first_look_wants_positive_limits(memory_bytes, cpu_s):
    with pytest.raises(ValueError, match="want positive limits"):
        FirstLook(memory_bytes, cpu_s)


# Stages: what the child says it does


def test_stages_come_while_the_child_works(misbehaving):
    told: list[Stage] = []
    outcome = run_in_child(
        misbehaving.tell_stages, [0.4], max_memory_bytes=256 * MIB, timeout_s=30.0, on_stage=told.append
    )
    assert outcome == Returned("told")
    assert told == [Stage("reading"), *(Stage("ar: trial", trial, 3) for trial in (1, 2, 3))]
    assert [str(one) for one in told[:2]] == ["reading", "ar: trial, 1 of 3"]


def test_a_hundred_thousand_stages_cost_little(misbehaving):
    outcome = run(misbehaving.tell_much)
    assert isinstance(outcome, Returned)
    assert outcome.value < 2.0  # seconds; telling each would take ten times that


def test_outside_a_child_a_stage_is_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    stage("reading")
    first_look_done()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (b'["reading", null, null]', Stage("reading")),
        (b'["\\u001b[31mred\\n", 1, null]', Stage(" [31mred ", 1)),  # no child colours the terminal
        (b'["%s", null, null]' % (b"x" * 500), Stage("x" * MAX_STAGE_CHARS)),
        (b'["%s", null, null]' % (b"x" * 5000), None),
        (b'{"text": "reading"}', None),
        (b'["reading", "1", null]', None),
        (b"\xff\xff", None),
    ],
)
def test_what_a_child_says_is_looked_at_with_care(tmp_path, body, wanted):
    (tmp_path / STAGE_FILE).write_bytes(body)
    assert read_stage(tmp_path) == wanted
