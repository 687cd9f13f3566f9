"""The manager's side of the agents: typed calls, and the stream of what hosts see."""
