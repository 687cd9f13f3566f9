"""Every storage driver keeps what volumes once held, the fake one included."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from altus.common.errors import AltusError, Conflict, NotFound
from altus.common.ids import new_id
from altus.common.units import MIB
from altus.drivers.storage.base import StorageDriver
from altus.drivers.storage.directory.linked import MAX_LAYERS
from altus.drivers.storage.load import StorageOptions, open_storage
from altus.model.volume import BaseKind, VolumeBase, VolumeFacts

Open = Callable[[], Awaitable[StorageDriver]]


@pytest.fixture(params=["directory", "fake"])
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Open the same repository (again)."""
    storage_id = new_id()

    async def opened() -> StorageDriver:
        options = StorageOptions(storage_id=storage_id, path=tmp_path / "repository", create=True, reserve=0)
        return await open_storage(request.param, options)

    return opened


@pytest.fixture
async def storage(reopen: Open) -> StorageDriver:
    return await reopen()


@pytest.fixture
async def volume(storage: StorageDriver) -> str:
    return (await storage.create_volume(new_id(), 4 * MIB)).id


async def facts_of(storage: StorageDriver, volume: str) -> VolumeFacts:
    found = await storage.volume(volume)
    assert found is not None
    return found


async def tree(storage: StorageDriver) -> dict[str, str]:
    """Layers and what they stand on."""
    return {layer.id: layer.parent for layer in await storage.layers.all()}


async def refused(call: Awaitable[object], kind: type[AltusError], code: str) -> None:
    with pytest.raises(kind) as caught:
        await call
    assert caught.value.code == code


async def test_a_freeze_keeps_a_layer_on_which_the_volume_goes_on(storage: StorageDriver, volume: str) -> None:
    first, second = new_id(), new_id()
    assert (await storage.layers.freeze(volume, first)).layer == first
    assert (await storage.layers.freeze(volume, second)).layer == second
    assert await tree(storage) == {first: "", second: first}
    assert {(layer.volume_id, layer.size) for layer in await storage.layers.all()} == {(volume, 4 * MIB)}
    assert [facts.id for facts in await storage.volumes()] == [volume]


async def test_a_freeze_repeated_is_success(storage: StorageDriver, volume: str) -> None:
    layer = new_id()
    first = await storage.layers.freeze(volume, layer)
    assert await storage.layers.freeze(volume, layer) == first
    assert await tree(storage) == {layer: ""}


async def test_a_freeze_of_what_is_missing_is_refused(storage: StorageDriver, volume: str) -> None:
    await refused(storage.layers.freeze(new_id(), new_id()), NotFound, "volume.not_on_storage")
    await refused(storage.layers.freeze(volume, new_id(), new_id()), NotFound, "snapshot.not_on_storage")
    assert await tree(storage) == {}


async def test_a_volume_goes_on_as_an_older_layer_was(storage: StorageDriver, volume: str) -> None:
    first, second = new_id(), new_id()
    await storage.layers.freeze(volume, first)
    await storage.resize_volume(volume, 8 * MIB)
    facts = await storage.layers.freeze(volume, second, first)
    assert (facts.layer, facts.size) == (first, 4 * MIB)
    assert await tree(storage) == {first: "", second: first}
    third = new_id()
    await storage.layers.freeze(volume, third)
    assert await tree(storage) == {first: "", second: first, third: first}


async def test_thawed_the_volume_is_as_before(storage: StorageDriver, volume: str) -> None:
    first, second = new_id(), new_id()
    before = await facts_of(storage, volume)
    await storage.layers.freeze(volume, first)
    between = await facts_of(storage, volume)
    await storage.layers.freeze(volume, second, first)
    assert await storage.layers.thaw(volume, second) == between
    assert await storage.layers.thaw(volume, second) == between
    assert await storage.layers.thaw(volume, first) == before
    assert await tree(storage) == {}


async def test_frozen_live_and_not_switched_it_is_thawed_as_if_nothing_was(storage: StorageDriver, volume: str) -> None:
    before, layer = await facts_of(storage, volume), new_id()
    assert (await storage.layers.freeze(volume, layer, live=True)).layer == layer
    assert not await storage.layers.in_use(volume)
    assert await storage.layers.thaw(volume, layer, live=True) == before
    assert await tree(storage) == {}


