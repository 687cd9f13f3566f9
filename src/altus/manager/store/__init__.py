"""The database: intent and the last observation. Tables are derived from the model's dataclasses."""
