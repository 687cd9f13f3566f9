"""What the agent does for the manager: one file per noun."""
