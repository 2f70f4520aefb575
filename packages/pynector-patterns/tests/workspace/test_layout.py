"""The shape of the checkout and of each distribution in it."""

import ast


def test_the_namespace_folders_hold_no_file(distribution):
    namespace = distribution.folder / "src/pynector"

    files = [
        path
        for folder in (namespace, namespace / "concurrency")
        for path in folder.iterdir()
        if path.is_file()
    ]

    assert files == []


def test_no_leaf_is_in_two_distributions(layers):
    leaves = [leaf for layer in layers for leaf in layer.leaves]

    assert sorted(leaves) == ["cancel", "errors", "patterns", "primitives", "task", "testing"]


def test_each_leaf_says_that_it_is_typed(distribution):
    for leaf in distribution.leaves:
        assert (distribution.folder / "src/pynector/concurrency" / leaf / "py.typed").exists()


def test_a_leaf_opens_with_a_docstring_imports_and_all_and_nothing_else(distribution):
    for leaf in distribution.leaves:
        source = distribution.folder / "src/pynector/concurrency" / leaf / "__init__.py"
        module = ast.parse(source.read_text(encoding="utf-8"))

        kinds = [type(statement) for statement in module.body]

        assert ast.get_docstring(module), f"{leaf} says nothing about itself"
        assert kinds[0] is ast.Expr
        assert set(kinds[1:-1]) <= {ast.ImportFrom}
        assert kinds[-1] is ast.Assign
        assert ast.unparse(module.body[-1]).startswith("__all__ = [")


def test_a_wheel_ships_every_leaf_of_its_distribution(distribution):
    text = (distribution.folder / "pyproject.toml").read_text(encoding="utf-8")

    for leaf in distribution.leaves:
        assert f'"src/pynector/concurrency/{leaf}"' in text


def test_the_licence_is_the_root_s(root, distribution):
    assert (distribution.folder / "LICENSE").read_bytes() == (root / "LICENSE").read_bytes()


def test_a_readme_says_how_to_install_and_names_its_leaves(distribution):
    readme = (distribution.folder / "README.md").read_text(encoding="utf-8")

    assert f"pip install {distribution.folder.name}" in readme
    for leaf in distribution.leaves:
        assert f"pynector.concurrency.{leaf}" in readme
