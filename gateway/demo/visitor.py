"""Somebody at a browser of the demo: signs in to the pages when asked to, reads, and sends forms."""

from __future__ import annotations

import urllib.parse
from dataclasses import dataclass

import httpx

from gateway.access.places import ROLES
from gateway.errors import SurroundingsError

_PATIENCE_S = 20


@dataclass(frozen=True, slots=True)
class Account:
    """Who may sign in, and by what; `where` is a role of a ledger, `clinic` or `district`."""

    name: str
    role: str
    where: str
    password: str

    @property
    def called(self) -> tuple[str, str]:
        """The role, in Chinese and English."""
        return ROLES[self.role]


class Visitor:
    """One person at the pages of `url`."""

    def __init__(self, url: str, account: Account):
        self._account = account
        self._client = httpx.Client(
            base_url=url,
            headers={"Origin": url},
            timeout=_PATIENCE_S,
            trust_env=False,
            follow_redirects=False,
        )

    def get(self, path: str) -> str:
        """What is shown there."""
        return self._ask("GET", path).text

    def post(self, path: str, fields: dict[str, str]) -> str:
        """Where a form leads that was sent there, or empty where it shows something itself."""
        return self._ask("POST", path, fields).headers.get("location", "")

    def close(self) -> None:
        """Leaves."""
        self._client.close()

    def _ask(self, method: str, path: str, fields: dict[str, str] | None = None) -> httpx.Response:
        answer = self._sent(method, path, fields)
        if answer.headers.get("location", "").startswith("/sign-in"):
            who = {"name": self._account.name, "password": self._account.password}
            self._sent("POST", "/sign-in", who)
            answer = self._sent(method, path, fields)
        return answer

    def _sent(self, method: str, path: str, fields: dict[str, str] | None) -> httpx.Response:
        """SurroundingsError where it is not answered, or refused."""
        try:
            answer = self._client.request(method, path, data=fields)
        except httpx.HTTPError as error:
            raise _failed(path, str(error)) from error
        if answer.status_code >= 400:
            raise _failed(path, f"HTTP {answer.status_code} {answer.text[:300]}")
        return answer


def _failed(path: str, why: str) -> SurroundingsError:
    path = urllib.parse.urlsplit(path).path
    return SurroundingsError(f"网关没有接受 {path}：{why}", f"the gateway did not take {path}: {why}")
