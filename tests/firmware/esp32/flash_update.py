"""A board with two programs: what /main.py runs after a power cut at every operation. Runs under MicroPython.

`files` holds the images old, new, raises, hangs, none; each image's program says its name to `Board.ran`.
"""

# ruff: noqa: SIM105, B905 (MicroPython)

import asyncio
import gc
import sys

import vfs as real_vfs

from firmware.esp32.slots import Slots
from firmware.esp32.update import Update
from protocol import bundle, p256
from tests.firmware.esp32.flash_device import outside
from tests.firmware.esp32.flash_torn import BLOCK, erase, program, torn_erases, torn_programs

SECRET = bytes(31) + b"\x05"
PUBLIC = p256.public_key(SECRET)
BLOCKS = 4
MAIN = open("firmware/esp32/main.py").read()  # noqa: SIM115
PURSE = ("firmware", "firmware.esp32", "firmware.esp32.start")


class Reset(BaseException):
    """The board began anew."""


class Rom(bytearray):
    """A partition, whose operations are metered as those of flash_device.Nor."""

    meter = None

    def readblocks(self, block, buffer, offset=0):
        at = block * BLOCK + offset
        buffer[:] = memoryview(self)[at : at + len(buffer)]

    def writeblocks(self, block, buffer, offset):
        at = block * BLOCK + offset
        if self.meter is not None:
            self.meter(torn_programs(at, bytes(buffer)))
        program(self, at, buffer)

    def ioctl(self, what, block):
        if what == 4:
            return len(self) // BLOCK
        if what == 6:
            if self.meter is not None:
                self.meter(torn_erases(block * BLOCK))
            erase(self, block * BLOCK, BLOCK)
        return BLOCK


class Nvs:
    """esp32.NVS: what is committed is durable, the old number or the new one."""

    meter = None

    def __init__(self, numbers):
        self.numbers, self.coming = numbers, {}

    def get_i32(self, name):
        if name not in self.numbers:
            raise OSError(-0x1102)
        return self.numbers[name]

    def set_i32(self, name, number):
        self.coming[name] = number

    def commit(self):
        if self.meter is not None:
            self.meter([lambda rom: None, None])  # None: the power fails right after
        self.numbers.update(self.coming)


class Module:
    """Stands for one that only an ESP32 has."""


class Board:
    """A partition, its NVS, and the start-up of a stock board."""

    def __init__(self, image, numbers):
        self.rom, self.nvs = Rom(image), Nvs(dict(numbers))
        self.ran = []
        self.watchdogs = 0

    def boot(self) -> int:
        """Which half /main.py ran, or -1 where it raised into the prompt; what ran is the last of `ran`."""
        running = outside(
            len(self.rom)
        )  # and stays there: the interpreter goes on pointing to what it ran in place
        running[:] = memoryview(self.rom)
        self._fake(running)
        before = {name: sys.modules.pop(name) for name in PURSE if name in sys.modules}
        self.half = -1
        try:
            real_vfs.mount(real_vfs.VfsRom(memoryview(running)), "/rom")
        except OSError:
            pass  # as a stock start-up does: protected
        try:
            exec(MAIN, {"__name__": "__main__"})
        except SystemExit:
            self.ran.append("Hung")
        except Reset:
            self.ran.append("Reset")
        finally:
            for name in PURSE:
                sys.modules.pop(name, None)
            sys.modules.update(before)
            try:
                real_vfs.umount("/rom")
            except OSError:
                pass
            gc.collect()
        return self.half

    def _fake(self, rom):
        esp32, vfs, machine, told = Module(), Module(), Module(), Module()
        esp32.NVS = lambda room: self.nvs
        vfs.rom_ioctl = lambda what, segment=0: rom if what == 2 else 1
        vfs.VfsRom, vfs.mount, vfs.umount = real_vfs.VfsRom, real_vfs.mount, real_vfs.umount
        machine.WDT, machine.reset = self._watch, self._reset
        told.say = self._said
        for name, module in (("esp32", esp32), ("vfs", vfs), ("machine", machine), ("told", told)):
            sys.modules[name] = module

    def _watch(self, timeout):
        self.watchdogs += 1

    def _reset(self):
        raise Reset

    def _said(self, what, slot):
        self.ran.append(what)
        self.half = slot

    # --- the program that runs there, as far as updates go ---

    def update(self, release=1) -> Update:
        self.said = []

        async def tell(text):
            self.said.append(text)

        async def ask(topic):
            self.asked = topic
            number = int(topic.split("/")[-1])
            piece = self.pieces(number)
            if piece:
                made.hear(topic, piece)

        slots = Slots(self.rom, self.nvs, self.half)
        made = Update("C1", "U1", slots, PUBLIC, release, ask, tell)
        return made

    def take(self, offer, image, release=1, pieces=None):
        """The program hears an offer; whether it reset for a trial."""
        self.pieces = pieces or (lambda number: image[number * bundle.PIECE : (number + 1) * bundle.PIECE])
        made = self.update(release)
        made.hear(made.topic, offer)
        return asyncio.run(self._until_said(made))

    async def _until_said(self, made):
        task = asyncio.create_task(made.run(lambda: True, self._reset_now))
        self.was_reset = False
        for _ in range(100000):
            if self.was_reset or (self.said and not self.said[-1].endswith("is fetched")):
                break
            await asyncio.sleep_ms(0)
        task.cancel()
        return self.was_reset

    def _reset_now(self):
        self.was_reset = True


