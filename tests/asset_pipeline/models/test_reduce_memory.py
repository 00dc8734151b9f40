"""Large meshes are reduced within the memory that a job is given, or refused in words."""

import pytest

from asset_pipeline.child import Returned, run_in_child
from asset_pipeline.models.steps import simplify_arrays
from asset_pipeline.models.steps.reduce import drawn_triangles, reduce_triangles
from asset_pipeline.models.steps.simplify import SimplifyMode
from asset_pipeline.outcome import Refused
from tests.asset_pipeline.models.large_mesh import hills, weld_and_reduce

MIB = 1 << 20
GIB = 1 << 30


def test_two_million_triangles_take_well_under_a_gibibyte() -> None:
    outcome = run_in_child(
        weld_and_reduce, (1001, 100_000, "plain", False), max_memory_bytes=640 * MIB, timeout_s=300
    )
    assert isinstance(outcome, Returned), outcome
    assert (outcome.value["before"], outcome.value["after"]) == (2_000_000, 100_000)
    assert outcome.value["peak"] < 640 * MIB


@pytest.mark.slow  # 25 s each on a quiet core
@pytest.mark.parametrize("mode", ["plain", "update"])
def test_ten_million_triangles_work_within_four_gibibytes(mode: str) -> None:
    outcome = run_in_child(
        weld_and_reduce, (2237, 100_000, mode, True), max_memory_bytes=4 * GIB, timeout_s=600
    )
    assert isinstance(outcome, Returned), outcome
    assert (outcome.value["before"], outcome.value["after"]) == (9_999_392, 100_000)
    assert outcome.value["peak"] < 3 * GIB
    assert outcome.value["mean_m"] < 0.001  # hills of 0.05 m with ripples of 0.002 m


@pytest.mark.parametrize("mode", [SimplifyMode.PLAIN, SimplifyMode.UPDATE])
def test_a_model_past_the_module_is_refused_before_it_is_copied(
    monkeypatch: pytest.MonkeyPatch, mode: SimplifyMode
) -> None:
    document = hills(30)
    needed = simplify_arrays.estimated_peak_bytes(900, 1682, 5)
    monkeypatch.setattr(simplify_arrays, "MAX_MEMORY_BYTES", needed)
    assert drawn_triangles(reduce_triangles(document, max_triangles=500, mode=mode)) <= 500
    monkeypatch.setattr(simplify_arrays, "MAX_MEMORY_BYTES", needed - 1)
    with pytest.raises(Refused, match="more than 4 GiB"):
        reduce_triangles(document, max_triangles=500, mode=mode)
