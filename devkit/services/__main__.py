"""`python -m devkit.services start|stop|status [NAME...]`: services and groups by hand, here or in a test machine."""

import argparse
import sys

from devkit import services


def main() -> int:
    """Read the command line and do it."""
    parser = argparse.ArgumentParser(prog="python -m devkit.services", description=__doc__)
    parser.add_argument("action", choices=["start", "stop", "status"])
    parser.add_argument("names", nargs="*", default=list(services.GROUPS), help="services or groups; default: all")
    arguments = parser.parse_args()
    runner = services.load()
    try:
        if arguments.action != "status":
            getattr(runner, arguments.action)(arguments.names)
        for state in runner.status(arguments.names):
            print(f"{state.name:16} {state.pid or '-':>8} {'answers' if state.ready else 'does not answer'}")
    except services.ServiceError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
