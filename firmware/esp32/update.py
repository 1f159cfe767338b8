"""A newer program over the air: hear of it, judge it, fetch it into the other half of the ROM partition, try it.

Nothing of what a broker says is believed but what the release key has signed, and that is looked at before anything is
erased. The half that runs is never touched, nor is the journal. Whether a new program is healthy a record's
acknowledgement tells: it measures, signs, keeps and is heard. This file does not know brokers, flash or the agent.
"""

import asyncio
import hashlib

from micropython import const

from protocol import bundle, p256, topics
from protocol.errors import WitnessError

_PATIENCE_MS = const(10000)  # for one piece
_ASKS = const(60)  # as often in vain as this, for one piece
_ATTEMPTS = const(3)  # in one boot: a broker that gives wrong pieces does not wear out the flash
_LOOK_MS = const(1000)


class Refused(WitnessError):
    """What was offered is not taken."""


class Update:
    """`slots`: see slots.py. `public`: the release key, 65 bytes. `release`: of the program that runs.

    `ask(topic)` is awaited to ask the broker for a topic, `tell(text)` to say what became of an offer.
    """

    def __init__(self, clinic: str, unit: str, slots, public: bytes, release: int, ask, tell):
        self.topic = topics.topic(clinic, unit, "update")
        self._piece_topic = topics.topic(clinic, bundle.ROOM, "")
        self._slots, self._public, self._release = slots, public, release
        self._ask, self._tell = ask, tell
        self._offer = self._taken = b""
        self._piece, self._number = b"", -1
        self._heard = asyncio.Event()
        self._attempts = _ATTEMPTS
        self._is_settled = slots.is_settled()

    def hear(self, topic: str, payload: bytes):
        """Whatever is published to us."""
        if topic == self.topic:
            if payload != self._taken:  # the same is heard again with each connection
                self._offer = payload
                self._heard.set()
        elif topic == self._piece_topic + str(self._number):
            self._piece = payload
            self._heard.set()

    def keep(self):
        """The gateway holds a record of this boot: the program that runs is healthy."""
        if not self._is_settled:
            self._slots.settle()
            self._is_settled = True

    async def run(self, is_idle, reset):
        """Take what is offered, for ever; `reset()` begins the trial when the unit `is_idle()`."""
        while True:
            self._taken = b""
            while not self._offer:
                self._heard.clear()
                await self._heard.wait()
            while not self._is_settled:  # the other half is all that there is to go back to
                await asyncio.sleep_ms(_LOOK_MS)
            self._taken, self._offer = self._offer, b""
            try:
                said = await self._take(self._taken)
            except (WitnessError, OSError) as why:
                await self._tell("update: %s" % why)
                continue
            await self._tell(said)
            while not is_idle():
                await asyncio.sleep_ms(_LOOK_MS)
            reset()

    async def _take(self, octets: bytes) -> str:
        release, length, digest, version, signed, r, s = bundle.read(octets)
        if release == self._release:
            raise Refused("release %d runs" % release)
        if release < self._release or release <= self._slots.tried():
            raise Refused("refused: release %d is not newer than what runs or was tried" % release)
        if not 0 < length <= self._slots.size:
            raise Refused("refused: %d octets have no room in %d" % (length, self._slots.size))
        if not await _slowly(p256.verify_steps(self._public, signed, r, s)):
            raise Refused("refused: release %d is not signed by our release key" % release)
        if self._attempts == 0:
            raise Refused("refused: it came wrong %d times" % _ATTEMPTS)
        self._attempts -= 1
        await self._fetch(length)
        if await self._digest(length) != digest:
            raise Refused("refused: what came is not release %d" % release)
        self._slots.put_on_trial(release)
        return "update: release %d (%s) is fetched" % (release, version)

    async def _fetch(self, length: int):
        self._slots.settle()
        for number in range(bundle.pieces(length)):
            at = number * bundle.PIECE
            piece = await self._piece_of(number)
            if len(piece) != min(bundle.PIECE, length - at):
                raise Refused("refused: piece %d has %d octets" % (number, len(piece)))
            self._slots.write(at, piece)
        self._number = -1

    async def _piece_of(self, number: int) -> bytes:
        self._piece, self._number = b"", number
        for _ in range(_ASKS):
            self._heard.clear()
            try:
                await self._ask(self._piece_topic + str(number))
                while not self._piece:
                    await asyncio.wait_for_ms(self._heard.wait(), _PATIENCE_MS)
                    self._heard.clear()
                return self._piece
            except (OSError, asyncio.TimeoutError):
                await asyncio.sleep_ms(_PATIENCE_MS)
        raise Refused("refused: nobody gives piece %d" % number)

    async def _digest(self, length: int) -> bytes:
        """Of what the other half holds now."""
        hashed, piece = hashlib.sha256(), bytearray(bundle.PIECE)
        for at in range(0, length, bundle.PIECE):
            self._slots.read(at, piece)
            hashed.update(memoryview(piece)[: min(bundle.PIECE, length - at)])
            await asyncio.sleep_ms(0)
        return hashed.digest()


async def _slowly(steps) -> bool:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value
        await asyncio.sleep_ms(0)  # a reading may be due
