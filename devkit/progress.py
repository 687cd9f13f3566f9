"""Progress lines: what is being waited for, and how long it took."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar

_listener: ContextVar[Callable[[str], None] | None] = ContextVar("progress-listener", default=None)


def listen(listener: Callable[[str], None]) -> None:
    """Give the lines of this context (an asyncio task and those it starts) to `listener` instead of printing them."""
    _listener.set(listener)


def say(text: str) -> None:
    """Print one line at once. To standard error, so that the output of commands run for the user stays theirs."""
    if (listener := _listener.get()) is not None:
        listener(text)
    else:
        print(text, file=sys.stderr, flush=True)


@contextlib.contextmanager
def waiting(what: str) -> Iterator[None]:
    """Say `what` is being waited for, and the time it took or that it failed."""
    say(f"  … {what}")
    begin = time.monotonic()
    try:
        yield
    except BaseException:
        say(f"  ✗ {what}: failed after {time.monotonic() - begin:.1f} s")
        raise
    say(f"  ✓ {what} ({time.monotonic() - begin:.1f} s)")
