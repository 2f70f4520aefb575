"""What the site does beyond its plugins: pages of the API, inventories, version, descriptions, pictures."""

from __future__ import annotations

import os
import re
import sys
import tomllib
from html import escape
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import event_priority
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

sys.path.insert(0, str(Path(__file__).parent))
import api
import inventory

ROOT = Path(__file__).resolve().parents[2]
SOURCE = '<details class="mkdocstrings-source">'
PICTURE = re.compile(r'<p><img alt="[^"]*" src="(?:[^":]*/)?([\w-]+\.svg)"\s*/?></p>')
TWO_SIDES = '\n=== "'
LINK = re.compile(r"!?\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])")
_texts: dict[str, dict[str, str]] = {}
_names: dict[str, str] = {}


@event_priority(100)  # ahead of mkdocstrings, which reads its inventories in the same event
def on_config(config: MkDocsConfig) -> MkDocsConfig:
    python = config.plugins["mkdocstrings"].config.handlers["python"]
    python["inventories"] = inventory.pack_all(ROOT / "docs/_site/inventories", ROOT / ".cache/inventories")
    config.site_name = f"{config.site_name} {version()}"
    repository, site = addresses()
    config.site_url = site
    if repository:
        config.repo_url = repository
        config.repo_name = "/".join(repository.rsplit("/", 2)[-2:])
        config.edit_uri = "edit/main/docs/"
        bugs = {"icon": "material/bug", "link": f"{repository}/issues", "name": "Report a bug"}
        config.extra["social"] = [bugs]
    _texts.clear()
    _texts.update(api.pages(config))
    _names.update(api.names(config))
    for entry in config.nav or ():
        if isinstance(entry, dict) and "API reference" in entry:
            entry["API reference"] = ["api/index.md", *api.navigation(_texts)]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    api.add_files(files, config, _texts)
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Describe a page that does not describe itself by its first paragraph; leave room for two sides."""
    if "description" not in page.meta:
        page.meta["description"] = first_paragraph(markdown)
    if TWO_SIDES in markdown:
        page.meta.setdefault("hide", ["navigation", "toc"])
    return markdown


def on_page_content(html: str, page: Page, config: MkDocsConfig, **_: Any) -> str:
    """Leave sources out of the search, say how a class is imported, put pictures inline."""
    html = html.replace(SOURCE, SOURCE[:-1] + " data-search-exclude>")
    html = html.replace('<div class="tabbed-set', '<div class="both tabbed-set')
    html = html.replace("</h1>", "</h1>" + api.import_line(str(page.title), page.file.src_uri), 1)
    if page.file.src_uri.startswith("api/"):
        html = api.linked(html, _names, str(page.title))
    return PICTURE.sub(lambda found: inline(found[1]), html)


def on_post_page(output: str, page: Page, **_: Any) -> str:
    """Say what is shown where somebody shares a link; let no script ask the repository's server."""
    output = output.replace(' data-md-component="source"', "")
    shared = {
        "og:type": "website",
        "og:title": page.title,
        "og:description": page.meta.get("description", ""),
    }
    tags = [f'<meta property="{name}" content="{escape(str(text))}">' for name, text in shared.items()]
    return output.replace("</head>", "".join(tags) + "</head>", 1)


def version() -> str:
    """The version of the packages, which all share one."""
    text = (ROOT / "packages/pynector-task/pyproject.toml").read_text(encoding="utf-8")
    return str(tomllib.loads(text)["project"]["version"])


def addresses() -> tuple[str, str]:
    """Where repository and site are: as set in the root's pyproject.toml, or GitHub's where CI runs there."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pynector"]
    repository, site = settings["repository"].rstrip("/"), settings["documentation"]
    server, name = os.environ.get("GITHUB_SERVER_URL"), os.environ.get("GITHUB_REPOSITORY")
    if server and name:
        owner, _, project = name.partition("/")
        repository, site = repository or f"{server}/{name}", site or f"https://{owner}.github.io/{project}/"
    return repository, site


def first_paragraph(markdown: str) -> str:
    for block in re.split(r"\n\s*\n", markdown):
        text = " ".join(block.split())
        if text and text[0] not in "#<|!`-{[>:":
            plain = LINK.sub(r"\1", text).replace("`", "").replace("*", "").replace('"', "'")
            return plain if len(plain) <= 160 else plain[:157].rsplit(" ", 1)[0] + " …"
    return ""


def inline(name: str) -> str:
    """The drawing itself in place of a link to it; its colours are in the site's style sheet."""
    path = next(
        path for folder in ("pictures", "benchmarks") if (path := ROOT / "docs" / folder / name).exists()
    )
    svg = re.sub(r"<style>.*?</style>", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return f'<figure class="picture">{" ".join(svg.split())}</figure>'
