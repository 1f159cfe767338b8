"""The rules by which leads are found, one file for each family. A rule is a function from the facts of a period to what it
found, and a table in rules.toml with its figures and sentences.

A lead is a question to a person, never a violation.
"""

from collections.abc import Mapping

from gateway.audit.rules.amounts import frequency, identical, quantity
from gateway.audit.rules.found import Found as Found
from gateway.audit.rules.found import Rule
from gateway.audit.rules.people import patient_overlap, simultaneous
from gateway.audit.rules.records import chain, load
from gateway.audit.rules.shortage import capacity, device_idle, short
from gateway.audit.rules.staff import staff_time
from gateway.audit.rules.surplus import long_burn, overlong, unbilled
from gateway.audit.rules.timing import burst, clockwork, dark
from gateway.audit.rules.undeclared import undeclared
from gateway.audit.rules.undone import undone

RULES: Mapping[str, Rule] = {
    "capacity": capacity,
    "burst": burst,
    "short": short,
    "device_idle": device_idle,
    "long_burn": long_burn,
    "unbilled": unbilled,
    "undeclared": undeclared,
    "overlong": overlong,
    "clockwork": clockwork,
    "simultaneous": simultaneous,
    "quantity": quantity,
    "patient_overlap": patient_overlap,
    "frequency": frequency,
    "staff_time": staff_time,
    "identical": identical,
    "undone": undone,
    "dark": dark,
    "chain": chain,
    "load": load,
}
"""Every rule, in the order in which leads are told."""
