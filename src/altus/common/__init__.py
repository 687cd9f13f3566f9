"""What every room may use: errors, ids, units, undo. Knows no domain."""