def signed(image, release=2, secret=SECRET):
    told = bundle.describe(release, "0.2.0", image)
    r, s = p256.sign(secret, told)
    return bundle.offer(told, r, s)


def read(folder, name):
    with open(folder + "/" + name, "rb") as file:
        return file.read()


def blank(image):
    """A board that was provisioned with `image`, before any update."""
    rom = bytearray(b"\xff" * (BLOCKS * BLOCK))
    rom[: len(image)] = image
    return Board(rom, {})


class Cutter:
    """Plays download, trial and settling once; then from every cut at each operation a board is booted."""

    def __init__(self, folder):
        self.old, self.new = read(folder, "old"), read(folder, "new")
        self.offer = signed(self.new)
        self.board = blank(self.old)
        self.moments: list = []  # before each operation: partition, note, note that was coming, ways to be cut
        self.cuts = 0
        self.found = {"old": 0, "new": 0}

    def run(self):
        board = self.board
        assert board.boot() == 0
        board.rom.meter = board.nvs.meter = self.meter
        assert board.take(self.offer, self.new)
        assert board.boot() == 1 and board.ran[-1] == "new"
        board.update(2).keep()
        board.rom.meter = board.nvs.meter = None
        assert board.boot() == 1 and board.ran == ["old", "new", "new"] and board.watchdogs == 1
        for moment in self.moments:
            for tear in moment[3]:
                self.cut(moment, tear)
        print("OPERATIONS", len(self.moments), "CUTS", self.cuts, self.found["old"], self.found["new"])

    def meter(self, tears):
        board = self.board
        self.moments.append((bytes(board.rom), dict(board.nvs.numbers), dict(board.nvs.coming), tears))

    def cut(self, moment, tear):
        self.cuts += 1
        image, numbers, coming, _ = moment
        after = Board(image, coming if tear is None else numbers)
        if tear is not None:
            tear(after.rom)
        half = after.boot()
        which = after.ran[-1]
        assert which in self.found and half >= 0, (self.cuts, after.ran)
        self.found[which] += 1
        if which == "old":
            assert after.take(self.offer, self.new), (self.cuts, after.said)
            assert after.boot() >= 0 and after.ran[-1] == "new"
        after.update(2).keep()
        for _ in range(4):
            after.boot()
        assert after.ran[-4:] == ["new"] * 4, "settled for good"


class Counted:
    """How often a board's partition was erased."""

    def __init__(self, board):
        self.erases = 0
        board.rom.meter = self.meter

    def meter(self, tears):
        self.erases += 1


