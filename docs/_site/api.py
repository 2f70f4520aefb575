"""Makes the pages of the API reference from what each leaf exports: new public names appear by themselves.

A leaf has an index page with a table of its names, its functions, and the types that its signatures name;
each class has a page of its own. The names in `FIRST` come first, in this order; then all others, with
records of figures and errors last.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import griffe
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

NAMESPACE = "pynector.concurrency"
LEAVES = {  # in the order of importance, as in the navigation
    "patterns": "patterns",
    "primitives": "primitives",
    "cancel": "cancel",
    "errors": "errors",
    "task": "task",
    "testing": "testing",
    "task.lowlevel": "lowlevel",
}
NOT_PROSE = re.compile(r"(<a\b.*?</a>|<h\d\b.*?</h\d>|<pre\b.*?</pre>|<autoref\b.*?</autoref>)", re.DOTALL)
FIRST = (
    *("ConnectionPool", "concurrent_map", "parallel_requests", "RetryPolicy", "retry_with_timeout"),
    *("WorkerPool", "CircuitBreaker", "hedge", "KeyedConnectionPool", "Lease", "MapStream", "Outcome"),
    *("ItemHandle", "RetryAttempts", "RetryAttempt", "RetryBudget"),
    *("Lock", "Semaphore", "CapacityLimiter", "Queue", "PriorityQueue", "RateLimiter", "Event", "Condition"),
    *("move_on_after", "fail_after", "CancelScope", "shield"),
    *("create_task_group", "TaskGroup", "TaskHandle"),
    *("explore", "cancel_everywhere", "replay", "invariant", "Report", "Failure"),
    *("ParkingLot", "Waiter", "parked_tasks", "checkpoint"),
)


@dataclass(frozen=True)
class Name:
    """A public name of a leaf."""

    leaf: str
    name: str
    found: griffe.Object

    @property
    def path(self) -> str:
        return f"{NAMESPACE}.{self.leaf}.{self.name}"

    @property
    def summary(self) -> str:
        """The first sentence of the docstring."""
        text = self.found.docstring.value if self.found.docstring else ""
        return " ".join(text.split("\n\n")[0].split())

    @property
    def kind(self) -> str:
        if not self.found.is_class:
            return "function" if self.found.is_function else "type or constant"
        return "error" if self.name.endswith("Error") else "class"

    @property
    def place(self) -> tuple[int, int, str]:
        listed = FIRST.index(self.name) if self.name in FIRST else len(FIRST)
        late = self.name.endswith("Statistics") + 2 * (self.kind == "error") + 3 * ("type" in self.kind)
        return listed, late, self.name


def load(config: MkDocsConfig) -> dict[str, griffe.Module]:
    """Read the sources of all leaves, without importing them."""
    root = Path(config.config_file_path).parent
    paths = config.plugins["mkdocstrings"].config.handlers["python"]["paths"]
    search = [*(root / path for path in paths), *sys.path]
    loader = griffe.GriffeLoader(search_paths=search)
    loader.load("anyio")  # some public names are AnyIO's own
    leaves = {leaf: loader.load(f"{NAMESPACE}.{leaf}") for leaf in LEAVES}
    loader.resolve_aliases(implicit=False, external=False)
    return leaves


def public(leaf: str, module: griffe.Module) -> list[Name]:
    names = [Name(leaf, str(name), target(module[str(name)])) for name in module.exports or ()]
    return sorted(names, key=lambda name: name.place)


def target(found: griffe.Object | griffe.Alias) -> griffe.Object:
    return found.final_target if found.is_alias else found


def types_in_signatures(names: list[Name], modules: griffe.ModulesCollection) -> list[str]:
    """The aliases of types that signatures name although no leaf exports them, by their paths."""
    found: dict[str, None] = {}
    exported = {name.found.path for name in names}
    waiting = [name.found for name in names]
    while waiting:
        for path in expressions(waiting.pop()):
            if path.startswith("pynector.") and path not in found and path not in exported:
                try:
                    named = target(modules[path])
                except (KeyError, griffe.AliasResolutionError):
                    continue
                if named.is_attribute and "TypeAlias" in str(named.annotation):
                    found[path] = None
                    waiting.append(named)
    return sorted(found, key=lambda path: path.rpartition(".")[2])


def expressions(of: griffe.Object) -> Iterator[str]:
    """The paths of all names in the annotations of an object and of its public members."""
    if isinstance(of, griffe.Function):
        yield from paths_in(of.returns)
        for parameter in of.parameters:
            yield from paths_in(parameter.annotation)
    elif isinstance(of, griffe.Attribute):
        yield from paths_in(of.annotation)
        yield from paths_in(of.value)
    elif isinstance(of, griffe.Class):
        for name, member in of.members.items():
            if not name.startswith("_") or name in ("__init__", "__new__", "__call__"):
                yield from expressions(target(member))


def paths_in(expression: Any) -> Iterator[str]:
    if isinstance(expression, griffe.Expr):
        for part in expression.iterate(flat=True):
            if isinstance(part, griffe.ExprName):
                yield part.canonical_path


def front_matter(title: str, description: str, boost: float) -> str:
    quoted = description.replace("\\", "").replace('"', "'").replace("`", "")
    return f'---\ntitle: "{title}"\ndescription: "{quoted}"\nsearch: {{boost: {boost}}}\n---\n\n'


def class_page(name: Name) -> str:
    # What several classes share, such as "acquire", is looked for in the first.
    boost = 3 if name.name == FIRST[0] else 2 if name.name in FIRST else 0.7
    head = front_matter(name.name, f"{name.path}: {name.summary}", boost)
    bases = str(name.kind == "error").lower()  # others have none that says anything
    return f"{head}::: {name.path}\n    options: {{show_root_full_path: false, show_bases: {bases}}}\n"


def import_line(title: str, path: str) -> str:
    """How to import the class of a page, as HTML; nothing on other pages."""
    for leaf, folder in LEAVES.items():
        if path == f"api/{folder}/{title}.md":
            where = f'<span class="nn">{NAMESPACE}.{leaf}</span>'
            line = f'<span class="kn">from</span> {where} <span class="kn">import</span> {title}'
            return f'<div class="highlight"><pre><code>{line}</code></pre></div>'
    return ""


def leaf_page(leaf: str, module: griffe.Module, names: list[Name], types: list[str]) -> str:
    text = module.docstring.value if module.docstring else ""
    lines = [
        front_matter(leaf, f"{NAMESPACE}.{leaf}: {text.splitlines()[0]}", 0.7),
        f"# {leaf} {{#{NAMESPACE}.{leaf}}}\n",
    ]
    lines.append(f"```py\nfrom {NAMESPACE} import {leaf}\n```\n" if "." not in leaf else "")
    lines += [text, ""]
    lines += ["| name | | |", "| --- | --- | --- |"]
    lines += [f"| [`{name.name}`][{name.path}] | {name.kind} | {name.summary} |" for name in names]
    options = "    options: {heading_level: 3, show_root_full_path: false}\n"
    for title, kind in (("Functions", "function"), ("Types and constants", "type or constant")):
        paths = [name.path for name in names if name.kind == kind]
        if paths:
            lines += [f"\n## {title}\n", *(f"::: {path}\n{options}" for path in paths)]
    if types:
        lines.append("\n## Types in signatures\n\nNot exported; signatures name them.\n")
        lines += [f"::: {path}\n{options}" for path in types]
    return "\n".join(lines)


def pages(config: MkDocsConfig) -> dict[str, dict[str, str]]:
    """The text of each page, by its title and by the folder of its leaf; the index is titled ``""``."""
    modules = load(config)
    public_names = {leaf: public(leaf, module) for leaf, module in modules.items()}
    every = [name for names in public_names.values() for name in names]
    found: dict[str, dict[str, str]] = {}
    types_seen: set[str] = set()
    for leaf, module in modules.items():
        names = public_names[leaf]
        others = {name.found.path for name in every}
        types = [
            path
            for path in types_in_signatures(names, module.modules_collection)
            if path not in others and path not in types_seen
        ]
        types_seen.update(types)
        texts = {"": leaf_page(leaf, module, names, types)}
        texts |= {name.name: class_page(name) for name in names if name.found.is_class}
        found[LEAVES[leaf]] = texts
    return found


def names(config: MkDocsConfig) -> dict[str, str]:
    """The path of each public class and function by its name, for links; not if two leaves have it."""
    paths: dict[str, list[str]] = {}
    for leaf, module in load(config).items():
        for name in public(leaf, module):
            if name.found.is_class or name.found.is_function:
                paths.setdefault(name.name, []).append(name.path)
    return {name: found[0] for name, found in paths.items() if len(found) == 1}


def linked(html: str, paths: dict[str, str], own: str) -> str:
    """Let each public name in prose lead to its page, save on that page."""

    def link(found: re.Match[str]) -> str:
        path = paths.get(found[1])
        if path is None or found[1] == own:
            return found[0]
        return f'<autoref identifier="{path}">{found[0]}</autoref>'

    parts = NOT_PROSE.split(html)
    parts[::2] = [re.sub(r"<code>(\w+)(?:\(\))?</code>", link, part) for part in parts[::2]]
    return "".join(parts)


def navigation(texts: dict[str, dict[str, str]]) -> list[Any]:
    titles = {folder: leaf for leaf, folder in LEAVES.items()}
    return [
        {
            titles[folder]: [
                f"api/{folder}/index.md",
                *({title: f"api/{folder}/{title}.md"} for title in of_leaf if title),
            ]
        }
        for folder, of_leaf in texts.items()
    ]


def add_files(files: Files, config: MkDocsConfig, texts: dict[str, dict[str, str]]) -> None:
    for folder, of_leaf in texts.items():
        for title, text in of_leaf.items():
            path = f"api/{folder}/{title or 'index'}.md"
            files.append(File.generated(config, path, content=text))
