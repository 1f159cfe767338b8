"""What `provision` asks a board to run, in its own MicroPython. What is printed is the answer."""

from __future__ import annotations

KEY = "import firmware.esp32.identity as identity\nprint(identity.public_hex())"
SETTINGS = """\
from firmware import VERSION
from firmware.esp32 import settings
with open('/unit.json', 'rb') as file:
    print(settings.read(file.read(), VERSION).unit)
"""
FIRST_HALF = """\
try:
    import esp32
    kept = esp32.NVS('wattwitness')
    kept.set_i32('slot', kept.get_i32('slot') & ~7)
    kept.commit()
except (ImportError, OSError):
    pass
"""  # firmware/esp32/slots.py: over the air the other half may have come to run
NO_COPY = """\
try:
    import binascii, esp32, hashlib
    kept = esp32.NVS('wattwitness')
    kept.erase_key(str(binascii.hexlify(hashlib.sha256(b'main.py').digest()[:7]), 'ascii'))
    kept.commit()
except (ImportError, OSError):
    pass
"""  # firmware/esp32/micropython/_boot.py would put it back
JOURNALS = """\
try:
    from esp32 import Partition
    print(len(Partition.find(Partition.TYPE_DATA, label='journal')))
except ImportError:
    print(0)
"""  # firmware/esp32/world.py
