"""Tools for people who work on Altus: what `./dev` calls. Nothing in `src/` imports it."""
