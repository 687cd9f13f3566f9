"""Placement explained."""

from __future__ import annotations

from altus.sdk.resources import Noun
from altus.sdk.shapes import read
from altus.wire.placement import PlacementQuestion, PlacementView


class Placement(Noun):
    """`/placement`."""

    async def explain(self, question: PlacementQuestion) -> PlacementView:
        """What is thought of every host."""
        answer = await self._transport.call("POST", "/placement/explain", body=question, repeat=True)
        return read(PlacementView, answer.body)
