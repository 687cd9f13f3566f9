"""The agent: one per host; does what the manager asks and tells what it sees."""
