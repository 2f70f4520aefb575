"""The shape of the checkout and of each distribution in it."""

import ast
import importlib


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


def test_a_leaf_opens_with_a_docstring_its_names_and_nothing_else(distribution):
    for leaf in distribution.leaves:
        module = table_of_contents(distribution, leaf)

        kinds = [type(statement) for statement in module.body]

        assert ast.get_docstring(module), f"{leaf} says nothing about itself"
        assert kinds[0] is ast.Expr
        assert set(kinds[1:-2]) == {ast.ImportFrom}
        assert ast.unparse(module.body[-2]).startswith("if TYPE_CHECKING:\n    from ")
        assert ast.unparse(module.body[-1]).startswith("__all__ = [")


def test_what_a_leaf_imports_lazily_is_what_type_checkers_see(distribution):
    for leaf in distribution.leaves:
        names = table_of_contents(distribution, leaf).body[-2]
        assert isinstance(names, ast.If)

        seen = {
            (alias.name, statement.module)
            for statement in names.body
            if isinstance(statement, ast.ImportFrom)
            for alias in statement.names
        }
        (homes,) = (node for node in ast.walk(names.orelse[0]) if isinstance(node, ast.Dict))

        assert set(ast.literal_eval(homes).items()) == seen


def test_every_public_name_can_be_imported(distribution):
    for leaf in distribution.leaves:
        module = importlib.import_module(f"pynector.concurrency.{leaf}")

        assert set(module.__all__) <= set(dir(module))
        for name in module.__all__:
            assert getattr(module, name) is not None


def table_of_contents(distribution, leaf):
    source = distribution.folder / "src/pynector/concurrency" / leaf / "__init__.py"
    return ast.parse(source.read_text(encoding="utf-8"))


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
