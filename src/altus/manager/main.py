"""`altus-manager`: run the manager, or help root on its machine."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Annotated

import sqlalchemy as sa
import structlog
import typer
import uvicorn
import uvloop

from altus.common.errors import AltusError
from altus.manager.api.app import create_api
from altus.manager.app import moved, recovered, running
from altus.manager.settings import DEFAULT_CONFIG, ManagerSettings, load
from altus.manager.tasks.observer import Observer, trace

_YOUNG = 10_000
"""Objects made before the garbage collector looks at them; Python's own 700 are fewer than one page of a list."""
_TURN = 0.001
"""Seconds after which a thread that computes lets requests in; Python's own 5 ms add up in the several turns of one."""
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.callback(invoke_without_command=True)
def run(context: typer.Context,
        config: Annotated[Path, typer.Option(help="Settings file (TOML).")] = DEFAULT_CONFIG) -> None:  # fmt: skip
    """Run the manager until SIGTERM; VMs run on without it, and unfinished tasks go on with the next start."""
    if context.invoked_subcommand is None:
        try:
            serve(load(config))
        except AltusError as error:
            sys.exit(f"altus-manager: {error.message} {error.hint}")


@app.command()
def recover(name: Annotated[str, typer.Argument(help="The account.")],
            config: Annotated[Path, typer.Option(help="Settings file (TOML).")] = DEFAULT_CONFIG) -> None:  # fmt: skip
    """A one-time password for an account whose peers cannot reset it; for root, while the manager is stopped."""
    try:
        typer.echo(asyncio.run(recovered(load(config), name)))
    except AltusError as error:
        sys.exit(f"altus-manager: {error.message} {error.hint}")


@app.command()
def move_database(context: typer.Context,
                  url: Annotated[str, typer.Argument(help="SQLAlchemy's URL: sqlite:///path or postgresql+psycopg://…",
                                                     envvar="ALTUS_MANAGER_MOVE_TO")],
                  config: Annotated[Path, typer.Option(help="Settings file (TOML).")] = DEFAULT_CONFIG,
                  ) -> None:  # fmt: skip
    """Move all that the manager knows to another, empty database, while no manager runs. Interrupted, the same command
    finishes it."""
    source = context.get_parameter_source("url")
    if source is not None and source.name == "COMMANDLINE" and sa.make_url(url).password:
        sys.exit("altus-manager: others could read the password: give the URL by ALTUS_MANAGER_MOVE_TO.")
    try:
        arrived = asyncio.run(moved(load(config), url))
    except AltusError as error:
        sys.exit(f"altus-manager: {error.message} {error.hint}")
    typer.echo(f"All is in {arrived}. Set `database` in {config} to it, then start the manager.")


def serve(settings: ManagerSettings, observer: Observer = trace) -> None:
    """Run a manager with these settings in this process."""
    configure_logging(settings.log_level)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, observer))


async def _serve(settings: ManagerSettings, observer: Observer) -> None:
    async with running(settings, observer) as manager:
        api = create_api(manager.services)
        _spare_collector()
        sys.setswitchinterval(_TURN)
        server = _Server(
            uvicorn.Config(
                api,
                host=settings.listen,
                port=settings.port,
                ssl_certfile=str(manager.tls / "manager.pem"),
                ssl_keyfile=str(manager.tls / "manager.key"),
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=3,
                server_header=False,
                ws="websockets-sansio",
            )
        )
        await server.serve()


def _spare_collector() -> None:
    """What is there after the start stays for ever: the garbage collector need not walk over it in the midst of
    requests, which cost a list a third of its time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG)


class _Server(uvicorn.Server):
    """Uvicorn's own looks ten times a second whether it is to end, which is most of what an idle manager does."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._loop = asyncio.get_running_loop()
        self._ending = asyncio.Event()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal to end arrived."""
        super().handle_exit(sig, frame)
        self._loop.call_soon_threadsafe(self._ending.set)

    async def main_loop(self) -> None:
        """Tick once a second (it keeps the Date header) until a signal arrives."""
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), 1.0)


def configure_logging(level: str) -> None:
    """Structured lines on standard error, one JSON object each."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def main() -> None:
    """Entry point."""
    app()
