"""Every `python` block of the README files, of the documentation and of the docstrings runs.

Where a block has lines that begin with `#> `, they are what it prints. A page's block is a whole program.
A docstring's block sees the public names of all leaves, and may `await` at its top level. A block that is
no program is fenced as `py`.
"""

import __future__

import ast
import contextlib
import importlib
import inspect
import io
import re
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import anyio
import pytest

ROOT = Path(__file__).resolve().parent.parent
LEAVES = ("task", "task.lowlevel", "testing", "cancel", "errors", "primitives", "patterns")
FENCE = re.compile(
    r"^(?P<indent> *)```python\b.*?\n(?P<source>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)
INCLUDE = "--8<--"  # the block is a file under docs/examples, which has tests of its own


@dataclass(frozen=True)
class Example:
    """A block of code, with its place."""

    path: Path
    line: int
    source: str
    in_docstring: bool

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}"

    @property
    def expected(self) -> list[str]:
        return re.findall(r"^ *#> ?(.*)$", self.source, re.MULTILINE)


def blocks(path: Path, text: str, *, first_line: int, in_docstring: bool) -> Iterator[Example]:
    for match in FENCE.finditer(text):
        source = textwrap.dedent(match["source"])
        line = first_line + text.count("\n", 0, match.start("source"))
        if not source.startswith(INCLUDE):
            yield Example(path, line, source, in_docstring)


def in_pages() -> Iterator[Example]:
    for path in sorted([*ROOT.glob("*.md"), *ROOT.glob("packages/*/README.md"), *ROOT.glob("docs/**/*.md")]):
        yield from blocks(path, path.read_text(encoding="utf-8"), first_line=1, in_docstring=False)


def in_docstrings() -> Iterator[Example]:
    for path in sorted(ROOT.glob("packages/*/src/**/*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                docstring = ast.get_docstring(node) or ""
                yield from blocks(path, docstring, first_line=line_of(node), in_docstring=True)


def line_of(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return node.body[0].lineno if node.body else 1


def public_names() -> dict[str, object]:
    leaves = [importlib.import_module(f"pynector.concurrency.{leaf}") for leaf in LEAVES]
    return {"anyio": anyio} | {name: getattr(leaf, name) for leaf in leaves for name in leaf.__all__}


def execute(example: Example, module: ModuleType) -> None:
    flags = 0
    if example.in_docstring:
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | __future__.annotations.compiler_flag
        vars(module).update(public_names())
    padded = "\n" * (example.line - 1) + example.source
    code = compile(padded, example.path, "exec", flags=flags, dont_inherit=True)
    running = eval(code, vars(module))
    if inspect.iscoroutine(running):
        anyio.run(lambda: running)


@pytest.mark.parametrize("example", [*in_pages(), *in_docstrings()], ids=str)
def test_example_runs_and_prints_what_it_says(example: Example, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", module)
    printed = io.StringIO()

    with contextlib.redirect_stdout(printed):
        execute(example, module)

    if example.expected:
        assert printed.getvalue().splitlines() == example.expected
