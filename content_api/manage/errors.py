"""What can go wrong on the authors' side.

ManageError
  Refused        people's input is not acceptable; `problems` says why, all of it
  DraftsFailed   the database did not do it; a retry may help
"""

from collections.abc import Iterable

from heritage_sites.problem import Problem


class ManageError(Exception):
    """Anything that goes wrong on the authors' side."""


class Refused(ManageError):
    """The request is not acceptable as it is; the sender can mend it."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))


class DraftsFailed(ManageError):
    """The drafts' database could not be read or written."""
