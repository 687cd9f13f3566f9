"""Where a VM goes: pure functions of hosts and a request, which explain themselves."""
