"""Our classes are composed: a chain of inheritance among our own is one step long."""

import importlib
import pkgutil
from collections.abc import Iterator

import pytest

import pynector.concurrency

# Longer chains, each with the reason why it stays.
EXCEPTIONS = {
    "LockCore": "a lot with an owner: measured, a second object would cost each lock an attribute more",
}


def our_classes() -> Iterator[type]:
    for module in pkgutil.walk_packages(pynector.concurrency.__path__, "pynector.concurrency."):
        if module.name.endswith("__main__"):
            continue
        namespace = vars(importlib.import_module(module.name))
        for value in namespace.values():
            if isinstance(value, type) and value.__module__ == module.name:
                yield value


def chain(cls: type) -> list[str]:
    return [base.__name__ for base in cls.__mro__ if base.__module__.startswith("pynector.")]


CLASSES = sorted(set(our_classes()), key=lambda cls: (cls.__module__, cls.__qualname__))


def test_there_are_classes() -> None:
    assert len(CLASSES) > 100


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: f"{cls.__module__}.{cls.__qualname__}")
def test_no_chain_is_longer_than_one_step(cls: type) -> None:
    if cls.__name__ not in EXCEPTIONS:
        assert len(chain(cls)) <= 2, " > ".join(chain(cls))
