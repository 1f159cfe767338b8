"""Second stage of forwarding: one request to the district, and its answer. This file knows no ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from gateway.config import Forward
from gateway.errors import SurroundingsError
from protocol.topics import is_checkpoint

PATH = "/district/v1/records"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the district said. `held`: up to which of our positions it holds everything durably.

    `approved`: unit -> SHA-256 (hex) of the public key that it vouches for; `refused`: how many of our records it
    keeps in quarantine.
    """

    held: int
    checkpoint: str
    approved: Mapping[str, str]
    refused: int


class District:
    """The district's address. Not for several threads at once."""

    def __init__(self, forward: Forward, clinic: str):
        self._url = forward.url + PATH
        headers = {"Authorization": f"Bearer {forward.token}", "WattWitness-Clinic": clinic}
        timeout = httpx.Timeout(15, connect=5)
        # The machine's proxy leads to https addresses only: http is this machine itself.
        proxied = forward.url.startswith("https:")
        self._client = httpx.Client(headers=headers, timeout=timeout, trust_env=proxied)

    def post(
        self, after: int, records: Sequence[tuple[int, str]], trail: tuple[int, str] = (0, "0" * 64)
    ) -> Answer:
        """Sends records (position, line) that follow position `after`, and where our trail ends (entry, hash);
        SurroundingsError says why it could not."""
        body = {
            "after": after,
            "records": [{"position": position, "line": line} for position, line in records],
            "trail": {"entry": trail[0], "hash": trail[1]},
        }
        try:
            response = self._client.post(self._url, json=body)
        except httpx.HTTPError as error:
            raise SurroundingsError(
                f"连不上区级平台 {self._url}（{error}）",
                f"the district {self._url} does not answer ({error})",
            ) from error
        if response.status_code != 200:
            raise _refused(response)
        try:
            return _read(response.json())
        except (ValueError, KeyError, TypeError) as error:
            raise SurroundingsError(
                f"{self._url} 的回答无法识别：请检查 [forward] url",
                f"{self._url} gives no district's answer: check url",
            ) from error

    def close(self) -> None:
        """Ends the connection."""
        self._client.close()


def _read(answer: Mapping[str, Any]) -> Answer:
    held, checkpoint, refused = answer["held"], answer["checkpoint"], answer["refused"]
    approved = dict(answer["approved"])
    if type(held) is not int or type(refused) is not int or not is_checkpoint(checkpoint):
        raise ValueError("held, refused or checkpoint")
    return Answer(held, checkpoint, approved, refused)


def _refused(response: httpx.Response) -> SurroundingsError:
    if response.status_code == 401:
        return SurroundingsError(
            "区级平台不认本诊所的令牌：请检查 [forward] token",
            "the district does not know our token: check [forward]",
        )
    return SurroundingsError(
        f"区级平台拒绝接收（{response.status_code}），稍后重试",
        f"the district refused with status {response.status_code}; trying again later",
    )
