"""The task engine and every task type: one small file each, `<noun>_<verb>.py`."""
