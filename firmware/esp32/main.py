"""/main.py on a board's flash, as text: the board starts it after every reset. All else is compiled."""

import gc

# What lives long comes to lie together, so that a heap of 96 KiB does not fall into small holes.
gc.threshold(4096)

from firmware.esp32.start import run  # noqa: E402

run()
