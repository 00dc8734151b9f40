"""What can go wrong at publishing.

PublishError
  PublishRefused   what should be published is not fit for it; `problems` says why, all of it
  PublishFailed    other publishers were always quicker; a retry may help
"""

from collections.abc import Iterable

from heritage_sites.problem import Problem


class PublishError(Exception):
    """Anything that goes wrong at publishing, but for the store's own errors."""


class PublishRefused(PublishError):
    """The content cannot be published as it is. Readers keep what they have."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))


class PublishFailed(PublishError):
    """The release could not be made current. Readers keep what they have."""