def refusals(folder):
    """What a unit says to offers that are none; nothing is erased for them."""
    old, new = read(folder, "old"), read(folder, "new")
    board = blank(old)
    board.boot()
    counted = Counted(board)
    offer = signed(new)
    for each in (
        b"noise",
        offer[:-1],
        offer[:44] + b"9" + offer[45:],
        offer[:-1] + bytes([offer[-1] ^ 1]),
        signed(new, secret=bytes(31) + b"\x06"),
        signed(new, 1),
        signed(new, 99999999 + 1),
        signed(bytes(3 * BLOCK)),
    ):
        assert not board.take(each, new)
        print(board.said[-1])
    assert not board.take(offer, new, release=3)
    print(board.said[-1])
    assert counted.erases == 0 and board.boot() == 0 and board.ran[-1] == "old"


def wrong_pieces(folder):
    """The offer is signed, the pieces are others: three times in a boot, then nothing is erased any more."""
    old, new = read(folder, "old"), read(folder, "new")
    board = blank(old)
    board.boot()
    for pieces in (lambda number: old[number * 512 : (number + 1) * 512], lambda number: new[:100]):
        assert not board.take(signed(new), new, pieces=pieces)
        print(board.said[-1])
    counted = Counted(board)
    print(asyncio.run(four_times(board, signed(new), new)))
    assert board.boot() == 0 and board.ran[-1] == "old"
    assert 0 < counted.erases <= 3 * 13


async def four_times(board, offer, new):
    board.pieces = lambda number: b"#" * 512 if number < 10 else b"#" * (len(new) - 5120)
    made = board.update()
    task = asyncio.create_task(made.run(lambda: True, board._reset_now))
    board.was_reset = False
    for count in range(1, 5):
        while len(board.said) < count:
            if made._offer == made._taken == b"":
                made.hear(made.topic, offer)
            await asyncio.sleep_ms(0)
    task.cancel()
    return board.said[-1]


def goes_back(folder, name):
    """A program that is not healthy is tried three times; then the old one runs, and takes no such release again."""
    old, bad, new = [read(folder, each) for each in ("old", name, "new")]
    board = blank(old)
    board.boot()
    assert board.take(signed(bad, 2), bad)
    for _ in range(6):
        board.boot()
    print(board.ran)
    assert board.watchdogs == 3
    assert not board.take(signed(bad, 2), bad)
    print(board.said[-1])
    assert board.take(signed(new, 3), new)
    assert board.boot() == 1 and board.ran[-1] == "new"
    made = board.update(3)
    before = bytes(board.rom)
    board.pieces = lambda number: bad[number * 512 : (number + 1) * 512]
    made.hear(made.topic, signed(bad, 4))
    asyncio.run(for_a_while(made, board))
    assert board.rom == before and board.said == [], "the other half is all there is to go back to"
    made.keep()
    assert [board.boot() for _ in range(4)] == [1] * 4
    assert board.take(signed(old, 4), old, release=3) and board.boot() == 0


async def for_a_while(made, board):
    task = asyncio.create_task(made.run(lambda: True, board._reset_now))
    for _ in range(50):
        await asyncio.sleep_ms(0)
    task.cancel()


def dies_alone(folder):
    """The half that is settled no longer holds a program: the other one runs."""
    old, new = read(folder, "old"), read(folder, "new")
    board = blank(old)
    board.boot()
    assert board.take(signed(new), new) and board.boot() == 1
    board.update(2).keep()
    board.rom[len(board.rom) // 2] = 0
    print(board.boot(), board.ran[-1])


def halves(folder):
    """What the board itself gives a program for its halves, with a ROM partition and without one."""
    from firmware.esp32.world import World

    board = blank(read(folder, "old"))
    board.boot()
    sys.modules["vfs"].rom_ioctl = lambda what, segment=0: board.rom if what == 2 else 1
    slots = World.slots(None, 1)
    print(slots.size, slots.tried(), slots.is_settled())
    sys.modules["vfs"].rom_ioctl = lambda *_: -22
    print(World.slots(None, 0))


def frozen():
    """A board without a ROM partition, whose program is frozen."""
    for name in ("esp32", "vfs"):
        sys.modules[name] = Module()
    start = Module()
    start.run = lambda slot: print("runs", slot)
    for name, module in zip(PURSE, (Module(), Module(), start)):
        sys.modules[name] = module
    exec(MAIN, {"__name__": "__main__"})
