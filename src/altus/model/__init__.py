"""What things *are*: frozen dataclasses, enums and pure rules. No framework, no input or output."""
