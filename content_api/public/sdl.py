"""Write the schema as a committed file, or check that the file is what the code says.

`python -m content_api.public.sdl` writes schema.graphql beside this file; with `--check` it only compares:
exit code 0 the same, 1 different (the difference is printed).
"""

import difflib
import sys
from collections.abc import Sequence
from pathlib import Path

from graphql import print_schema

SCHEMA_FILE = Path(__file__).with_name("schema.graphql")


def print_sdl() -> str:
    """The public schema in GraphQL's schema language."""
    from content_api.public.schema import SCHEMA  # 0.1 s: only those who print it pay

    return print_schema(SCHEMA) + "\n"


def main(arguments: Sequence[str]) -> int:
    """Run the command; returns its exit code."""
    if list(arguments) not in ([], ["--check"]):
        print("usage: python -m content_api.public.sdl [--check]", file=sys.stderr)
        return 2
    wanted = print_sdl()
    if not arguments:
        SCHEMA_FILE.write_text(wanted, encoding="utf-8")
        return 0
    committed = SCHEMA_FILE.read_text(encoding="utf-8") if SCHEMA_FILE.exists() else ""
    if committed == wanted:
        return 0
    lines = difflib.unified_diff(
        committed.splitlines(), wanted.splitlines(), "committed", "code", lineterm=""
    )
    print("\n".join(lines))
    print("schema.graphql is not what the code says: make schema writes it", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
