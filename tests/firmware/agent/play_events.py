"""Plays a file of events to an agent and prints what it asks for. Runs under both interpreters."""

from firmware.agent import events, journal
from firmware.agent.agent import Agent
from firmware.agent.config import Config

CONFIG = {
    "unit": "U1",
    "version": "0.1.0",
    "meter": {"maker": "bench", "model": "events", "serial": "U1", "version": "1"},
    "profile": {"on_mw": 40000, "off_mw": 25000, "least_mw": 60000, "most_mw": 700000},
}


class Player:
    """A unit with a journal in memory; `now_ms` is the world's time."""

    def __init__(self):
        self.config = Config(CONFIG)
        self.now_ms = self.boot_ms = self.boots = 0
        self.journal = []
        self.digest = "0" * 64
        self.digests = {0: "0" * 64}

    def feed(self, event):
        kept = None
        for action in self.agent.feed(event):
            print(action)
            if type(action) is events.Emit:
                line = "OCMF|" + action.payload + "|seal"
                self.digest = self.digests[action.us] = journal.digest_of(line)
                self.journal.append(journal.record(action.memory, line, self.digest))
                kept = action.us
            elif type(action) is events.Checkpoint:
                self.journal.append(journal.checkpoint(action.memory, self.digest))
            elif type(action) is events.Acked:
                self.journal.append(journal.acknowledged(action.us))
        if kept is not None:
            self.feed(events.Kept(event.mono_ms, kept))

    def mono(self):
        return self.now_ms - self.boot_ms

    def boot(self, at, synchronised):
        woken = journal.recover(self.journal)
        self.boots += 1
        self.boot_ms, self.digest = self.now_ms, woken.digest
        self.agent = Agent(self.config, woken)
        at_ms = None if at == "-" else int(at)
        self.feed(events.Booted(0, f"{self.boots:016x}", "POWER_ON", at_ms, synchronised == "yes", True))

    def wait(self, ms):
        self.now_ms += ms
        while self.agent.due_ms < self.mono():
            self.feed(events.Tick(self.agent.due_ms))

    def watch(self, watts, seconds, every_s):
        whole, _, tenth = watts.partition(".")
        for _ in range(0, int(seconds), int(every_s)):
            self.feed(events.Reading(self.mono(), int(whole) * 1000 + int(tenth or "0") * 100))
            self.wait(int(every_s) * 1000)

    def ack(self, us, which):
        own = self.digests.get(int(us))
        up = own if which == "right" else "ab" * 32
        self.feed(events.AckHeard(self.mono(), int(us), up, own))

    def play(self, words):
        what = words[0]
        if what == "boot":
            self.boot(words[1], words[2])
        elif what == "watch":
            self.watch(words[1], words[2], words[3])
        elif what == "wait":
            self.wait(int(words[1]) * 1000)
        elif what == "cut":
            self.now_ms += int(words[1]) * 1000
        elif what == "time":
            checkpoint = None if words[3] == "-" else words[3]
            self.feed(events.Time(self.mono(), int(words[1]) + self.now_ms, words[2] == "yes", checkpoint))
        elif what == "ack":
            self.ack(words[1], words[2])
        elif what == "tag":
            self.feed(events.Tagged(self.mono(), words[1]))
        else:
            plain = {"link": events.Linked, "unlink": events.Unlinked, "case": events.CaseOpened}
            plain.update({"full": events.StorageFull, "freed": events.StorageFreed, "stop": events.Stopping})
            self.feed(plain[what](self.mono()))


def play(path):
    player = Player()
    with open(path) as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                player.play(line.split())
    recovered = journal.recover(player.journal)
    print(recovered.us, recovered.t, recovered.f, recovered.energy, recovered.digest)
