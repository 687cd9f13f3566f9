"""Where this host gets a Debian release from; the image will get it from there too."""

from __future__ import annotations

from collections import defaultdict

from altus.common.errors import Failed
from altus.drivers.image.command import run

_FORMAT = "$(REPO_URI)\t$(RELEASE)\t$(COMPONENT)\t$(ORIGIN)\t$(CODENAME)"


async def debian_sources(release: str) -> list[str]:
    """The host's own apt sources for `release` (`bookworm`) with its updates, as lines of a sources.list.

    Sources which are not Debian's are left out: their keys are not in the image. Raises `Failed`
    (`image.no_sources`) if the host has none.
    """
    listing = await run("apt-get", "indextargets", "--format", _FORMAT, "Created-By: Packages")
    lines = source_lines(listing, release)
    if not lines:
        raise Failed(
            f"This host's apt knows no Debian sources for {release}.",
            code="image.no_sources",
            hint=f"Add Debian {release} to the apt sources and run apt-get update.",
        )
    return lines


def source_lines(listing: str, release: str) -> list[str]:
    """`deb` lines for what apt's list of index files has of Debian's `release`."""
    components: dict[tuple[str, str], set[str]] = defaultdict(set)
    for line in listing.splitlines():
        uri, suite, component, origin, codename = line.split("\t")
        if origin == "Debian" and codename.partition("-")[0] == release:
            components[uri, suite].add(component)
    return [f"deb {uri} {suite} {' '.join(sorted(found))}" for (uri, suite), found in sorted(components.items())]
