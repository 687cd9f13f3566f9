"""Only resources with the same label may be put together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altus.common.errors import Conflict
from altus.model.label import Label, may_combine, require_combinable

labels = st.sampled_from(list(Label))


@given(labels, st.lists(labels, max_size=4))
def test_only_equal_labels_combine(first: Label, others: list[Label]) -> None:
    assert may_combine(first, *others) == (len({first, *others}) == 1)


def test_a_refusal_names_what_and_the_labels() -> None:
    require_combinable("Attaching", Label.SECRET, Label.SECRET)
    with pytest.raises(Conflict, match=r"Attaching .* \(secret, open\)") as caught:
        require_combinable("Attaching", Label.SECRET, Label.OPEN, Label.SECRET)
    assert caught.value.code == "label.mismatch"
