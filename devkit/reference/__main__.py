"""`python -m devkit.reference`: write docs/reference/ anew."""

from devkit import reference

if __name__ == "__main__":
    reference.write()
