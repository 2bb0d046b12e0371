"""The environment, read once: what may be set, and what is said of what cannot be."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fhir_bridge.limits import Limits
from fhir_bridge.settings import Settings, read_settings

ROOT = Path(__file__).parents[1]
PROXIES = "addresses or networks such as 192.0.2.7 or 10.0.0.0/8, with commas between"
ORIGINS = "origins such as https://app.example.org, or * alone"


def test_nothing_needs_to_be_set() -> None:
    assert read_settings({}) == Settings(
        mappings=ROOT / "mappings", profiles=ROOT / "profiles", base_url=None, limits=Limits(), environment={}
    )


def test_everything_can_be_set(tmp_path: Path) -> None:
    environment = {
        "FHIR_BRIDGE_MAPPINGS": str(tmp_path),
        "FHIR_BRIDGE_PROFILES": str(tmp_path),
        "FHIR_BRIDGE_BASE_URL": "https://bridge.example",
        "FHIR_BRIDGE_MAX_BODY_BYTES": "1000",
        "FHIR_BRIDGE_CORS_ORIGINS": "https://app.example.org, http://localhost:3000",
        "FHIR_BRIDGE_HANDLING": "strict",
        "NORTHLAB_TOKEN": "secret-1",
    }

    settings = read_settings(environment)

    origins = ("https://app.example.org", "http://localhost:3000")
    assert settings == Settings(
        tmp_path, tmp_path, "https://bridge.example", Limits(max_body_bytes=1000), environment, origins, strict=True
    )


def test_a_variable_that_is_empty_is_not_set() -> None:
    names = ("MAPPINGS", "PROFILES", "BASE_URL", "MAX_BODY_BYTES", "CORS_ORIGINS", "HANDLING")

    settings = read_settings({f"FHIR_BRIDGE_{name}": "" for name in names})

    assert (settings.mappings, settings.base_url, settings.limits) == (ROOT / "mappings", None, Limits())
    assert (settings.cors_origins, settings.strict) == ((), False)


def test_proxies_are_addresses_and_networks() -> None:
    settings = read_settings({"FHIR_BRIDGE_TRUSTED_PROXIES": "192.0.2.7, 10.0.0.0/8,::1"})

    assert settings.trusted_proxies == ("192.0.2.7", "10.0.0.0/8", "::1")


def test_pages_of_every_origin_may_be_let_call() -> None:
    assert read_settings({"FHIR_BRIDGE_CORS_ORIGINS": " * "}).cors_origins == ("*",)


@pytest.mark.parametrize(
    "text",
    [
        "https://bridge.example",
        "https://bridge.example/",
        "https://bridge.example/fhir",
        "https://bridge.example/fhir/",
    ],
)
def test_the_base_url_may_be_written_with_or_without_fhir(text: str) -> None:
    assert read_settings({"FHIR_BRIDGE_BASE_URL": text}).base_url == "https://bridge.example"


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("FHIR_BRIDGE_MAPPINGS", "/nowhere", "there is no folder '/nowhere'; name one that is there"),
        ("FHIR_BRIDGE_PROFILES", __file__, f"there is no folder '{__file__}'; name one that is there"),
        ("FHIR_BRIDGE_BASE_URL", "bridge.example", "must begin with http:// or https://"),
        *(
            (
                "FHIR_BRIDGE_CANONICAL",
                wrong,
                "must be an absolute address without query, such as https://fhir.example.org/bridge, or a urn",
            )
            for wrong in (
                "fhir.example.org",
                "/fhir",
                "https://",
                "https://x.test/a?b",
                "https://x.test/a b",
                "urn:x",
                "ї",
            )
        ),
        ("FHIR_BRIDGE_MAX_BODY_BYTES", "0", "must be a number of bytes above zero"),
        ("FHIR_BRIDGE_MAX_BODY_BYTES", "5MB", "must be a number of bytes above zero"),
        ("FHIR_BRIDGE_MAX_BODY_BYTES", "-1", "must be a number of bytes above zero"),
        ("FHIR_BRIDGE_MAX_BODY_BYTES", "²", "must be a number of bytes above zero"),
        ("FHIR_BRIDGE_HANDLING", "Strict", "must be lenient or strict"),
        ("FHIR_BRIDGE_TRUSTED_PROXIES", "*", f"must be {PROXIES}"),
        ("FHIR_BRIDGE_TRUSTED_PROXIES", "10.0.0.1/8", f"must be {PROXIES}"),
        ("FHIR_BRIDGE_TRUSTED_PROXIES", "proxy.example.org", f"must be {PROXIES}"),
        ("FHIR_BRIDGE_CORS_ORIGINS", "app.example.org", f"must be {ORIGINS}"),
        ("FHIR_BRIDGE_CORS_ORIGINS", "https://app.example.org/", f"must be {ORIGINS}"),
        ("FHIR_BRIDGE_CORS_ORIGINS", "https://app.example.org, *", f"must be {ORIGINS}"),
    ],
)
def test_a_value_that_cannot_be_is_named_with_its_variable(name: str, value: str, line: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(f'{name}: {line}')}$"):
        read_settings({name: value})


def test_no_secret_shows_in_a_trace() -> None:
    assert "secret-1" not in repr(read_settings({"NORTHLAB_TOKEN": "secret-1"}))
