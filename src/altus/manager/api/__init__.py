"""The public REST API: HTTP only. Every route declares its permission; errors become HTTP in `errors.py` alone."""
