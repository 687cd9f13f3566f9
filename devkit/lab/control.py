"""Orders to a lab's supervisor: one connection each, lines of JSON. The order goes there; what is being waited for
(`say`) comes back while it is carried out, then the `result` or the `error`."""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from devkit import progress
from devkit.lab.places import LabError
from devkit.lab.remains import LOG

SOCKET = "control"
_CONNECT_SECONDS = 5.0


async def serve(folder: Path, orders: Mapping[str, Callable[..., Awaitable[Any]]],
                expected: tuple[type[Exception], ...]) -> asyncio.Server:  # fmt: skip
    """Take orders at `folder`; `expected` are errors whose text is the answer."""

    async def obey(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def answer(**what: Any) -> None:
            if not writer.is_closing():
                writer.write(json.dumps(what).encode() + b"\n")

        progress.listen(lambda text: answer(say=text))
        try:
            asked = json.loads(await reader.readline())
            result = await orders[asked.pop("order")](**asked)
        except* expected as errors:
            answer(error="; ".join(dict.fromkeys(str(error) for error in _leaves(errors))))
        else:
            answer(result=result)
        finally:
            writer.close()

    return await asyncio.start_unix_server(obey, folder / SOCKET)


def _leaves(errors: BaseExceptionGroup[Exception]) -> list[Exception]:
    found: list[Exception] = []
    for error in errors.exceptions:
        found += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found


def order(folder: Path, name: str, **arguments: Any) -> Any:
    """Give an order and wait until it is done, saying what is waited for; its result. `LabError` if it failed, or if
    no supervisor is there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_CONNECT_SECONDS)
        try:
            connection.connect(str(folder / SOCKET))
        except OSError:
            raise LabError("no lab is up: `./dev lab up N` makes one") from None
        connection.settimeout(None)
        connection.sendall(json.dumps({"order": name, **arguments}).encode() + b"\n")
        with connection.makefile("r") as answers:
            for line in answers:
                answer = json.loads(line)
                if "say" in answer:
                    progress.say(answer["say"])
                elif "error" in answer:
                    raise LabError(answer["error"])
                else:
                    return answer["result"]
    raise LabError(f"the lab's supervisor ended, or did not finish this: see {folder / LOG}")
