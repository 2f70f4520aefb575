"""Each variant of the `anyio_backend` fixture is what its name says."""

import asyncio

import pytest
from anyio.lowlevel import current_token

pytestmark = pytest.mark.anyio


@pytest.fixture
def variant(request: pytest.FixtureRequest) -> str:
    return request.node.callspec.id


async def runs_eagerly() -> bool:
    """Whether a new asyncio task runs before its creator waits."""
    began: list[bool] = []

    async def child() -> None:
        began.append(True)

    task = asyncio.create_task(child())
    eager = bool(began)
    await task
    return eager


async def test_the_variant_runs_on_the_loop_it_names(variant: str) -> None:
    loop = current_token().native_token

    module = type(loop).__module__.partition(".")[0]

    assert module == {"eager": "asyncio"}.get(variant, variant)


async def test_only_the_eager_variant_runs_a_new_task_at_once(variant: str) -> None:
    if variant != "trio":  # which has no eager tasks
        assert await runs_eagerly() == (variant == "eager")
