"""The environment, read once into a frozen `Settings`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path

from fhir_bridge.canonical import check_canonical
from fhir_bridge.limits import DEFAULTS, Limits, read_limits


@dataclass(frozen=True, slots=True)
class Settings:
    """What the bridge is told from outside. `environment` holds the partners' variables, secrets among them."""

    mappings: Path
    profiles: Path
    base_url: str | None = None
    limits: Limits = DEFAULTS
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    cors_origins: tuple[str, ...] = ()
    strict: bool = False
    trusted_proxies: tuple[str, ...] = ()


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Return the settings of an environment; raises ValueError, naming the variable, for one that cannot be."""
    check_canonical(environment.get("FHIR_BRIDGE_CANONICAL", ""))
    return Settings(
        mappings=_folder(environment, "FHIR_BRIDGE_MAPPINGS", "mappings"),
        profiles=_folder(environment, "FHIR_BRIDGE_PROFILES", "profiles"),
        base_url=_base_url(environment.get("FHIR_BRIDGE_BASE_URL")),
        limits=read_limits(environment),
        environment=dict(environment),
        cors_origins=_origins(environment.get("FHIR_BRIDGE_CORS_ORIGINS", "")),
        strict=_is_strict(environment.get("FHIR_BRIDGE_HANDLING") or "lenient"),
        trusted_proxies=_proxies(environment.get("FHIR_BRIDGE_TRUSTED_PROXIES", "")),
    )


def _is_strict(handling: str) -> bool:
    """Whether a client that names no handling is a strict one. https://hl7.org/fhir/R4/search.html#errors"""
    if handling not in ("lenient", "strict"):
        raise ValueError("FHIR_BRIDGE_HANDLING: must be lenient or strict")
    return handling == "strict"


def _folder(environment: Mapping[str, str], variable: str, name: str) -> Path:
    """The folder that a variable names, else the one that ships: inside the wheel, or at the top of the sources."""
    named = environment.get(variable)
    package = Path(__file__).parent
    folder = Path(named) if named else next((at for at in (package / name, package.parent / name) if at.is_dir()), None)
    if folder is None or not folder.is_dir():
        raise ValueError(f"{variable}: there is no folder '{named or name}'; name one that is there")
    return folder


def _base_url(text: str | None) -> str | None:
    if not text:
        return None
    if not text.startswith(("http://", "https://")):
        raise ValueError("FHIR_BRIDGE_BASE_URL: must begin with http:// or https://")
    return text.rstrip("/").removesuffix("/fhir")


_ORIGIN = re.compile(r"https?://[^/?#@\s]+")


def _origins(text: str) -> tuple[str, ...]:
    """The origins whose pages a browser lets call, `*` for all, as they stand in the header Origin (RFC 6454)."""
    origins = tuple(dict.fromkeys(origin.strip() for origin in text.split(",") if origin.strip()))
    if origins != ("*",) and not all(_ORIGIN.fullmatch(origin) for origin in origins):
        raise ValueError("FHIR_BRIDGE_CORS_ORIGINS: must be origins such as https://app.example.org, or * alone")
    return origins


def _proxies(text: str) -> tuple[str, ...]:
    """The addresses and networks of proxies whose `X-Forwarded-…` are believed."""
    proxies = tuple(proxy.strip() for proxy in text.split(",") if proxy.strip())
    for proxy in proxies:
        try:
            ip_network(proxy)
        except ValueError:
            text = "must be addresses or networks such as 192.0.2.7 or 10.0.0.0/8, with commas between"
            raise ValueError(f"FHIR_BRIDGE_TRUSTED_PROXIES: {text}") from None
    return proxies
