"""`./dev lab`: simulated hosts on this machine, each with its own libvirt, Open vSwitch, agent and addresses, to try a
pool and to break it. docs/lab.md tells how to use it.

One process, the supervisor (`supervisor`), bears all machines (`machines`, `inside`) and dies with them: its network
namespace is the switch which they are cabled to (`networks`, `cuts`), and it takes orders over a socket (`control`).
`client.Lab` gives them, for the command line (`commands`) and for tests. `places` says where everything is.
"""

from devkit.lab.client import Lab
from devkit.lab.places import LabError

__all__ = ["Lab", "LabError"]
