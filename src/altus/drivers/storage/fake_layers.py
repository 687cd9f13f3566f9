"""Layers of the fake repository's volumes: each call a pure change of one volume's record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from altus.common.ids import check_id
from altus.common.units import KIB
from altus.drivers.storage.base import Progress
from altus.drivers.storage.directory.linked import MAX_LAYERS
from altus.drivers.storage.fake_journal import FakeLayer, FakeVolume, Journal
from altus.drivers.storage.refusals import chain_too_long, layer_needed, no_layer, no_volume
from altus.model.volume import LayerFacts, VolumeFacts

EMPTY = 196 * KIB
"""About what an empty qcow2 takes."""


class FakeLayers:
    """See `VolumeLayers`."""

    def __init__(self, journal: Journal, make_room: Callable[[int], None]) -> None:
        self._journal = journal
        self._make_room = make_room

    async def freeze(self, volume_id: str, layer_id: str, onto: str = "", *, live: bool = False) -> VolumeFacts:
        volume = self._there(volume_id)
        changed = frozen(volume, check_id(layer_id), onto)
        if changed != volume:
            self._make_room(EMPTY)
        return self._keep(changed)

    async def thaw(self, volume_id: str, layer_id: str, *, live: bool = False) -> VolumeFacts:
        return self._keep(thawed(self._there(volume_id), layer_id))

    async def in_use(self, volume_id: str) -> bool:
        return False

    async def drop(self, volume_id: str, layer_id: str) -> None:
        if volume_id in self._journal.volumes:
            self._keep(dropped(self._there(volume_id), layer_id))

    async def merge(self, volume_id: str, progress: Progress | None = None) -> None:
        if volume_id in self._journal.volumes:
            self._keep(merged(self._there(volume_id)))
        if progress is not None:
            progress(1.0)

    async def all(self) -> list[LayerFacts]:
        volumes = self._journal.volumes
        return [facts for name in sorted(volumes) for facts in facts_of(volumes[name])]

    def _there(self, volume_id: str) -> FakeVolume:
        volume = self._journal.volumes.get(check_id(volume_id))
        if volume is None:
            raise no_volume(volume_id)
        return volume

    def _keep(self, volume: FakeVolume) -> VolumeFacts:
        if volume != self._there(volume.facts.id):
            self._journal.put_volume(volume)
        return volume.facts


def frozen(volume: FakeVolume, layer_id: str, onto: str) -> FakeVolume:
    """See `VolumeLayers.freeze`."""
    facts = volume.facts
    if (there := _find(volume, layer_id)) is not None:
        if not there.kept:
            raise layer_needed(facts.id, layer_id, [one.id for one in volume.layers if one.below == layer_id])
        return volume
    target = _find(volume, onto) if onto else None
    if onto and target is None:
        raise no_layer(facts.id, onto)
    if (length := len(_chain(volume, volume.below))) >= MAX_LAYERS:
        raise chain_too_long(facts.id, length)
    layer = FakeLayer(id=layer_id, size=facts.size, allocation=facts.allocation, below=volume.below)
    size = target.size if target is not None else facts.size
    return _seen(replace(volume, facts=replace(facts, size=size, allocation=EMPTY), below=onto or layer_id,
                         layers=(*volume.layers, layer)))  # fmt: skip


def thawed(volume: FakeVolume, layer_id: str) -> FakeVolume:
    """See `VolumeLayers.thaw`."""
    layer = _find(volume, layer_id)
    if layer is None or not layer.kept:
        return volume
    if others := [one.id for one in volume.layers if one.below == layer_id]:
        raise layer_needed(volume.facts.id, layer_id, others)
    facts = replace(volume.facts, size=layer.size, allocation=layer.allocation)
    rest = tuple(one for one in volume.layers if one.id != layer_id)
    return _seen(_without_idle(replace(volume, facts=facts, below=layer.below, layers=rest)))


def dropped(volume: FakeVolume, layer_id: str) -> FakeVolume:
    """See `VolumeLayers.drop`."""
    layers = tuple(replace(one, kept=False) if one.id == layer_id else one for one in volume.layers)
    return _seen(_without_idle(replace(volume, layers=layers)))


def merged(volume: FakeVolume) -> FakeVolume:
    """See `VolumeLayers.merge`."""
    for layer in volume.layers:
        above = [one.id for one in volume.layers if one.below == layer.id]
        if not layer.kept and len(above) + (volume.below == layer.id) == 1:
            return merged(_merged_into_child(volume, layer))
    return _seen(volume)


def facts_of(volume: FakeVolume) -> list[LayerFacts]:
    """The kept ones."""
    return [LayerFacts(volume_id=volume.facts.id, id=one.id, size=one.size, allocation=one.allocation,
                       parent=_kept(volume, one.below))
            for one in volume.layers if one.kept]  # fmt: skip


def _merged_into_child(volume: FakeVolume, layer: FakeLayer) -> FakeVolume:
    rest = tuple(replace(one, below=layer.below, allocation=one.allocation + layer.allocation)
                 if one.below == layer.id else one for one in volume.layers if one.id != layer.id)  # fmt: skip
    if volume.below != layer.id:
        return replace(volume, layers=rest)
    facts = replace(volume.facts, allocation=volume.facts.allocation + layer.allocation)
    return replace(volume, facts=facts, below=layer.below, layers=rest)


def _find(volume: FakeVolume, layer_id: str) -> FakeLayer | None:
    return next((one for one in volume.layers if one.id == layer_id), None)


def _chain(volume: FakeVolume, layer_id: str) -> list[FakeLayer]:
    found = []
    while (layer := _find(volume, layer_id)) is not None:
        found.append(layer)
        layer_id = layer.below
    return found


def _kept(volume: FakeVolume, layer_id: str) -> str:
    return next((one.id for one in _chain(volume, layer_id) if one.kept), "")


def _without_idle(volume: FakeVolume) -> FakeVolume:
    starts = [volume.below, *(one.id for one in volume.layers if one.kept)]
    needed = {one.id for start in starts for one in _chain(volume, start)}
    return replace(volume, layers=tuple(one for one in volume.layers if one.id in needed))


def _seen(volume: FakeVolume) -> FakeVolume:
    """With facts that tell on which kept layer it stands."""
    return replace(volume, facts=replace(volume.facts, layer=_kept(volume, volume.below)))
