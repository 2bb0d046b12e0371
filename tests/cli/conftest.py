"""The environment of the command line: nothing set, or what leads to partners at literal addresses."""

from __future__ import annotations

import os

import pytest

VARIABLES = ("FHIR_BRIDGE_", "HEALTHEX_", "EHEALTH_", "WMDA_", "ROCHE_")

CONFIGURED = {
    "HEALTHEX_BASE_URL": "https://api.healthex.test",
    "HEALTHEX_API_KEY": "secret-1",
    "HEALTHEX_API_SECRET": "secret-2",
    "HEALTHEX_PROJECT_ID": "project-1",
    "EHEALTH_BASE_URL": "https://api.ehealth.test",
    "EHEALTH_API_KEY": "secret-3",
    "WMDA_BASE_URL": "https://wmda.test/api/v2",
    "WMDA_TOKEN_URL": "https://login.test/oauth2/token",
    "WMDA_CLIENT_ID": "secret-4",
    "WMDA_CLIENT_SECRET": "secret-5",
    "WMDA_RESOURCE": "secret-6",
    "ROCHE_BASE_URL": "https://roche.test/partners/fhir/stu3/api",
    "ROCHE_CLIENT_ID": "secret-7",
    "ROCHE_CLIENT_SECRET": "secret-8",
    "ROCHE_ORG_ID": "2.16.724.4.2",
    "ROCHE_CLIENT_CERT": "client.pem",
    "ROCHE_CLIENT_KEY": "client.key",
    "ROCHE_CA_BUNDLE": "ca.pem",
}


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the machine that runs the tests has set."""
    for name in [name for name in os.environ if name.startswith(VARIABLES)]:
        monkeypatch.delenv(name)


@pytest.fixture
def _four_are_configured(monkeypatch: pytest.MonkeyPatch, _nothing_is_set: None) -> None:
    for name, value in CONFIGURED.items():
        monkeypatch.setenv(name, value)
