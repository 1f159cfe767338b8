"""A unit put together on a board, and what happens when it cannot be: it says why, and waits for the cable.

Everything that is not ours is handed in as `world`: on a board that of world.py, in tests another of the same face.
"""

import asyncio
import gc
import sys

from micropython import const

from firmware import RELEASE, VERSION
from firmware.agent import panel
from firmware.agent.config import ConfigError
from firmware.esp32 import clock, link, unit, wifi
from firmware.esp32.flash import JournalFlash
from hardware.drivers.contact import CaseSwitch
from hardware.ports import esp32
from hardware.ports.meter import MeterPort, NoMeter
from protocol.errors import WitnessError

_WATCHDOG_MS = const(60000)  # longer than anything that a healthy unit does without a pause
_CABLE_MS = const(3600000)  # somebody stopped the program over the cable
_PAUSE_MS = const(5000)
_COLLECT = const(8192)  # bytes between two collections: more often costs time, more seldom leaves small holes
_DRIVERS = {  # kind: (class, baud on a UART or None on I2C)
    "pzem004t_v3": ("Pzem004tV3", 9600),
    "bl0942": ("Bl0942", 4800),
    "ina226": ("Ina226", None),
}
_MORE = ("address", "shunt_uohm", "step_ua")  # what a driver may be told; on I2C the address is the port's
_CAUSES = ("PWRON_RESET", "HARD_RESET", "WDT_RESET", "DEEPSLEEP_RESET", "SOFT_RESET")
_SAID = ("POWER_ON", "HARD", "WATCHDOG", "DEEPSLEEP", "SOFT")


class Hands:
    """What a unit touches, and what touches it."""

    def __init__(self, machine, board, told):
        self.port = NoMeter()
        if told.meter["kind"] in _DRIVERS:
            self.port = MeterPort(_meter(machine, board, told.meter), told.meter["every_ms"])
        self.case, self.case_contact = CaseSwitch(), esp32.Contact(machine, board.CASE)
        self.button = esp32.Button(machine, board.BUTTON)
        light = esp32.Light(machine, board.LED, board.LED_ACTIVE)
        self.panel = panel.Panel(light, esp32.Light(machine, board.BUZZER))
        self.reader = _reader(machine, board, told.reader)
        self.watchdog = None


def run(world=None, slot: int = 0):
    """Start the unit and keep it going, until somebody interrupts it over the cable. `slot`: see slots.py."""
    world = _board() if world is None else world
    is_watched = False
    try:
        try:
            unit_and_more = put_together(world, *read_told(world), slot=slot)
        except (WitnessError, OSError) as why:
            asyncio.run(wait_for_cable(world, why))
        is_watched = True
        asyncio.run(work(world, *unit_and_more))
    except KeyboardInterrupt:
        if is_watched:
            world.machine.WDT(timeout=_CABLE_MS)
        world.tell("stopped over the cable: reset the board when done; a watchdog would do it in an hour")
    except Exception as why:  # nothing that we know: begin again in a minute
        world.machine.WDT(timeout=_WATCHDOG_MS)
        sys.print_exception(why)


def _board():
    from firmware.esp32.world import World

    return World()


def read_told(world) -> tuple:
    """(settings, secret key, public key) of the flash; ConfigError or IdentityError says what is wrong with either."""
    from firmware.esp32 import identity

    folder = world.folder
    told, secret = _settings(world), identity.secret(folder)
    files = [told.mqtt[each].lstrip("/") for each in ("ca", "cert", "key") if told.mqtt[each]]
    world.mend(files)
    world.copy(files)
    return told, secret, identity.public_hex(folder)


def _settings(world):
    """What unit.json says; where it cannot be used, what the copy of the one before says."""
    from firmware.esp32 import settings

    raw, copy = b"", world.copied("unit.json")
    try:
        raw = _file(world.folder, "unit.json")
        return settings.read(raw, VERSION)
    except OSError:
        why = ConfigError("unit.json", "must be on the flash: provision the unit", None)
    except ConfigError as error:
        why = error
    if copy in (b"", raw):
        raise why
    told = settings.read(copy, VERSION)
    world.tell("not used: %s; the unit goes on with the settings before" % why)
    return told


def put_together(world, told, secret: bytes, public_hex: str, slot: int = 0) -> tuple:
    """(unit, what runs besides) of one boot, which is told, with the watchdog on. ConfigError for what this firmware or
    this flash does not have."""
    hands = Hands(world.machine, _module("hardware.boards.", told.board, "board"), told)
    open_stream = _opener(world.folder, told.mqtt)
    radio = wifi.Wifi(world.network, told.wifi["ssid"], told.wifi["password"])
    now = clock.Clock(world.time, world.machine.RTC())

    async def find(host):
        if all(each in "0123456789." for each in host):
            return host
        from firmware.esp32 import names

        return await names.address(host, radio.server())

    way = link.Link(told.clinic, told.unit, told.mqtt, radio, open_stream, find)
    apart = world.apart(public_hex)
    try:
        files = JournalFlash(world.journal, told.journal_bytes, apart)
    except OSError as why:
        world.begin(why)
        files = JournalFlash(world.journal, told.journal_bytes, apart)
    made = unit.Unit(told, secret, files, now, hands, way, world.tell)
    besides = [lambda: way.run(made), made.show]
    if told.ntp:
        ask = _asker(told.ntp, find, now.mono_ms)
        besides.append(lambda: made.ask_time(ask))
    slots = world.slots(slot) if told.release_key else None
    if slots is not None:
        besides.append(_updating(world, told, slots, made, way))
    forget("settings", "identity", "mount")
    hands.watchdog = world.machine.WDT(timeout=_WATCHDOG_MS)
    made.boot(_cause(world.machine))
    return made, besides


