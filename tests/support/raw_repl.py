"""Runs under MicroPython: its raw REPL over stdin and stdout, as a board has it, with a flash that outlives the power.

Debian's unix build has no raw REPL, so this speaks its protocol and runs what comes in the real MicroPython, with the real
littlefs mounted at "/" and, if there is an image file for it, a ROM partition whose modules run from /rom.
argv: flash file, ROM file or "-", paste window or 0 for a board that knows no raw-paste mode, journal file or "-".
"""

# mypy: ignore-errors

import io
import sys

import vfs

BLOCK = 4096
BANNER = b"raw REPL; CTRL-B to exit\r\n>"


class Flash:
    """A block device in a file, with VfsLfs2's own face."""

    def __init__(self, path):
        self.file = open(path, "r+b")  # noqa: SIM115
        self.blocks = self.file.seek(0, 2) // BLOCK

    def readblocks(self, block, into, offset=0):
        self.file.seek(block * BLOCK + offset)
        self.file.readinto(into)

    def writeblocks(self, block, body, offset=None):
        if offset is None:
            self.ioctl(6, block)
        self.file.seek(block * BLOCK + (offset or 0))
        self.file.write(body)

    def ioctl(self, what, value):
        if what == 4:
            return self.blocks
        if what == 5:
            return BLOCK
        if what == 6:
            self.file.seek(value * BLOCK)
            self.file.write(b"\xff" * BLOCK)
        if what in (3, 6):
            self.file.flush()
            return 0


class Vfs:
    """The module `vfs` of a board that has a ROM partition, or none."""

    VfsLfs2, VfsRom, umount = vfs.VfsLfs2, vfs.VfsRom, vfs.umount

    @staticmethod
    def mount(what, where, readonly=False):
        vfs.mount(what, where, readonly=readonly)

    @staticmethod
    def rom_ioctl(what, *_):
        return (0 if ROM is None else 1) if what == 1 else ROM


class Esp32:
    """The module `esp32`, as far as its partitions."""

    class Partition:
        TYPE_DATA = 1

        @staticmethod
        def find(kind, label):
            return JOURNAL if label == "journal" else []

    class NVS:
        def __init__(self, room):
            raise OSError(-0x1101)  # ESP_ERR_NVS_NOT_INITIALIZED


class Machine:
    """The module `machine`, whose reset ends this process: the board's power comes back as another."""

    class RTC:
        told = None

        def datetime(self, now):
            Machine.RTC.told = now

    @staticmethod
    def reset():
        sys.stdout.write("\r\nrst:0x1\r\n")
        raise SystemExit(75)


class Board:
    def __init__(self, window):
        self.window, self.raw, self.line = window, False, b""
        self.out, self.inp = sys.stdout.buffer, sys.stdin.buffer

    def serve(self):
        """Until the cable ends. An interrupt that comes between two commands begins a new line, and says nothing."""
        while True:
            byte = self.inp.read(1)
            if not byte:
                return
            self.take(byte)

    def take(self, byte):
        if byte == b"\x01":
            self.raw, self.line = True, b""
            self.out.write(BANNER)
        elif byte == b"\x02":
            self.raw = False
            self.out.write(b"\r\n>>> ")
        elif byte == b"\x03":
            self.line = b""
        elif not self.raw:
            pass
        elif byte == b"\x05" and not self.line:
            self.paste()
        elif byte == b"\x04":
            self.out.write(b"OK")
            line, self.line = self.line, b""
            if not line:
                self.reset_softly()
            else:
                self.run(line)
                self.out.write(b">")
        else:
            self.line += byte

    def paste(self):
        asked = self.inp.read(2)
        if asked != b"A\x01" or not self.window:
            self.out.write(b"R\x00")
            return
        self.out.write(b"R\x01" + bytes((self.window & 0xFF, self.window >> 8)))
        line, room = b"", self.window
        while True:
            byte = self.inp.read(1)
            if byte == b"\x04":
                break
            line += byte
            room -= 1
            if room == 0:
                room = self.window
                self.out.write(b"\x01")
        self.out.write(b"\x04")
        self.run(line)
        self.out.write(b">")

    def run(self, line):
        raised = ""
        try:
            exec(str(line, "utf-8"), NAMES)
        except SystemExit as end:
            raise end
        except BaseException as why:
            said = io.StringIO()
            sys.print_exception(why, said)
            raised = said.getvalue()
        self.out.write(b"\x04")
        self.out.write(raised.replace("\n", "\r\n").encode())
        self.out.write(b"\x04")

    def reset_softly(self):
        for name in list(sys.modules):
            if name not in KEPT:
                del sys.modules[name]
        NAMES.clear()
        NAMES["__name__"] = "__main__"
        mount_rom()
        self.out.write(b"\r\nMPY: soft reboot\r\n" + BANNER)


def mount_root(path):
    device = Flash(path)
    vfs.umount("/")
    try:
        vfs.mount(vfs.VfsLfs2(device), "/")
    except OSError:
        vfs.VfsLfs2.mkfs(device)
        vfs.mount(vfs.VfsLfs2(device), "/")


def mount_rom():
    """As a board does at its start, where what is there is a file system."""
    try:  # noqa: SIM105
        vfs.umount("/rom")
    except OSError:
        pass
    if ROM is not None:
        image = bytearray(ROM.blocks * BLOCK)
        ROM.readblocks(0, image)
        if IMAGES and IMAGES[-1] == image:
            image = IMAGES[-1]
        else:
            IMAGES.append(
                image
            )  # what was imported runs in it, and its names stay for as long as this process
        try:  # noqa: SIM105
            vfs.mount(vfs.VfsRom(memoryview(image)), "/rom")
        except OSError:
            pass


sys.modules["vfs"], sys.modules["machine"], sys.modules["esp32"] = Vfs, Machine, Esp32
JOURNAL = [] if sys.argv[4] == "-" else [Flash(sys.argv[4])]
KEPT = list(sys.modules)
IMAGES = []
NAMES = {"__name__": "__main__"}
ROM = None if sys.argv[2] == "-" else Flash(sys.argv[2])
mount_root(sys.argv[1])
mount_rom()
sys.path[:] = ["", "/rom", "/rom/lib", "/lib"]
BOARD = Board(int(sys.argv[3]))


def wake():
    """What a board does after its file systems are there: its program, then the prompt. From here on it is interrupted."""
    sys.stdout.write("MicroPython on a pty\r\n")
    try:
        with open("/main.py") as main:
            program = main.read()
        if "# in tests" in program:  # the firmware's own wants a board's pins
            exec(program, NAMES)
    except OSError:
        pass
    sys.stdout.write(">>> ")


ahead = [wake, BOARD.serve]
while ahead:
    try:
        ahead[0]()
        ahead.pop(0)
    except KeyboardInterrupt:
        if ahead[0] is wake:
            ahead.pop(0)
            sys.stdout.write("\r\nKeyboardInterrupt\r\n>>> ")
