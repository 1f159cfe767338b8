"""What `serve` keeps running beside the pages: intake from the broker, the time, forwarding. One thread each.

Every thread has its own connection to the ledger and goes on after whatever the surroundings do: what is wrong is
said once when it begins, and once when it has passed.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Sequence
from functools import partial

from sqlite_utils import Database

from gateway import home_assistant, pipeline
from gateway.audit import precheck
from gateway.bootstrap import Book
from gateway.config import Forward, Mqtt
from gateway.errors import SurroundingsError
from gateway.forward.send import District
from gateway.intake import store
from gateway.intake.acknowledge import Acknowledger
from gateway.intake.outcome import Outcome
from gateway.intake.receive import Linked, Message, Receiver
from gateway.ledger import database, outbox, records, units
from protocol import topics
from protocol.errors import RecordError

_IDLE_S = 0.5  # how soon an idle thread sees what another program did to the ledger
_SEALS_S, _SEALS, _BREATH_S = 1.0, 500, 0.01  # how often to look at seals, how many at once, a pause between
_RUSH = 100  # lines in one transaction: so many that whoever can wait should
_SEALS_WAIT = 60  # seconds of rush after which some seals are looked at all the same
_POSTS_S = 1.0  # how often to look whether something came that a post could tell of
_TIME_S = 60  # between two tellings of the time, on the clock shown
_LONGEST_S = 3600  # however slow that clock is
_LEAST_S, _MOST_S = 0.25, 30  # before trying again, doubling

_log = logging.getLogger(__name__)

Trouble = Callable[[str, str], None]  # (Chinese, English); empty when all is well again


class Troubles:
    """What is wrong now, by the part that says so."""

    def __init__(self) -> None:
        self.now: dict[str, str] = {}

    def of(self, part: str) -> Trouble:
        """The function by which `part` says what is wrong with it."""
        return lambda zh, en: self._say(part, f"{zh} · {en}" if zh else "")

    def _say(self, part: str, what: str) -> None:
        if what and self.now.get(part) != what:
            _log.warning("%s: %s", part, what, extra={"facts": {"part": part, "state": "trouble"}})
            self.now[part] = what
        elif not what and part in self.now:
            del self.now[part]
            text = "已恢复 · all is well again"
            _log.info("%s: %s", part, text, extra={"facts": {"part": part, "state": "well"}})


class Service:
    """The threads that a configuration asks for, from `start` to `stop`."""

    def __init__(self, book: Book):
        self.troubles = Troubles()
        self.failed = False
        self._stopping = threading.Event()
        self._stored = threading.Event()
        self._rush = threading.Event()
        self._threads: list[threading.Thread] = []
        self._receiver: Receiver | None = None
        self._add("seals", _Seals(book, self._rush, self.troubles.of("seals")).run)
        if not book.is_district:
            self._add("posts", _Posts(book, self.troubles.of("posts")).run)
        if book.config.mqtt is not None:
            self._add_intake(book, book.config.mqtt)
        if book.config.forward is not None:
            district = District(book.config.forward, book.config.clinic)
            sending = _Forwarding(
                book, book.config.forward, district, self._stored, self.troubles.of("forward")
            )
            self._add("forward", sending.run)

    def start(self) -> None:
        """Starts all threads."""
        for thread in self._threads:
            thread.start()
        if self._receiver is not None:
            self._receiver.start()

    def stop(self) -> None:
        """Ends all threads; a batch that is being stored is finished first."""
        self._stopping.set()
        self._stored.set()
        for thread in self._threads:
            thread.join()
        if self._receiver is not None:
            self._receiver.stop()

    def linked(self) -> dict[str, bool] | None:
        """Which units have a connection, as far as the broker tells; None where there is no broker or it does not answer."""
        return self._receiver.linked() if self._receiver is not None else None

    def _add_intake(self, book: Book, mqtt: Mqtt) -> None:
        receiver = Receiver(mqtt, book.config.clinic, self.troubles.of("mqtt"))
        acknowledger = Acknowledger(book.config.clinic, receiver.publish)
        came = (self._stored, self._rush)
        intake = _Intake(book, receiver, acknowledger, came, self.troubles.of("ledger"))
        self._receiver = receiver
        self._add("intake", intake.run)
        self._add("time", _Time(book, receiver, acknowledger).run)
        if book.config.home_assistant is not None:
            prefix = book.config.home_assistant.prefix
            self._add("home_assistant", _HomeAssistant(book, receiver, prefix).run)

    def _add(self, name: str, run: Callable[[threading.Event], None]) -> None:
        self._threads.append(threading.Thread(target=self._guard, args=(run,), name=name))

    def _guard(self, run: Callable[[threading.Event], None]) -> None:
        """A mistake of ours in one thread ends the process: half a gateway would look like a whole one."""
        try:
            run(self._stopping)
        except BaseException:
            _log.exception("%s", threading.current_thread().name)
            self.failed = True
            os.kill(os.getpid(), signal.SIGTERM)


class _Intake:
    """What the broker brings goes through the pipeline; what is durable is acknowledged to the unit and the broker."""

    def __init__(
        self,
        book: Book,
        receiver: Receiver,
        acknowledger: Acknowledger,
        came: tuple[threading.Event, threading.Event],
        trouble: Trouble,
    ):
        """`came`: what to set when something was stored, and when it was much."""
        self._book = book
        self._receiver = receiver
        self._acknowledger = acknowledger
        self._stored, self._rush = came
        self._trouble = trouble
        self._version = -1

    def run(self, stopping: threading.Event) -> None:
        """Until stopping. A batch that cannot be stored is tried again and again; nothing of it is acknowledged."""
        with self._book.ledger() as db:
            while not stopping.is_set():
                handle = partial(self._handle, db, self._receiver.take(_IDLE_S))
                _patiently(handle, self._trouble, stopping)

    def _handle(self, db: Database, taken: Sequence[Message | Linked]) -> None:
        messages = [each for each in taken if isinstance(each, Message)]
        for message in messages:
            if message.what == "ack":
                self._compare(db, message)
        for again in (True, False):
            self._take_in(db, [each for each in messages if each.what == "record" and each.again is again])
        if len(messages) < len(taken):
            self._greet(db)
        self._tell_changes(db)

    def _take_in(self, db: Database, messages: Sequence[Message]) -> None:
        arrivals = [each for message in messages for each in message.arrivals(self._book.config.clinic)]
        if arrivals:
            now_ms, fresh = self._book.clock.now_ms(), not messages[0].again
            how = {"sent_by_unit": fresh, "by_heads": True}
            pipeline.take_in(db, arrivals, "mqtt", now_ms, **how, acknowledge=self._acknowledge)
            self._stored.set()
            if len(arrivals) >= _RUSH:
                self._rush.set()
        self._receiver.done(messages)

    def _acknowledge(self, outcome: Outcome) -> None:
        self._acknowledger.acknowledge(outcome.heads)

    def _greet(self, db: Database) -> None:
        """A new connection: everybody is told the time and where they stand."""
        self._receiver.forget_acks()
        self._acknowledger.tell_time(self._book.clock.now_ms(), outbox.checkpoint(db))
        self._acknowledger.catch_up(_in_use(db), records.begun_heads(db), all_again=True)

    def _tell_changes(self, db: Database) -> None:
        """What another program did, `take-in` or `unit add`, units learn as well."""
        version = database.version(db)
        if version != self._version and self._receiver.is_linked():
            self._version = version
            self._acknowledger.catch_up(_in_use(db), records.begun_heads(db))

    def _compare(self, db: Database, message: Message) -> None:
        """What the broker retained as acknowledged, against what we hold."""
        try:
            us, _ = topics.read_ack(message.payload)
        except RecordError:
            return
        head = records.heads(db).get(message.unit)
        if us > (head.us if head else 0) and message.unit in units.units(db):
            store.note_lowered(db, message.unit, us, self._book.clock.now_ms())


class _Seals:
    """Looks at the seals that intake took on the word of a later one."""

    def __init__(self, book: Book, rush: threading.Event, trouble: Trouble):
        self._book = book
        self._rush = rush
        self._trouble = trouble

    def run(self, stopping: threading.Event) -> None:
        """Until stopping. While much comes in it waits, though not for ever: a seal may wait, a unit should not."""
        waited = 0
        with self._book.ledger() as db:
            while not stopping.wait(_SEALS_S):
                waited = waited + 1 if self._rush.is_set() else 0
                self._rush.clear()
                if waited % _SEALS_WAIT == 0:
                    _patiently(partial(self._look, db, stopping), self._trouble, stopping)

    def _look(self, db: Database, stopping: threading.Event) -> None:
        while pipeline.look_at_seals(db, self._book.clock.now_ms(), _SEALS):
            if self._rush.is_set() or stopping.wait(_BREATH_S):
                return


class _Posts:
    """Records the treatments that posts tell of: when something came, and once a minute, since ends are forgotten."""

    def __init__(self, book: Book, trouble: Trouble):
        self._book = book
        self._trouble = trouble
        self._seen = (-1, -1)

    def run(self, stopping: threading.Event) -> None:
        """Until stopping."""
        with self._book.ledger() as db:
            while not stopping.wait(_POSTS_S):
                _patiently(partial(self._look, db), self._trouble, stopping)

    def _look(self, db: Database) -> None:
        now_ms = self._book.clock.now_ms()
        seen = (database.version(db), now_ms // (_TIME_S * 1000))
        if seen != self._seen:
            pipeline.record_posts(db, self._book.config, now_ms)
            self._seen = seen


class _Time:
    """Tells the units the time once a minute of the clock shown."""

    def __init__(self, book: Book, receiver: Receiver, acknowledger: Acknowledger):
        self._book = book
        self._receiver = receiver
        self._acknowledger = acknowledger

    def run(self, stopping: threading.Event) -> None:
        """Until stopping."""
        pause_s = min(max(self._book.clock.real_s(_TIME_S), _LEAST_S), _LONGEST_S)
        with self._book.ledger() as db:
            while not stopping.wait(pause_s):
                if self._receiver.is_linked():
                    self._acknowledger.tell_time(self._book.clock.now_ms(), outbox.checkpoint(db))


class _HomeAssistant:
    """Tells Home Assistant what each unit's device is doing, by the broker: what changed, and all of it after a new link."""

    def __init__(self, book: Book, receiver: Receiver, prefix: str):
        self._book = book
        self._receiver = receiver
        self._prefix = prefix
        self._told: dict[str, bytes] = {}

    def run(self, stopping: threading.Event) -> None:
        """Until stopping."""
        with self._book.ledger() as db:
            while not stopping.wait(_POSTS_S):
                if self._receiver.is_linked():
                    self._tell(db)
                else:
                    self._told.clear()

    def _tell(self, db: Database) -> None:
        clinic = self._book.config.clinic
        now = precheck.devices_now(db, clinic, {}, self._book.clock.now_ms())
        of_units = [each for each in now if each.place.unit]
        told = home_assistant.announcements(of_units, clinic, self._prefix)
        for topic, payload in [*told, *home_assistant.states(of_units, clinic)]:
            if self._told.get(topic) != payload:
                self._receiver.publish(topic, payload, retain=True)
                self._told[topic] = payload


