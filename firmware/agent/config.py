"""What a unit is told about itself, checked once: a plain dict in, a Config out. This file reads no files."""

from protocol.errors import EmitError, WitnessError
from protocol.payload import Identity
from protocol.topics import name

MOST_MW = 25000000  # 100 A at 250 V: more than any clamp on a plug can see
LONG_S = 1000000000  # a bench's clock may run so fast that a second on the network is a day

# field: (default, least, most); None: must be given
PROFILE = {
    "on_mw": (None, 1, MOST_MW),  # on at or above this
    "off_mw": (None, 1, MOST_MW),  # off below this
    "debounce_s": (3, 0, 60),  # on for this long before it is a session: longer than an inrush
    "merge_s": (60, 0, 3600),  # off for at most this long: interrupted, not ended
    "thermostat_s": (0, 0, 3600),  # off for at most this long: the load's own cycling, counts as on
    "silence_s": (120, 5, 600),  # no valid reading for this long: nobody watched
    "least_mw": (0, 0, MOST_MW),  # the load's envelope while on
    "most_mw": (MOST_MW, 1, MOST_MW),
}
HABITS = {
    "stations": (1, 1, 16),  # how many can be treated at once, so how many tags a session carries
    "alive_s": (600, 10, 600),  # at the latest this long after a record comes another
    "checkpoint_s": (50, 1, 60),  # what a power cut can cost, but for the pause between two readings
    "resend_s": (30, 1, LONG_S),  # without an acknowledgement for this long, send again
    "resend_most_s": (300, 1, LONG_S),  # that wait doubles up to this
    "window": (200, 1, 10000),  # records sent and not acknowledged
    "batch": (50, 1, 1000),  # records in one message
}


class ConfigError(WitnessError):
    """What somebody wrote down cannot be used: which field, which rule, which value."""

    def __init__(self, field: str, rule: str, value):
        super().__init__(field, rule, value)
        self.field, self.rule, self.value = field, rule, value

    def __str__(self) -> str:
        return "%s %s, but is %r" % (self.field, self.rule, self.value)


class Profile:
    """How a kind of load behaves; `PROFILE` says what each attribute means. ConfigError for what no load does."""

    def __init__(self, fields: dict):
        read = _whole_numbers(fields, PROFILE, "")
        self.on_mw, self.off_mw = read["on_mw"], read["off_mw"]
        self.debounce_s, self.merge_s = read["debounce_s"], read["merge_s"]
        self.thermostat_s, self.silence_s = read["thermostat_s"], read["silence_s"]
        self.least_mw, self.most_mw = read["least_mw"], read["most_mw"]
        if self.off_mw > self.on_mw:
            raise ConfigError("off_mw", "must not be above on_mw %d" % self.on_mw, self.off_mw)
        if self.most_mw < self.least_mw:
            raise ConfigError("most_mw", "must not be below least_mw %d" % self.least_mw, self.most_mw)


class Config:
    """A unit's name and meter, its load's profile, and its habits (`HABITS`). ConfigError names what is wrong.

    `fields`: unit, version, meter {maker, model, serial, version}, profile {...}, and any of the habits. A unit that only
    reads tags has neither meter nor profile, and `is_metered` is False.
    """

    def __init__(self, fields: dict):
        self.is_metered = "meter" in fields or "profile" in fields
        told, load = ("maker", "model", "serial", "version"), {"on_mw": MOST_MW, "off_mw": MOST_MW}
        meter = _table(fields, "meter") if self.is_metered else {each: "none" for each in told}
        self.unit = _name(fields, "unit")
        said = [_string(meter, each, "meter.") for each in told]
        self.identity = Identity(self.unit, _string(fields, "version", ""), *said)
        self.profile = Profile(_table(fields, "profile") if self.is_metered else load)
        known = ("unit", "version", "meter", "profile")
        read = _whole_numbers({each: fields[each] for each in fields if each not in known}, HABITS, "")
        self.stations, self.alive_s, self.checkpoint_s = (
            read["stations"],
            read["alive_s"],
            read["checkpoint_s"],
        )
        self.resend_s, self.resend_most_s = read["resend_s"], max(read["resend_s"], read["resend_most_s"])
        self.window, self.batch = read["window"], read["batch"]


def _whole_numbers(fields: dict, rules: dict, room: str) -> dict:
    for field in fields:
        if field not in rules:
            raise ConfigError(room + field, "is not among " + ", ".join(sorted(rules)), fields[field])
    return {field: _whole(fields, field, rules[field], room) for field in rules}


def _whole(fields: dict, field: str, rule, room: str) -> int:
    default, least, most = rule
    value = fields.get(field, default)
    if type(value) is not int or not least <= value <= most:
        raise ConfigError(room + field, "must be a whole number from %d to %d" % (least, most), value)
    return value


def _table(fields: dict, field: str) -> dict:
    value = fields.get(field)
    if not isinstance(value, dict):
        raise ConfigError(field, "must be a table", value)
    return value


def _string(fields: dict, field: str, room: str) -> str:
    value = fields.get(field)
    if not isinstance(value, str) or not 1 <= len(value) <= 64:
        raise ConfigError(room + field, "must be 1 to 64 characters", value)
    return value


def _name(fields: dict, field: str) -> str:
    try:
        return name(_string(fields, field, ""))
    except EmitError:
        raise ConfigError(field, "must be letters, digits, '-', '_' or '.'", fields[field])
