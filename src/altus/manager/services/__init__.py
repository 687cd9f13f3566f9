"""Use cases: who may, what is reserved, which task does it. No HTTP here."""