class _Forwarding:
    """Sends the district what it does not hold, and hears from it once a minute at least."""

    def __init__(
        self, book: Book, forward: Forward, district: District, stored: threading.Event, trouble: Trouble
    ):
        self._book = book
        self._destination = forward.url
        self._district = district
        self._stored = stored
        self._trouble = trouble
        self._pause_s = max(min(book.clock.real_s(_TIME_S), _TIME_S), 1.0)

    def run(self, stopping: threading.Event) -> None:
        """Until stopping. What the district does not answer to is sent again, with growing pauses."""
        with self._book.ledger() as db:
            while not stopping.is_set():
                self._stored.clear()
                _patiently(partial(self._send_all, db, stopping), self._trouble, stopping)
                self._wait(db)
        self._district.close()

    def _send_all(self, db: Database, stopping: threading.Event) -> None:
        more = True
        while more and not stopping.is_set():
            more = pipeline.send_on(db, self._destination, self._district, self._book.clock.now_ms())

    def _wait(self, db: Database) -> None:
        """Until something was stored, here or by another program, but not for ever."""
        sent = outbox.forwarded(db, self._destination).position
        waited_s = 0.0
        while waited_s < self._pause_s and outbox.last_position(db) <= sent:
            if self._stored.wait(_IDLE_S):
                return
            waited_s += _IDLE_S


def _in_use(db: Database) -> list[str]:
    return [name for name, unit in units.units(db).items() if unit.retired_ms is None]


def _patiently(act: Callable[[], None], trouble: Trouble, stopping: threading.Event) -> None:
    """Tries until the surroundings let it succeed, or we are stopping."""
    pause_s = _LEAST_S
    while True:
        try:
            act()
        except SurroundingsError as error:
            trouble(error.zh, error.en)
        else:
            trouble("", "")
            return
        if stopping.wait(pause_s):
            return
        pause_s = min(pause_s * 2, _MOST_S)
