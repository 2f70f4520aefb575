from __future__ import annotations

import pytest

PLUGIN = "pynector.concurrency.testing.pytest_plugin"


@pytest.fixture
def run(
    pytester: pytest.Pytester, pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> pytest.Pytester:
    """Runs test files with the plug-in, also where its entry point is not installed."""
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    # hypothesis' plug-in takes most of the time that a small session takes, and none of these tests needs it.
    options = ["-p no:hypothesispytest"]
    if not pytestconfig.pluginmanager.has_plugin("pynector-testing"):
        options.append(f"-p {PLUGIN}")
    monkeypatch.setenv("PYTEST_ADDOPTS", " ".join(options))
    return pytester
