"""Names that are imported on first use."""

import subprocess
import sys

import pytest

from pynector.concurrency.task import lowlevel

UNUSED = """
import sys, pynector.concurrency.task, pynector.concurrency.testing, pynector.concurrency.task.lowlevel
loaded = [name for name in sys.modules if name.startswith("pynector.")]
assert not [name for name in loaded if name.endswith(("_group", "_parking_lot", "_explore"))], loaded
assert "asyncio" not in sys.modules and "trio" not in sys.modules
"""


def test_a_leaf_imports_nothing_that_is_not_used():
    subprocess.run([sys.executable, "-c", UNUSED], check=True)


def test_a_name_is_found_once_and_then_at_once():
    getattr(lowlevel, "ParkingLot")  # noqa: B009

    assert vars(lowlevel)["ParkingLot"] is lowlevel.ParkingLot


def test_a_name_that_is_not_there_is_refused_in_the_words_of_python():
    with pytest.raises(AttributeError, match=r"module 'pynector\..*lowlevel' has no attribute 'Lock'"):
        getattr(lowlevel, "Lock")  # noqa: B009
    with pytest.raises(ImportError, match="cannot import name 'Lock'"):
        from pynector.concurrency.task.lowlevel import Lock  # noqa: F401


def test_dir_knows_what_was_not_imported_yet():
    assert {"spawn_owner", "import_lazily", "__doc__"} <= set(dir(lowlevel))
