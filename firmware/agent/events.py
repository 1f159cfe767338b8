"""What an agent hears and what it asks for. This file does not know who decides or who does.

Every `mono_ms` is milliseconds since boot, every `at_ms` milliseconds since 1970 UTC, every power milliwatts.
"""

from collections import namedtuple

# --- heard ----------------------------------------------------------------------------------------------------------

# The first event of a boot. `boot` is 16 hex digits never used before, `cause` upper case. `at_ms` is what the clock
# says, None where nobody knows; `synchronised` whether somebody vouches for it. `room` is False when storage is full.
Booted = namedtuple("Booted", ("mono_ms", "boot", "cause", "at_ms", "synchronised", "room"))
Reading = namedtuple("Reading", ("mono_ms", "power_mw"))
Tick = namedtuple("Tick", ("mono_ms",))
# A clock was read (`at_ms`, or None), a district's checkpoint was heard (`checkpoint`, or None), or both.
Time = namedtuple("Time", ("mono_ms", "at_ms", "synchronised", "checkpoint"))
# The gateway holds all records up to `us`, whose payload it says has digest `up`. `own` is the digest that the
# journal has for that record, None where it has none.
AckHeard = namedtuple("AckHeard", ("mono_ms", "us", "up", "own"))
Kept = namedtuple("Kept", ("mono_ms", "us"))  # every record up to `us` is durable
Forgotten = namedtuple("Forgotten", ("mono_ms", "first_us"))  # the oldest record that is still kept
Linked = namedtuple("Linked", ("mono_ms",))
Unlinked = namedtuple("Unlinked", ("mono_ms",))
Tagged = namedtuple("Tagged", ("mono_ms", "tag"))  # 64 hex digits: the HMAC of a token, never the token
CaseOpened = namedtuple("CaseOpened", ("mono_ms",))
StorageFull = namedtuple("StorageFull", ("mono_ms",))  # what is left is the reserve
StorageFreed = namedtuple("StorageFreed", ("mono_ms",))
Finished = namedtuple("Finished", ("mono_ms",))  # no reading will ever follow: the end of a recording
Stopping = namedtuple("Stopping", ("mono_ms",))  # the program is asked to end; the unit is not

# --- asked for ------------------------------------------------------------------------------------------------------

# Seal the payload, keep it durably together with the memory text, then say Kept; only then may it leave.
Emit = namedtuple("Emit", ("us", "payload", "memory"))
Checkpoint = namedtuple("Checkpoint", ("memory",))  # keep the memory text durably
Acked = namedtuple("Acked", ("us",))  # note it: records up to `us` may be forgotten when space is needed
Send = namedtuple("Send", ("from_us", "until_us"))  # publish these kept records, in order
Note = namedtuple("Note", ("code", "text"))  # for a log; no record speaks of it