async def test_a_layer_that_others_need_is_not_thawed(storage: StorageDriver, volume: str) -> None:
    first, second = new_id(), new_id()
    await storage.layers.freeze(volume, first)
    await storage.layers.freeze(volume, second)
    await refused(storage.layers.thaw(volume, first), Conflict, "snapshot.layer_in_use")
    assert await tree(storage) == {first: "", second: first}


async def test_a_dropped_layer_is_merged_into_its_only_child(storage: StorageDriver, volume: str) -> None:
    layers = [new_id() for _ in range(4)]
    for layer in layers:
        await storage.layers.freeze(volume, layer)
    for layer in (layers[1], layers[3], layers[0]):
        await storage.layers.drop(volume, layer)
        await storage.layers.drop(volume, layer)
        await storage.layers.merge(volume)
        await storage.layers.merge(volume)
    assert await tree(storage) == {layers[2]: ""}
    assert (await facts_of(storage, volume)).layer == layers[2]


async def test_a_dropped_layer_with_two_children_waits_until_one_is_left(storage: StorageDriver, volume: str) -> None:
    root, left, right = new_id(), new_id(), new_id()
    await storage.layers.freeze(volume, root)
    await storage.layers.freeze(volume, left, root)
    await storage.layers.freeze(volume, right)
    await storage.layers.drop(volume, root)
    await storage.layers.merge(volume)
    assert await tree(storage) == {left: "", right: ""}
    await storage.layers.drop(volume, left)
    await storage.layers.merge(volume)
    assert await tree(storage) == {right: ""}
    await storage.layers.drop(volume, right)
    await storage.layers.merge(volume)
    assert await tree(storage) == {}
    assert (await facts_of(storage, volume)).layer == ""


async def test_a_dropped_layer_that_others_need_is_neither_thawed_nor_made_anew(
    storage: StorageDriver, volume: str
) -> None:
    root, left, right = new_id(), new_id(), new_id()
    await storage.layers.freeze(volume, root)
    await storage.layers.freeze(volume, left, root)
    await storage.layers.freeze(volume, right)
    await storage.layers.drop(volume, root)
    before = await facts_of(storage, volume)
    assert await storage.layers.thaw(volume, root) == before
    await refused(storage.layers.freeze(volume, root), Conflict, "snapshot.layer_in_use")
    assert await facts_of(storage, volume) == before
    assert await tree(storage) == {left: "", right: ""}


async def test_what_nobody_stands_on_goes_at_once(storage: StorageDriver, volume: str) -> None:
    root, tip = new_id(), new_id()
    await storage.layers.freeze(volume, root)
    await storage.layers.freeze(volume, tip, root)
    await storage.layers.drop(volume, tip)
    assert await tree(storage) == {root: ""}


async def test_layers_go_with_their_volume_and_clones_live_on(storage: StorageDriver, volume: str) -> None:
    clone = new_id()
    await storage.layers.freeze(volume, new_id())
    await storage.create_volume(clone, 4 * MIB, VolumeBase(kind=BaseKind.VOLUME, id=volume))
    assert (await facts_of(storage, clone)).layer == ""
    await storage.delete_volume(volume)
    assert await tree(storage) == {}
    assert [facts.id for facts in await storage.volumes()] == [clone]
    await storage.layers.drop(volume, new_id())
    await storage.layers.merge(volume)


async def test_a_chain_has_a_limit(storage: StorageDriver, volume: str) -> None:
    for _ in range(MAX_LAYERS):
        await storage.layers.freeze(volume, new_id())
    await refused(storage.layers.freeze(volume, new_id()), Conflict, "snapshot.chain_too_long")


async def test_layers_are_there_when_it_is_opened_again(reopen: Open) -> None:
    storage, root, tip = await reopen(), new_id(), new_id()
    volume = (await storage.create_volume(new_id(), 4 * MIB)).id
    await storage.layers.freeze(volume, root)
    await storage.layers.freeze(volume, tip, root)
    before = (await storage.volumes(), await storage.layers.all())
    again = await reopen()
    assert (await again.volumes(), await again.layers.all()) == before
