"""The base of devkit's errors: `./dev` prints them in one sentence, without a traceback."""


class DevkitError(Exception):
    """Something on this machine is not as a command needs it; the text says what."""
