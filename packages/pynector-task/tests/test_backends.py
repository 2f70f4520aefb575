"""Each variant of a test, AnyIO's plug-in's and pytest-asyncio's, runs on the event loop that it names."""

import asyncio

import pytest
from anyio.lowlevel import current_token

MODULES = {"asyncio": "asyncio", "uvloop": "uvloop", "eager": "asyncio", "trio": "trio"}


@pytest.fixture
def variant(request: pytest.FixtureRequest) -> str:
    return request.node.callspec.id


def module_of(loop: object) -> str:
    return type(loop).__module__.partition(".")[0]


async def runs_eagerly() -> bool:
    """Whether a new asyncio task runs before its creator waits."""
    began: list[bool] = []

    async def child() -> None:
        began.append(True)

    task = asyncio.create_task(child())
    eager = bool(began)
    await task
    return eager


@pytest.mark.anyio
async def test_anyio_s_variant_runs_on_the_loop_it_names(variant: str) -> None:
    assert module_of(current_token().native_token) == MODULES[variant]


@pytest.mark.anyio
async def test_only_the_eager_variant_runs_a_new_task_at_once(variant: str) -> None:
    if variant != "trio":  # which has no eager tasks
        assert await runs_eagerly() == (variant == "eager")


@pytest.mark.asyncio
async def test_pytest_asyncio_s_variant_runs_on_the_loop_it_names(variant: str) -> None:
    assert module_of(asyncio.get_running_loop()) == MODULES[variant]
    assert await runs_eagerly() == (variant == "eager")
