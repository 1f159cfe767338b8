"""Servers of one UDP question: what a time server answers, or anybody else."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable


class Server:
    """A UDP server that answers each question by `answer(question)`, None for silence."""

    def __init__(self, answer: Callable[[bytes], bytes | None]) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._answer = answer
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                question, who = self._socket.recvfrom(512)
            except OSError:
                return
            answer = self._answer(question)
            if answer is not None:
                self._socket.sendto(answer, who)

    def close(self) -> None:
        self._socket.close()


def time_answer(
    question: bytes, at_s: int, first: int = 0x24, stratum: int = 2, mark: bytes | None = None
) -> bytes:
    head = bytes((first, stratum)) + bytes(22)
    stamp = struct.pack(">II", at_s & 0xFFFFFFFF, 1 << 31)
    return head + (question[40:48] if mark is None else mark) + bytes(8) + stamp
