"""The judge's own process: JSON lines in on stdin, JSON lines out on stdout. Started by `judge.Judge`.

A request names what to `do` ("open", "resume", "compare", "stills", each with a `timeout_s`); the answer is
an object with "ok", or with "fault" (the file's or ours) or "unavailable" (no OpenGL). The end of stdin ends
the process. OpenGL may hang inside the driver, where no Python runs: the kernel's alarm ends that.
"""

import contextlib
import ctypes
import json
import math
import os
import signal
import sys
import threading
import time
from typing import Any

from asset_pipeline.outcome import Refused

GRACE_S = 5  # the parent, which can say what happened, is let to be first


def main() -> None:
    """Answer requests until there are no more."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)  # whatever libraries print is not part of the answers
    _end_with_parent()
    bench: Any = None
    for line in sys.stdin:
        request = json.loads(line)
        signal.alarm(math.ceil(request["timeout_s"]) + GRACE_S)
        try:
            if bench is None:
                from asset_pipeline.models.judge.bench import Bench  # needs OpenGL's libraries

                bench = Bench()
            answer = getattr(bench, f"do_{request['do']}")(request)
        except Refused as refusal:
            answer = {"fault": str(refusal.problems[0])[:500]}
        except MemoryError:
            answer = {"fault": "it needs more memory than there is"}
        except Exception as error:  # noqa: BLE001 - the boundary: every fault becomes an answer
            kind = "unavailable" if request["do"] == "open" else "fault"
            answer = {kind: f"{type(error).__name__}: {str(error)[:500]}"}
        signal.alarm(0)
        _give_memory_back()
        answers.write(json.dumps(answer, allow_nan=False) + "\n")
    answers.flush()
    os._exit(0)  # a driver's exit handler may hang or crash


def _end_with_parent() -> None:
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _give_memory_back() -> None:
    with contextlib.suppress(OSError, AttributeError):  # other C libraries do it by themselves, or not
        ctypes.CDLL(None).malloc_trim(0)


if __name__ == "__main__":
    main()
