"""Rules of the house that no linter knows: the locks, other people's files, markers, links."""

import ast
import hashlib
import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.conftest import ROOT

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
MARKERS_OF_PYTEST = {"parametrize", "skip", "skipif", "xfail", "usefixtures", "filterwarnings"}


def tracked(*patterns: str) -> list[Path]:
    """Files under version control, and new ones that are not ignored."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [path for line in listed if (path := ROOT / line).is_file()]


def test_every_python_dependency_is_pinned_with_hashes_and_without_an_address() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    entries = re.split(r"\n(?=\S)", "\n".join(lines))
    assert len(entries) > 60
    for entry in entries:
        assert re.match(r"[a-z0-9._-]+==\S+", entry), entry.splitlines()[0]
        assert "--hash=sha256:" in entry, entry.splitlines()[0]
    assert not re.search(r"--(extra-)?index-url|--find-links|://", text)


def test_the_lock_holds_every_dependency_that_the_project_names() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"]
    named = [
        *project["project"]["dependencies"],
        *extras["pipeline"],
        *extras["api"],
        *project["dependency-groups"]["dev"],
    ]
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8").lower()
    for requirement in named:
        name = re.match(r"[A-Za-z0-9._-]+", requirement)
        assert name is not None
        assert re.search(rf"(?m)^{re.escape(name[0].lower())}==", lock), requirement


def test_every_npm_package_is_pinned_with_its_integrity_and_without_an_address() -> None:
    text = (ROOT / "package-lock.json").read_text(encoding="utf-8")
    packages = {name: one for name, one in json.loads(text)["packages"].items() if name}
    assert len(packages) > 10
    for name, package in packages.items():
        assert package["version"], name
        assert package["integrity"].startswith("sha512-"), name
        assert "resolved" not in package, name


def test_no_setting_of_the_project_chooses_a_registry() -> None:
    """Whose mirror is used is the machine's own business."""
    choice = re.compile(
        r"(?m)^\s*(?:[\w@:/.-]*registry|(?:extra-)?index[-_]url|find[-_]links)\s*=|\[\[tool\.uv\.index"
    )
    settings = [ROOT / ".npmrc", *tracked("*.toml", "*.cfg", "*.ini", "*.conf", "Makefile", ".ci/*")]
    assert len(settings) >= 5
    assert [path.name for path in settings if choice.search(path.read_text(encoding="utf-8"))] == []


def test_imports_run_one_way() -> None:
    done = subprocess.run(
        [ROOT / ".venv" / "bin" / "lint-imports"], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout[-3000:]
    kept = re.search(r"Contracts: (\d+) kept, (\d+) broken", done.stdout)
    contracts = (ROOT / "pyproject.toml").read_text(encoding="utf-8").count("[[tool.importlinter.contracts]]")
    assert kept is not None
    assert (int(kept[1]), int(kept[2])) == (contracts, 0)
    assert contracts >= 5


def test_other_peoples_files_are_used_in_place_and_never_copied(shared: Path) -> None:
    lines = (shared / "assets" / "MANIFEST.tsv").read_text(encoding="utf-8").splitlines()
    columns = lines[0].split("\t")
    rows = [dict(zip(columns, line.split("\t"), strict=False)) for line in lines[1:] if line]
    theirs = {row["sha256"]: row["file"] for row in rows}
    assert len(theirs) > 100
    sizes = {int(row["bytes"]) for row in rows}
    ours = [path for path in tracked() if path.stat().st_size in sizes]
    copied = {
        path.relative_to(ROOT).as_posix(): theirs[digest] for path in ours
        if (digest := hashlib.sha256(path.read_bytes()).hexdigest()) in theirs and path.stat().st_size > 0
    }  # fmt: skip
    assert copied == {}


def test_every_marker_is_declared(request: pytest.FixtureRequest) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    declared = {line.partition(":")[0] for line in project["tool"]["pytest"]["ini_options"]["markers"]}
    used = {
        node.attr
        for path in tracked("tests/*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute)
        and node.value.attr == "mark"
    }  # fmt: skip
    assert used - MARKERS_OF_PYTEST == declared
    assert request.config.getoption("strict_markers") or request.config.getini("strict_markers")


@pytest.mark.parametrize("page", [path.relative_to(ROOT).as_posix() for path in tracked("*.md")])
def test_every_link_of_the_documents_leads_somewhere(page: str) -> None:
    path = ROOT / page
    text = re.sub(r"(?ms)^```.*?^```", "", path.read_text(encoding="utf-8"))
    for match in LINK.finditer(text):
        target, _, anchor = (match[1] or match[2]).partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        linked = (path.parent / target).resolve() if target else path
        assert linked.exists(), f"{page} names {target}"
        if anchor and linked.suffix == ".md":
            assert anchor in anchors(linked), f"{page} names {target}#{anchor}"


def anchors(page: Path) -> set[str]:
    """The names which GitHub gives to a page's headings."""
    headings = re.findall(r"(?m)^#+ (.+)$", page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_test_file_that_a_document_names_is_there() -> None:
    named = {
        (page.relative_to(ROOT).as_posix(), path)
        for page in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"))
        for path in re.findall(r"tests/[a-z_/]+\.py", page.read_text(encoding="utf-8"))
    }
    assert len(named) >= 3
    assert {(page, path) for page, path in named if not (ROOT / path).is_file()} == set()
