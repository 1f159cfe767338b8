"""What ships, and nothing else: a manifest of MicroPython (docs: reference/manifest), for modules frozen into a board's
own build. `firmware/rpi/image.py` reads the same list for the image that a stock build runs in place.

Of the drivers those that settings can name; a room's `__init__.py` only where something is in it.
"""

ROOM = "../.."

package("firmware", ("__init__.py",), base_path=ROOM, opt=3)  # noqa: F821
package(  # noqa: F821
    "firmware/agent",
    (
        "agent.py",
        "clock.py",
        "compact.py",
        "config.py",
        "delivery.py",
        "detector.py",
        "events.py",
        "hearsay.py",
        "memory.py",
        "octets.py",
        "pages.py",
        "panel.py",
        "register.py",
        "signs.py",
        "tags.py",
        "voice.py",
    ),
    base_path=ROOM,
    opt=3,
)
package(  # noqa: F821
    "firmware/esp32",
    (
        "clock.py",
        "flash.py",
        "identity.py",
        "link.py",
        "mount.py",
        "mqtt.py",
        "names.py",
        "ntp.py",
        "nvs.py",
        "place.py",
        "reader.py",
        "segments.py",
        "settings.py",
        "slots.py",
        "start.py",
        "unit.py",
        "update.py",
        "wifi.py",
        "world.py",
    ),
    base_path=ROOM,
    opt=3,
)
package("hardware/boards", ("esp32_devkitc_v4.py",), base_path=ROOM, opt=3)  # noqa: F821
package(  # noqa: F821
    "hardware/drivers",
    (
        "bl0942.py",
        "contact.py",
        "gm65.py",
        "ina226.py",
        "pn532.py",
        "pzem004t_v3.py",
        "reader.py",
        "reading.py",
        "serial_meter.py",
    ),
    base_path=ROOM,
    opt=3,
)
package("hardware/ports", ("esp32.py", "meter.py"), base_path=ROOM, opt=3)  # noqa: F821
package(  # noqa: F821
    "protocol",
    (
        "bundle.py",
        "errors.py",
        "p256.py",
        "p256_comb.py",
        "payload.py",
        "sealing.py",
        "strictjson.py",
        "topics.py",
    ),
    base_path=ROOM,
    opt=3,
)
module("main.py", opt=3)  # noqa: F821
