"""Is a USDZ fit for AR Quick Look? Our own rules, because no checker comes with `usd-core` any more.

Apple publishes no list. The rules come from the USDZ file format specification [spec], from usdchecker's
former `--arkit` rules [arkit], from Apple's talk on AR Quick Look, WWDC 2018 session 603 [wwdc], and from
what Google's usd_from_gltf found out on phones [ufg]; limits of our own say why. Each rule is proved by a
planted defect in tests/asset_pipeline/models/usdz/test_check_usdz.py.
"""

from pathlib import Path

from asset_pipeline.models.usdz.check_package import find_package_problems
from asset_pipeline.models.usdz.check_stage import find_stage_problems
from asset_pipeline.models.usdz.limits import QUICK_LOOK, UsdzLimits
from asset_pipeline.models.usdz.package import MAX_PACKAGE_BYTES, NotAPackage, read_entries
from heritage_sites.problem import Problem


def check_usdz(path: Path, limits: UsdzLimits = QUICK_LOOK) -> list[Problem]:
    """Every rule the package breaks, as errors; an empty list is a pass.

    A file that is no package, or whose first entry is no layer, is told by that alone.
    """
    if path.stat().st_size > MAX_PACKAGE_BYTES:
        return [Problem("", "package", f"the file has {path.stat().st_size} bytes, more than 4 GB.")]
    body = path.read_bytes()
    try:
        entries = read_entries(body)
    except NotAPackage as fault:
        return [Problem("", "package", f"the file is no USDZ package: {fault}.")]
    problems, can_open = find_package_problems(body, entries, limits)
    if can_open:
        problems += find_stage_problems(path, {entry.name for entry in entries}, limits)
    return problems
