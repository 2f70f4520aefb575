"""Notices the distribution `pynector` 0.1, whose regular package hides this namespace.

`pynector` is a namespace package here, without a file, so its spec has no origin.
"""

import sys

_spec = getattr(sys.modules.get("pynector"), "__spec__", None)
if _spec is not None and _spec.origin is not None:
    raise ImportError(
        "the distribution 'pynector' 0.1, an earlier and unrelated code base, is installed and hides"
        " pynector.concurrency; run: pip uninstall pynector"
    )
