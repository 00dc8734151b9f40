"""What can go wrong, as one tree.

HalongXrError
  Refused              what was asked or given is not acceptable; asking again changes nothing
    QueryRefused       the service does not accept the question
    TrackUnreadable    the GPX file holds no track we can walk
    BytesRefused       a downloaded file is not the one the release names; nothing of it is kept
  Failed               we could not do it; later it may work
    Unreachable        no connection, or it broke
    ServiceFailed      the service answered that it cannot answer now
    AnswerUnexpected   the answer is not in a form this version of the SDK understands
    DownloadIncomplete a file did not arrive whole; what arrived is kept and resumed next time
    DiskFailed         a file could not be written
"""

from collections.abc import Sequence


class HalongXrError(Exception):
    """Root of everything this package raises on purpose. Its text says what to do."""


class Refused(HalongXrError):
    """Not acceptable as it is; asking again changes nothing."""


class Failed(HalongXrError):
    """Could not be done now. `may_pass` says whether trying again soon is sensible."""

    may_pass = False

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class QueryRefused(Refused):
    """The service does not accept the question; `codes` are its machine-readable reasons."""

    def __init__(self, message: str, *, codes: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.codes = tuple(codes)


class TrackUnreadable(Refused):
    """The GPX file holds no track we can walk."""


class BytesRefused(Refused):
    """A downloaded file is not the one the release names. Nothing of it is kept."""

    def __init__(self, message: str, *, path: str) -> None:
        super().__init__(message)
        self.path = path


class Unreachable(Failed):
    """No connection to the service, or the connection broke."""

    may_pass = True


class ServiceFailed(Failed):
    """The service answered with a status that says: not now."""

    def __init__(self, message: str, *, status: int, retry_after_s: float | None = None) -> None:
        super().__init__(message, retry_after_s=retry_after_s)
        self.status = status
        self.may_pass = status in {429, 502, 503, 504}


class AnswerUnexpected(Failed):
    """The answer is not in a form this version of the SDK understands."""


class DownloadIncomplete(Failed):
    """A file did not arrive whole. What arrived is kept; the next download resumes there."""

    may_pass = True


class DiskFailed(Failed):
    """A file could not be read or written on this device."""
