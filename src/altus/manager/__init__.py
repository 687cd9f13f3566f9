"""The manager: API, services, task engine, placement, clocks."""
