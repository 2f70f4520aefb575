from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

PLUGIN = "pynector.concurrency.testing.pytest_plugin"


@pytest.fixture
def run(
    pytester: pytest.Pytester, pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> pytest.Pytester:
    """Runs test files with the plug-in, also where its entry point is not installed."""
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    if not pytestconfig.pluginmanager.has_plugin("pynector-testing"):
        monkeypatch.setenv("PYTEST_ADDOPTS", f"-p {PLUGIN}")
    return pytester
