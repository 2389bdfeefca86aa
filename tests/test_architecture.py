"""The arrows, the sizes and the purity that DESIGN.md section 2 and STYLE.md section 3 ask for."""

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = ("inventory", "probes", "monitor", "alerting", "dashboards")
FORBIDDEN_NAMES = ("common", "utils", "core", "helpers", "managers")
MODULES = sorted(path for layer in LAYERS for path in (ROOT / layer).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
CLOCKS = {
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("date", "today"),
    ("time", "time"),
    ("time", "time_ns"),
    ("time", "monotonic"),
    ("time", "monotonic_ns"),
    ("time", "perf_counter"),
    ("time", "perf_counter_ns"),
    ("time", "sleep"),
    ("os", "environ"),
    ("os", "getenv"),
    ("os", "urandom"),
    ("uuid", "uuid4"),
}
CHANCE = {"random", "secrets"}


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def is_composition_root(path: Path) -> bool:
    """app, its parts, settings, the command, and alembic's environment, which must see every table."""
    inner = path.relative_to(ROOT).parts
    return inner[0] == "monitor" and (
        inner[1] in {"app.py", "settings.py", "__main__.py"} or inner[1] in {"assembly", "cli", "migrations"}
    )


def imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module


@pytest.mark.parametrize("path", MODULES, ids=shown)
def test_a_package_imports_only_what_lies_to_its_left(path):
    own = path.relative_to(ROOT).parts[0]
    allowed = set(LAYERS) if is_composition_root(path) else set(LAYERS[: LAYERS.index(own) + 1])
    upward = {
        name
        for node in ast.walk(tree_of(path))
        for name in imported(node)
        if name.split(".")[0] in set(LAYERS) - allowed
    }
    assert not upward, f"{shown(path)} imports {sorted(upward)}, which lies to its right"


@pytest.mark.parametrize("path", MODULES, ids=shown)
def test_nothing_imports_the_composition_root(path):
    if is_composition_root(path):
        return
    roots = ("monitor.app", "monitor.assembly", "monitor.settings", "monitor.cli", "monitor.__main__")
    found = {name for node in ast.walk(tree_of(path)) for name in imported(node) if name.startswith(roots)}
    assert not found


@pytest.mark.parametrize("path", MODULES, ids=shown)
def test_no_import_of_our_own_hides_inside_a_function(path):
    hidden = [
        f"line {inner.lineno}: {name}"
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(node)
        for name in imported(inner)
        if name.split(".")[0] in LAYERS
    ]
    assert not hidden


@pytest.mark.parametrize("path", MODULES, ids=shown)
def test_clock_environment_and_chance_come_in_as_arguments(path):
    if is_composition_root(path):
        return
    tree = tree_of(path)
    used = [
        f"line {node.lineno}: {node.value.id}.{node.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and (node.value.id, node.attr) in CLOCKS
    ]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            used += [f"line {node.lineno}: import {a.name}" for a in node.names if a.name in CHANCE]
        elif isinstance(node, ast.ImportFrom):
            names = {(node.module, alias.name) for alias in node.names}
            used += [f"line {node.lineno}: from {m} import {n}" for m, n in names if (m, n) in CLOCKS]
            used += [
                f"line {node.lineno}: from {m} import {n}" for m, n in names if m in CHANCE and n != "Random"
            ]
    assert not used


def pure_modules() -> list[Path]:
    """Modules that hold decisions: their docstring's first line says so by the word, or DESIGN.md names them."""
    names = {
        "monitor": "state quorum verdict correlation availability isolation models",
        "alerting": "incident severity escalation oncall handover aid ledger models",
        "inventory": "models phases lint topology numbering access",
        "probes": "models icmp_packet sip_message sip_transaction schedule",
        "dashboards": "views charts",
    }
    found = [ROOT / package / f"{name}.py" for package, listed in names.items() for name in listed.split()]
    return [path for path in found if path.exists()]


@pytest.mark.parametrize("path", pure_modules(), ids=shown)
def test_a_module_that_decides_touches_neither_network_nor_database_nor_loop(path):
    impure = {
        "asyncio",
        "socket",
        "sqlalchemy",
        "threading",
        "subprocess",
        "select",
        "ssl",
        "httpx2",
        "fastapi",
    }
    found = {
        name for node in ast.walk(tree_of(path)) for name in imported(node) if name.split(".")[0] in impure
    }
    assert not found


@pytest.mark.parametrize("path", [*MODULES, *TESTS], ids=shown)
def test_files_stay_small(path):
    limit = 600 if path in TESTS else 400
    assert len(path.read_text(encoding="utf-8").splitlines()) <= limit


@pytest.mark.parametrize("path", MODULES, ids=shown)
def test_functions_stay_small(path):
    large = []
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            prose = ast.get_docstring(node, clean=False)
            size = node.end_lineno - node.lineno + 1 - (prose.count("\n") + 1 if prose else 0)
            if size > 50:
                large.append(f"{node.name}: {size}")
    assert not large


@pytest.mark.parametrize("path", MODULES, ids=shown)
def test_every_module_says_what_lives_there_and_what_it_offers(path):
    tree = tree_of(path)
    assert ast.get_docstring(tree), f"{shown(path)} has no docstring"
    if path.name in {"__init__.py", "__main__.py"} or "migrations" in path.parts:
        return
    listed = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign)
        and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets)
    ]
    assert listed, f"{shown(path)} has no __all__"
    module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    assert all(hasattr(module, name) for name in listed[0])


def test_nothing_is_called_by_a_word_that_means_nothing():
    assert not [shown(path) for path in MODULES if path.stem in FORBIDDEN_NAMES]


def test_the_top_level_holds_what_was_agreed_and_nothing_else():
    agreed = {
        *LAYERS, "tests", "pyproject.toml", "README.md", "Makefile", "CHANGELOG.md", "LICENSE",
        "requirements.txt", "requirements-dev.txt",
    }  # fmt: skip
    # `var` is where `make run` keeps its state in a checkout; git ignores it.
    found = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")} - {"var", "dist"}
    assert found <= agreed
