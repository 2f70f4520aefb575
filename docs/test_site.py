"""What the site's pages say agrees with where it comes from."""

import importlib
import importlib.util
import re
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
from mkdocs.config import load_config

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(path for path in (ROOT / "docs").rglob("*.md") if path.parent.name != "guides")
FENCE = re.compile(
    r"^(?P<indent> *)```(?:python|py|console|sh)\b.*?\n(?P<source>.*?)^(?P=indent)```$", re.M | re.S
)
WIDEST = 76  # what a page of 1400 pixels shows


def load(script: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"site_{Path(script).stem}", ROOT / script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_pictures_are_as_the_script_draws_them() -> None:
    pictures = load("docs/_site/pictures.py")

    stale = [name for name, draw in pictures.FILES.items() if (ROOT / "docs" / name).read_text() != draw()]

    assert not stale, "run python docs/_site/pictures.py"


def test_figures_of_the_home_page_are_those_of_the_proof() -> None:
    home = (ROOT / "docs/index.md").read_text()
    proof = (ROOT / "docs/proof.md").read_text()
    pools = re.findall(r"^\| connection pool: ([^|]+) \| \**([\d,]+ of [\d,]+)\** \|", proof, re.M)

    figures = re.findall(r"[\d,]+ of [\d,]+", home)

    assert figures == [dict(pools)["asyncio-connection-pool 1.1.1"], dict(pools)["pynector"]]


def test_home_page_names_the_version_of_the_packages() -> None:
    metadata = tomllib.loads((ROOT / "packages/pynector-task/pyproject.toml").read_text())

    assert f"Version {metadata['project']['version']}," in (ROOT / "docs/index.md").read_text()


def test_each_public_name_is_in_the_reference() -> None:
    api = load("docs/_site/api.py")
    pages = api.pages(load_config(str(ROOT / "mkdocs.yml")))
    public = {leaf: set(importlib.import_module(f"{api.NAMESPACE}.{leaf}").__all__) for leaf in api.LEAVES}

    for leaf, names in public.items():
        texts = pages[api.LEAVES[leaf]]
        lines = set(re.findall(r"^::: (\S+)$", "\n".join(texts.values()), re.M))
        assert {f"{api.NAMESPACE}.{leaf}.{name}" for name in names} <= lines
        assert all(f"[`{name}`][{api.NAMESPACE}.{leaf}.{name}]" in texts[""] for name in names)
    assert set(api.FIRST) <= set().union(*public.values())


def test_packages_name_the_addresses_that_are_set_once() -> None:
    urls = load(".ci/urls.py")
    setting = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pynector"]
    expected = urls.table(setting["repository"], setting["documentation"])

    for path in ROOT.glob("packages/*/pyproject.toml"):
        assert urls.written(path.read_text(), expected) == path.read_text(), "run python .ci/urls.py"


def test_addresses_are_written_once_and_can_be_changed() -> None:
    urls = load(".ci/urls.py")
    metadata = '[project]\nname = "a"\n\n[project.scripts]\n'

    once = urls.written(metadata, urls.table("https://a.example/b", ""))

    assert tomllib.loads(once)["project"]["urls"]["Issues"] == "https://a.example/b/issues"
    assert urls.written(once, urls.table("https://a.example/b", "")) == once
    assert urls.written(once, urls.table("", "")) == metadata


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_line_of_code_is_wider_than_its_page(page: Path) -> None:
    blocks = [match["source"] for match in FENCE.finditer(page.read_text(encoding="utf-8"))]

    wide = [line for block in blocks for line in block.splitlines() if len(line.rstrip()) > WIDEST]

    assert not wide
