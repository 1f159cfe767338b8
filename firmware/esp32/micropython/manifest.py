"""What is frozen into a unit's own build of MicroPython (docs: reference/manifest): what mounts the flash, and asyncio.

The program itself is not: it runs from the partition `romfs`, where a newer one can take its place.
"""

include("$(MPY_DIR)/extmod/asyncio")  # noqa: F821
module("flashbdev.py", base_path="$(PORT_DIR)/modules", opt=3)  # noqa: F821
module("_boot.py", opt=3)  # noqa: F821
module("mount.py", base_path="..", opt=3)  # noqa: F821
module("nvs.py", base_path="..", opt=3)  # noqa: F821
