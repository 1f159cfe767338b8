"""/main.py on a board's flash, as text: the board starts it after every reset. All else is compiled.

The ROM partition has two halves with a program each; which one runs, see slots.py. A trial is counted before it runs, and
whatever ends it, an error or the watchdog, the next boot counts on, and goes back when none is left. This file itself
never changes over the air.
"""

import gc
import sys

# What lives long comes to lie together, so that a heap of 96 KiB does not fall into small holes.
gc.threshold(4096)


def choose() -> tuple:
    """(half that is to run, whether on trial)."""
    import esp32

    kept = esp32.NVS("wattwitness")
    try:
        slot = kept.get_i32("slot")
    except OSError:
        return 0, False
    if slot >> 1 & 3 == 0:
        return slot & 1, False
    kept.set_i32("slot", slot - 2)
    kept.commit()
    return 1 - (slot & 1), True


def mount(half: int) -> int:
    """Mount that half, or where it holds nothing the other; which one it was."""
    import vfs

    rom = memoryview(vfs.rom_ioctl(2, 0))
    size = len(rom) // 2
    for each in (half, 1 - half):
        try:
            found = vfs.VfsRom(rom[each * size : each * size + size])
        except (OSError, ValueError):
            continue
        try:
            vfs.umount("/rom")  # a stock start-up has mounted the first half
        except OSError:
            pass
        vfs.mount(found, "/rom")
        if "/rom" not in sys.path:
            sys.path.insert(0, "/rom")
        return each
    return half


half, on_trial = 0, False
try:
    half, on_trial = choose()
    half = mount(half)
except (ImportError, AttributeError, TypeError):  # frozen into a build: there are no halves
    pass
del choose, mount
if on_trial:
    import machine

    machine.WDT(timeout=60000)
try:
    from firmware.esp32.start import run

    run(slot=half)
except Exception as why:
    if not on_trial:
        raise
    sys.print_exception(why)
    machine.reset()
