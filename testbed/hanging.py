"""A plugin of pytest: a test that hangs is ended by its own timeout, which fails it; where that is lost, a minute later
with the process, which says where all threads are.

The timeout raises what fails the test wherever its main thread is; an event loop at work may put that down to a task
that nobody waits for.
"""

import faulthandler
import sys
from collections.abc import Generator
from typing import Any

import pytest
from _pytest.faulthandler import fault_handler_stderr_fd_key

_GRACE = 60.0
"""Seconds after a test's own timeout in which it may still end by itself."""
_settings = pytest.StashKey[Any]()
_guarded = pytest.StashKey[bool]()
_SUMMARY_WIDTH = 250


@pytest.hookimpl(wrapper=True)
def pytest_timeout_set_timer(item: pytest.Item, settings: Any) -> Generator[None, object, object]:
    """The end of the process comes after the test's own timeout, whatever that is."""
    item.stash[_settings], item.stash[_guarded] = settings, True
    stderr = item.config.stash[fault_handler_stderr_fd_key]
    faulthandler.dump_traceback_later(settings.timeout + _GRACE, exit=True, file=stderr)
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_timeout_cancel_timer(item: pytest.Item) -> Generator[None, object, object]:
    """A test that has ended ends nothing."""
    item.stash[_guarded] = False
    faulthandler.cancel_dump_traceback_later()
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """What puts right after a test that failed may hang too: the failure has ended the test's timeout, a new one
    begins."""
    settings = item.stash.get(_settings, None)
    if settings is not None and not item.stash[_guarded]:
        item.ihook.pytest_timeout_set_timer(item=item, settings=settings)
    return (yield)


def pytest_terminal_summary(config: pytest.Config) -> None:
    """Where nobody sees how wide a line is, the reason for a failure is not cut at 80 characters."""
    if not sys.stdout.isatty():
        config.get_terminal_writer().fullwidth = _SUMMARY_WIDTH
