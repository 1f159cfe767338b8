"""The first thing that runs in a unit's own build of MicroPython, in place of the port's `_boot.py`: it mounts the flash.

The port's waits for a person where the file system is damaged. This one begins it anew and puts /main.py back, which finds
what else was there (world.py). While a board is being provisioned there is no copy of it, and the prompt is shown.
"""

import gc
import sys

import machine
import mount
import nvs
from flashbdev import bdev

tries = mount.Tries(machine.RTC().memory)
tries.begin()
mount.mount(bdev, "/", tries.count)
try:
    nvs.mend("/", ("main.py",), nvs.Values(), True)
except OSError as why:
    print("no copy of main.py: %s" % why)
tries.succeed()
del sys.modules["mount"], sys.modules["nvs"]  # the program has its own
gc.collect()
