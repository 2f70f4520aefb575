"""What each distribution declares is what its code does."""

from packaging.specifiers import SpecifierSet
from packaging.version import Version

NAMESPACE = "pynector.concurrency."


def test_all_versions_are_equal(layers):
    assert len({layer.project["version"] for layer in layers}) == 1


def test_the_only_pynector_dependency_is_the_layer_directly_below(distribution, below):
    siblings = [r for r in distribution.requirements if r.name.startswith("pynector")]

    assert [r.name for r in siblings] == ([below.project["name"]] if below else [])


def test_the_layer_below_is_pinned_to_the_minor_version_at_hand(distribution, below):
    minor = ".".join(distribution.project["version"].split(".")[:2])

    pins = {str(r.specifier) for r in distribution.requirements if r.name.startswith("pynector")}

    assert pins == ({f"~={minor}.0"} if below else set())


def test_the_layer_below_is_really_imported(distribution, below):
    leaves = {name.removeprefix(NAMESPACE).partition(".")[0] for name in distribution.imports}

    assert below is None or leaves & below.leaves


def test_third_parties_are_declared_exactly_if_imported(distribution):
    imported = {name.partition(".")[0] for name in distribution.imports} - {"pynector"}
    declared = {r.name for r in distribution.requirements if not r.name.startswith("pynector")}

    # Imported only where they are there: an extra's package, trio's under trio, pytest in its plug-in.
    optional = distribution.optional | {"trio", "outcome", "pytest"}

    assert declared <= imported <= declared | optional


def test_anyio_is_declared_alike_everywhere(layers):
    specifiers = {r.specifier for layer in layers for r in layer.requirements if r.name == "anyio"}

    assert specifiers == {SpecifierSet(">=4.16,<5")}


def test_the_oldest_python_is_declared_alike_and_without_upper_bound(distribution):
    assert distribution.project["requires-python"] == ">=3.11"


def test_the_changelog_speaks_of_the_version_at_hand(root, layers):
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")

    version = Version(layers[0].project["version"])

    assert f"## {version}" in changelog or "## Unreleased" in changelog
