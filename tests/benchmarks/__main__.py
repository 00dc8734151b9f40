"""`make bench`: run one benchmark by name, or all in their short form.

    python -m tests.benchmarks [models|panoramas|api] [options of that benchmark]

Each writes build/bench/NAME.json and prints a table of ratios against a peer or a limit of the same run.
"""

import importlib
import sys

NAMES = ("models", "panoramas", "api")


def main(arguments: list[str]) -> int:
    """Exit code 0, or 2 for an unknown name. A goal that does not hold is printed and is no error."""
    if arguments and arguments[0] not in NAMES:
        print(f"bench: want one of {', '.join(NAMES)}, got {arguments[0]!r}", file=sys.stderr)
        return 2
    if arguments:
        return run(arguments[0], arguments[1:])
    return max(run(name, ["--short"]) for name in NAMES)


def run(name: str, options: list[str]) -> int:
    """One benchmark's own main."""
    code: int = importlib.import_module(f"tests.benchmarks.bench_{name}").main(options)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
