"""The live line on standard error: one that changes in a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from typing import Any

from altus.cli.text import clean


class Progress:
    """What is being waited for. Standard output stays free for results."""

    def __init__(self) -> None:
        self._status: Any = None
        self._last = ""

    def tell(self, text: str) -> None:
        """This is going on now."""
        text = clean(text)
        if text == self._last:
            return
        self._last = text
        if not sys.stderr.isatty():
            self._write(f"  … {text}")
        elif self._status is None:
            self._status = self._new(text)
            self._status.start()
        else:
            self._status.update(_escaped(text))

    def say(self, text: str) -> None:
        """Something that stays to be read."""
        self.clear()
        self._write(clean(text))

    def clear(self) -> None:
        """Nothing is going on any more."""
        if self._status is not None:
            self._status.stop()
            self._status = None

    def _new(self, text: str) -> Any:
        from rich.console import Console

        return Console(file=sys.stderr, highlight=False).status(_escaped(text))

    def _write(self, line: str) -> None:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)
