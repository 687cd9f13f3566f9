"""`altus-agent`: run the agent of this host, or enrol it in a pool."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import structlog
import typer

from altus.agent.app import AgentServer
from altus.agent.assemble import assemble
from altus.agent.enrol import enrol as join
from altus.agent.identity import Identity
from altus.agent.settings import DEFAULT_CONFIG, AgentSettings, load_settings
from altus.common.errors import AltusError, InvalidInput
from altus.common.pki import needs_renewal
from altus.wire.agent import EnrolToken

T = TypeVar("T")
app = typer.Typer(add_completion=False, no_args_is_help=False)
_log = structlog.get_logger(__name__)


@app.callback(invoke_without_command=True)
def run(context: typer.Context,
        config: Annotated[Path, typer.Option(help="Settings file (TOML).")] = DEFAULT_CONFIG) -> None:  # fmt: skip
    """Run the agent of this host until SIGTERM; VMs run on without it."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, structlog.processors.add_log_level,
                    structlog.processors.TimeStamper(fmt="iso"), structlog.processors.format_exc_info,
                    structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )  # fmt: skip
    context.obj = _or_exit(lambda: load_settings(config))
    if context.invoked_subcommand is None:
        _run(_serve(context.obj))


@app.command()
def enrol(context: typer.Context,
          token: Annotated[str, typer.Option(envvar="ALTUS_ENROL_TOKEN", help="The one-time token.")] = "",
          token_file: Annotated[typer.FileText | None, typer.Option(help="A file with it, - for stdin.")] = None,
          manager: Annotated[str, typer.Option(help="The manager's URL if not the token's.")] = "",
          ca_fingerprint: Annotated[str, typer.Option(help="SHA-256 of the CA if not the token's.")] = "",
          ) -> None:  # fmt: skip
    """Make this host belong to a pool. It can be repeated until the token expires."""
    settings: AgentSettings = context.obj

    def wanted() -> EnrolToken:
        text = (token_file.read() if token_file is not None else token).strip()
        if not text:
            raise InvalidInput("There is no token.", code="enrolment.token_missing",
                               hint="Make one with `altus host add`; give it in a file.")  # fmt: skip
        given = EnrolToken.decode(text)
        return EnrolToken(url=manager or given.url, ca=ca_fingerprint.replace(":", "").lower() or given.ca,
                          secret=given.secret)  # fmt: skip

    host_id = _run(join(_or_exit(wanted), settings.state_dir, settings.host_name, settings.reached_at))
    typer.echo(f"This host is {host_id} now. Start its agent, or start it again.")


async def _serve(settings: AgentSettings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    identity = Identity(settings.state_dir / "tls")
    host_id = await asyncio.to_thread(identity.host_id)
    await asyncio.to_thread(identity.unite)
    if needs_renewal(await asyncio.to_thread(identity.certificate.read_text)):
        _log.info("this host's certificate expires before long: the manager will renew it")
    server = AgentServer(await assemble(settings, host_id), identity, settings.max_upload)
    try:
        await server.start(settings.listen, settings.port)
        _log.info("agent listens", host_id=host_id, address=settings.listen, port=server.port)
        await stop.wait()
    finally:
        await server.close()
    _log.info("agent ends")


def _run(work: Coroutine[Any, Any, T]) -> T:
    return _or_exit(lambda: asyncio.run(work))


def _or_exit(call: Callable[[], T]) -> T:
    """Errors are one sentence and a hint here, and exit code 1."""
    try:
        return call()
    except AltusError as error:
        typer.echo(f"{error.message} {error.hint}".strip(), err=True)
        raise typer.Exit(1) from error


def main() -> None:
    """The entry point."""
    app()
