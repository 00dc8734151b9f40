"""How test files share the workers of pytest-xdist: a file stays on one, so its fixtures are made once.

Files that need the same costly thing stay together, and start first because they take longest. The mark
`xdist_group` is for that, but with pytest 9.2 pytest-xdist 3.8 passes over it in silence (its issue 1386).
"""

import pytest
from xdist.scheduler import LoadScopeScheduling

TOGETHER = {
    "tests/browser/test_page.py": "demo",  # the store of one `make demo`
    "tests/test_readme.py": "demo",
    "tests/journey/": "journey",  # one ingest into a folder, one into a SeaweedFS
}


class ByFileScheduling(LoadScopeScheduling):
    """Deals out whole files, and what belongs together as one."""

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)


def unit_of(nodeid: str) -> str:
    """The group of a test's file, or its file."""
    return next(
        (group for start, group in TOGETHER.items() if nodeid.startswith(start)), nodeid.partition("::")[0]
    )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByFileScheduling:
    """What `--dist` names is not asked."""
    config.option.loadscopereorder = False  # by the number of tests; ours are in a better order already
    return ByFileScheduling(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What stays together comes first."""
    items.sort(key=lambda item: unit_of(item.nodeid) not in TOGETHER.values())
