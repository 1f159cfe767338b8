"""What a unit decides, pure: the same files run on a Raspberry Pi and under MicroPython."""
