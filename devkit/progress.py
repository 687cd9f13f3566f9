"""Progress lines: what is being waited for, and how long it took."""

import contextlib
import sys
import time
from collections.abc import Iterator


def say(text: str) -> None:
    """Print one line at once. To standard error, so that the output of commands run for the user stays theirs."""
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
