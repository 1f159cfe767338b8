"""Whose pages are asked for: a clinic's own, or at a district those of the clinic that the address names."""

from __future__ import annotations

from fastapi import HTTPException, Request

from gateway.config import DISTRICT, Config


def whose(config: Config, request: Request) -> Config:
    """The clinic that is asked for; HTTP 404 where a district is not told which, or does not know it."""
    clinic = request.query_params.get("clinic")
    if config.role == DISTRICT:
        if clinic is None or clinic not in config.clinics:
            raise HTTPException(404)
        return config.of_clinic(clinic)
    if clinic not in (None, config.clinic):
        raise HTTPException(404)
    return config


def named(config: Config, clinic: str) -> str | None:
    """What an address has to say of whose pages it is: nothing at a clinic."""
    return clinic if config.role == DISTRICT else None
