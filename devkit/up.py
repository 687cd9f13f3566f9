"""`./dev up`: everything on this machine."""

import os

from devkit import progress, services


def up() -> int:
    """Start the services, in order, and wait until each answers."""
    if os.geteuid() != 0:
        raise services.ServiceError("./dev up needs root: it starts libvirt, Open vSwitch and OVN")
    runner = services.load()
    progress.say("services:")
    runner.start(services.GROUPS)
    return 0
