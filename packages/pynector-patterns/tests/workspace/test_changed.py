"""Which packages CI tests after a change."""

import importlib.util

import pytest

ALL = ["task", "cancel", "primitives", "patterns"]


@pytest.fixture
def concerned(root):
    spec = importlib.util.spec_from_file_location("changed", root / ".ci/changed.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.concerned


def test_a_changed_layer_concerns_itself_and_all_above(concerned):
    assert concerned(["packages/pynector-primitives/src/x.py"]) == ["primitives", "patterns"]
    assert concerned(["packages/pynector-patterns/x", "packages/pynector-cancel/x"]) == ALL[1:]


def test_the_rules_of_the_house_concern_all(concerned):
    assert concerned(["pyproject.toml"]) == ALL
    assert concerned(["packages/conftest.py", "docs/index.md"]) == ALL


def test_prose_alone_concerns_none(concerned):
    assert concerned(["docs/index.md", "README.md"]) == []
