"""A Raspberry Pi's pins, with gpiozero's mock pins in place of the processor."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator

import gpiozero
import pytest
from gpiozero.pins.mock import MockFactory

from hardware.drivers.contact import CaseSwitch
from hardware.ports import PortError
from hardware.ports.rpi_pins import Contact, Light


@pytest.fixture
def pins() -> Iterator[MockFactory]:
    before, gpiozero.Device.pin_factory = gpiozero.Device.pin_factory, MockFactory()
    yield gpiozero.Device.pin_factory
    gpiozero.Device.pin_factory.reset()
    gpiozero.Device.pin_factory = before


@pytest.mark.parametrize("active_high", [True, False])
def test_a_light_is_dark_until_it_is_set(pins, active_high):
    light = Light(17, active_high)
    levels = [pins.pin(17).state]
    light.set(True)
    levels.append(pins.pin(17).state)
    light.set(False)
    levels.append(pins.pin(17).state)
    assert levels == ([0, 1, 0] if active_high else [1, 0, 1])


def test_without_a_pin_nothing_is_lit(pins):
    Light(None).set(True)
    assert not pins.pins


def test_a_contact_to_ground_is_closed_and_a_cut_wire_is_open(pins):
    contact = Contact(23)
    assert pins.pin(23).pull == "up" and not contact.closed()
    pins.pin(23).drive_low()
    assert contact.closed()
    pins.pin(23).drive_high()
    assert not contact.closed()


def test_a_case_that_is_opened_is_told_through_its_pin(pins):
    contact, switch = Contact(23), CaseSwitch()
    pins.pin(23).drive_low()
    shut = [switch.feed(mono_ms, contact.closed()) for mono_ms in range(0, 1000, 50)]
    pins.pin(23).drive_high()
    opened = [switch.feed(mono_ms, contact.closed()) for mono_ms in range(1000, 2000, 50)]
    assert not any(shut) and opened.count(True) == 1


def test_a_pin_that_is_in_use_is_refused_with_what_to_look_at(pins):
    light = Light(17)
    with pytest.raises(PortError, match="pin 17 cannot be used"):
        Contact(17)
    light.set(True)
    assert pins.pin(17).state


def test_a_machine_without_pins_is_refused_in_one_line_with_what_to_look_at(monkeypatch, recwarn):
    monkeypatch.setattr(gpiozero.Device, "pin_factory", None)
    monkeypatch.setattr(gpiozero.Device, "_default_pin_factory", lambda: _none_found(), raising=True)
    with pytest.raises(PortError, match="is this a Raspberry Pi, with lgpio"):
        Light(17)
    assert not recwarn.list


def _none_found() -> None:
    warnings.warn(gpiozero.PinFactoryFallback("Falling back from lgpio"), stacklevel=1)
    raise gpiozero.BadPinFactory("Unable to load any default pin factory!")


def test_without_gpiozero_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "gpiozero", None)
    with pytest.raises(PortError, match="pin 17 needs gpiozero: install the group rpi"):
        Light(17)
