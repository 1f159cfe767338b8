"""A Modbus RTU slave that we did not write (pymodbus), at the far end of a cable of two ptys that can be tampered with."""

from __future__ import annotations

import asyncio
import os
import select
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pymodbus.server import ModbusSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice

RECORDED = [2257, 108, 0, 244, 0, 38, 0, 500, 100, 0]  # the registers of wire.ANSWER


class Cable:
    """Copies bytes between two ptys; `tamper` may change what the slaves say. `near` is the master's end.

    pymodbus answers for absent meters too; on a wire nobody does, so what is not of `addresses` is dropped.
    """

    def __init__(self, addresses: tuple[int, ...]) -> None:
        self.tamper: Callable[[bytes], bytes] = lambda said: said
        self._addresses = addresses
        self._ends = [os.openpty(), os.openpty()]
        for _, path in self._ends:
            tty.setraw(path)
        self.near, self.far = (os.ttyname(path) for _, path in self._ends)
        self._stop, self._stopping = os.pipe()
        self._thread = threading.Thread(target=self._copy)
        self._thread.start()

    def close(self) -> None:
        os.write(self._stopping, b".")
        self._thread.join()
        for each in (*self._ends[0], *self._ends[1], self._stop, self._stopping):
            os.close(each)

    def _copy(self) -> None:
        near, far = self._ends[0][0], self._ends[1][0]
        while self._stop not in (ready := select.select([near, far, self._stop], [], [])[0]):
            for end in ready:
                said = os.read(end, 256)
                if end == near:
                    os.write(far, said)
                elif said[0] in self._addresses:
                    os.write(near, self.tamper(said))


@contextmanager
def rtu_slave(*addresses: int) -> Iterator[Cable]:
    """A cable with slaves at these addresses behind it; others are silent."""
    cable = Cable(addresses)
    started, loop = threading.Event(), asyncio.new_event_loop()
    server: list[ModbusSerialServer] = []

    async def serve() -> None:
        registers = SimData(0, values=RECORDED, datatype=DataType.REGISTERS)
        devices = [SimDevice(each, simdata=[registers]) for each in addresses]
        server.append(ModbusSerialServer(devices, port=cable.far, baudrate=9600, ignore_missing_devices=True))
        await server[0].listen()
        started.set()
        await server[0].serving

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert started.wait(20)
        yield cable
    finally:
        asyncio.run_coroutine_threadsafe(server[0].shutdown(), loop).result(20)
        thread.join()
        loop.close()
        cable.close()