def _updating(world, told, slots, made, way):
    """What takes a newer program over the air."""
    from firmware.esp32 import update

    async def tell(text):
        world.tell(text)
        try:
            await way.tell(text)
        except (OSError, asyncio.TimeoutError):
            pass  # whoever asks is told again

    made.update = way.update = update.Update(
        told.clinic, told.unit, slots, told.release_key, RELEASE, way.ask, tell
    )
    return lambda: made.update.run(made.is_idle, world.machine.reset)


def forget(*names):
    """Give back the heap of modules that are of no more use; nothing of them may be held."""
    room = sys.modules["firmware.esp32"]
    for name in names:
        if sys.modules.pop("firmware.esp32." + name, None) is not None:
            delattr(room, name)
    gc.collect()


async def work(world, made, besides):
    """Run all tasks. Measuring and keeping may not end: if one does, so does this, and the watchdog bites.

    What stands besides (network, light) is begun again, whatever becomes of it.
    """
    gc.threshold(_COLLECT)
    ended = asyncio.Event()
    tasks = [asyncio.create_task(_again(each, world.tell)) for each in besides]
    for each in (made.measure, made.keep):
        tasks.append(asyncio.create_task(_only_once(each, ended, world.tell)))
    await ended.wait()


async def _again(work, tell):
    while True:
        try:
            await work()
        except Exception as why:
            tell("begun again after %s: %s" % (type(why).__name__, why))
        gc.collect()
        await asyncio.sleep_ms(_PAUSE_MS)


async def _only_once(work, ended, tell):
    try:
        await work()
    except Exception as why:
        tell("ended by %s: %s" % (type(why).__name__, why))
        sys.print_exception(why)
    ended.set()


async def wait_for_cable(world, why):
    """Blink, and say over the cable why the unit does not measure. There is no watchdog: nothing would be better after."""
    board = _module("hardware.boards.", "esp32_devkitc_v4", "board")  # unit.json cannot tell which it is
    shown = panel.Panel(
        esp32.Light(world.machine, board.LED, board.LED_ACTIVE), esp32.Light(world.machine, None)
    )
    mono_ms = 0
    while True:
        if mono_ms % 10000 == 0:
            world.tell("not provisioned: %s: %s" % (type(why).__name__, why))
        shown.step(mono_ms, "PROVISION")
        await asyncio.sleep_ms(100)
        mono_ms += 100


def _meter(machine, board, table: dict):
    name, baud = _DRIVERS[table["kind"]]
    if baud is None:
        wire = esp32.I2cPort(machine, board.I2C, board.SDA, board.SCL, table["address"])
    else:
        wire = esp32.SerialPort(machine, board.METER_UART, board.METER_TX, board.METER_RX, baud)
    more = {each: table[each] for each in _MORE if each in table and (baud is not None or each != "address")}
    return getattr(_module("hardware.drivers.", table["kind"], "meter.kind"), name)(wire, **more)


def _reader(machine, board, kind: str):
    if not kind:
        return None
    if board.READER_UART is None:
        raise ConfigError("reader", "must be '': this board has no port for one", kind)
    driver = _module("hardware.drivers.", kind, "reader")
    if not hasattr(driver, "Reader"):
        raise ConfigError("reader", "must name a reader of hardware/drivers", kind)
    wire = esp32.SerialPort(machine, board.READER_UART, board.READER_TX, board.READER_RX, driver.BAUD)
    return driver.Reader(wire)


def _module(room: str, name: str, field: str):
    try:
        return __import__(room + name, None, None, ("",))
    except ImportError:
        raise ConfigError(field, "must name what this firmware has", name)


def _asker(host: str, find, mono_ms):
    from firmware.esp32 import ntp

    async def ask():
        return await ntp.ask(await find(host), mono_ms)

    return ask


def _opener(folder: str, mqtt: dict):
    """What opens a stream to the broker, with TLS where a CA is given. OSError where a file of it is missing."""
    secured = _secured(folder, mqtt) if mqtt["ca"] else None

    async def open_stream(address, port):
        if secured is None:
            return (await asyncio.open_connection(address, port))[0]
        return (await asyncio.open_connection(address, port, ssl=secured, server_hostname=mqtt["name"]))[0]

    return open_stream


def _secured(folder: str, mqtt: dict):
    import tls

    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    context.verify_mode = tls.CERT_REQUIRED
    try:
        context.load_verify_locations(_file(folder, mqtt["ca"]))
        if mqtt["cert"]:
            context.load_cert_chain(_file(folder, mqtt["cert"]), _file(folder, mqtt["key"]))
    except (OSError, ValueError) as why:
        raise ConfigError(
            "mqtt.ca", "and cert and key must be files on the flash, DER or PEM (%s)" % why, mqtt["ca"]
        )
    return context


def _file(folder: str, name: str) -> bytes:
    with open(folder.rstrip("/") + "/" + name.lstrip("/"), "rb") as file:
        return file.read()


def _cause(machine) -> str:
    """What the reset was, as a BOOT tells it."""
    cause = machine.reset_cause()
    for name, said in zip(_CAUSES, _SAID):
        if getattr(machine, name, None) == cause:
            return said
    return "UNKNOWN"
