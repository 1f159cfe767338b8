"""The radio. It joins a network, and says so when it cannot; who asks again, and when, is not decided here."""

import asyncio

from micropython import const

_LOOK_MS = const(250)
_PATIENCE_MS = const(20000)  # scanning, joining and DHCP take 2 to 10 s


class Wifi:
    """The network `ssid`. `network` is the module, or a scripted one."""

    def __init__(self, network, ssid: str, password: str):
        self._station = network.WLAN(network.STA_IF)
        self._ssid, self._password = ssid, password
        self._station.active(True)

    async def join(self):
        """Return once there is a network; OSError when there was none for 20 s."""
        station = self._station
        if station.isconnected():
            return
        station.active(True)
        station.disconnect()
        station.connect(self._ssid, self._password)
        for _ in range(_PATIENCE_MS // _LOOK_MS):
            await asyncio.sleep_ms(_LOOK_MS)
            if station.isconnected():
                return
        raise OSError("no Wi-Fi %s" % self._ssid)

    def is_up(self) -> bool:
        return self._station.isconnected()

    def server(self) -> str:
        """The name server that the network told, an IPv4 address."""
        return self._station.ifconfig()[3]
