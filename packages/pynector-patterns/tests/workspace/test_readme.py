"""The root README's two commands are those that CI runs."""

import pytest


@pytest.mark.parametrize("command", ["python3 .ci/hatch.py run demo", "python3 .ci/hatch.py run tests:run"])
def test_ci_runs_the_commands_that_the_readme_gives(root, command):
    readme = (root / "README.md").read_text(encoding="utf-8").splitlines()
    steps = (root / ".ci/run").read_text(encoding="utf-8").splitlines()

    assert command in readme
    assert any(line.startswith("step ") and line.endswith(f" {command}") for line in steps)
