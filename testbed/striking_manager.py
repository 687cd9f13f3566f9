"""`altus-manager` for fault tests: the real one, with an observer that strikes where a plan says (see `strikes`).

python -m testbed.striking_manager CONFIG PLAN
"""

from __future__ import annotations

import sys
from pathlib import Path

from altus.manager.api.app import routes
from altus.manager.main import serve
from altus.manager.settings import load
from testbed.strikes import StrikeFile, Striker

routes()  # a zygote does it for all managers that it makes


def main() -> None:
    """Run until SIGTERM."""
    config, plan = sys.argv[1:]
    serve(load(Path(config)), Striker(StrikeFile(Path(plan))))


if __name__ == "__main__":
    main()
