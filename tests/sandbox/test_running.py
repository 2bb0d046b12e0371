"""The four partners on real sockets, and what leads a bridge to them."""

from __future__ import annotations

import asyncio
import gc
import re
import signal
import ssl
import time
from pathlib import Path

import httpx
import pytest

from fhir_bridge.sandbox import ehealth, partners, roche, running, settings, wmda
from fhir_bridge.sandbox.certificates import issue

pytestmark = pytest.mark.anyio

EHEALTH_PREPERSON = "7c3da506-804d-4550-8993-bf17f9ee0402"
ROCHE_PATIENT = "Bj6.1Lq-hvb-28"
DOCUMENTATION = (Path(__file__).parents[2] / "docs/sandbox.md").read_text("utf-8")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def tls(environment: dict[str, str], *, certificate: bool = True) -> ssl.SSLContext:
    """Return a client's side of Roche's TLS, with or without the certificate that it asks for."""
    context = ssl.create_default_context(cafile=environment["ROCHE_CA_BUNDLE"])
    if certificate:
        context.load_cert_chain(environment["ROCHE_CLIENT_CERT"], environment["ROCHE_CLIENT_KEY"])
    return context


def roche_headers(environment: dict[str, str]) -> dict[str, str]:
    return {
        "client_id": environment["ROCHE_CLIENT_ID"],
        "client_secret": environment["ROCHE_CLIENT_SECRET"],
        "org_id": environment["ROCHE_ORG_ID"],
    }


async def test_the_environment_names_every_variable_that_a_bridge_needs(tmp_path):
    async with running(tmp_path) as environment:
        without_ports = {name: re.sub(r":\d+", ":PORT", value) for name, value in environment.items()}

    assert without_ports == {
        "HEALTHEX_BASE_URL": "http://127.0.0.1:PORT",
        "HEALTHEX_API_KEY": "sandbox-key",
        "HEALTHEX_API_SECRET": "sandbox-secret",
        "HEALTHEX_PROJECT_ID": "694d61c2-3f1b",
        "EHEALTH_BASE_URL": "http://127.0.0.1:PORT",
        "EHEALTH_ACCESS_TOKEN": ehealth.SETTINGS["EHEALTH_ACCESS_TOKEN"],
        "EHEALTH_API_KEY": ehealth.SETTINGS["EHEALTH_API_KEY"],
        "EHEALTH_CLIENT_ID": ehealth.SETTINGS["EHEALTH_CLIENT_ID"],
        "EHEALTH_CLIENT_SECRET": ehealth.SETTINGS["EHEALTH_CLIENT_SECRET"],
        "WMDA_BASE_URL": "http://127.0.0.1:PORT/api/v2",
        "WMDA_TOKEN_URL": "http://127.0.0.1:PORT/c3ab1869-1472-4577-b669-0d64c732e75c/oauth2/token",
        "WMDA_CLIENT_ID": "sandbox-client",
        "WMDA_CLIENT_SECRET": "sandbox-secret",
        "WMDA_RESOURCE": "f6d78a69-c840-46a2-941b-a0e08f9296e7",
        "ROCHE_BASE_URL": "https://127.0.0.1:PORT/partners/fhir/stu3/api",
        "ROCHE_CLIENT_ID": roche.SETTINGS["ROCHE_CLIENT_ID"],
        "ROCHE_CLIENT_SECRET": roche.SETTINGS["ROCHE_CLIENT_SECRET"],
        "ROCHE_ORG_ID": roche.SETTINGS["ROCHE_ORG_ID"],
        "ROCHE_CLIENT_CERT": str(tmp_path / "client.pem"),
        "ROCHE_CLIENT_KEY": str(tmp_path / "client.key"),
        "ROCHE_CA_BUNDLE": str(tmp_path / "ca.pem"),
    }


async def test_healthex_gives_a_token_and_updates_its_patient(tmp_path):
    async with running(tmp_path) as environment, httpx.AsyncClient(base_url=environment["HEALTHEX_BASE_URL"]) as client:
        key = {"apiKey": environment["HEALTHEX_API_KEY"], "apiSecret": environment["HEALTHEX_API_SECRET"]}
        token = (await client.post("/v1/auth/token", json=key)).json()["token"]
        answer = await client.post(
            f"/v1/projects/{environment['HEALTHEX_PROJECT_ID']}/recruitment/identified-patients/17d4513f-73e8/$updateData",
            json={},
            headers={"authorization": f"Bearer {token}"},
        )

    assert (answer.status_code, answer.json()["message"]) == (201, "IN_PROGRESS_NO_ACTION_NEEDED")


async def test_ehealth_lets_the_settings_in_and_nobody_else(tmp_path):
    async with running(tmp_path) as environment, httpx.AsyncClient(base_url=environment["EHEALTH_BASE_URL"]) as client:
        headers = {
            "authorization": f"Bearer {environment['EHEALTH_ACCESS_TOKEN']}",
            "api-key": environment["EHEALTH_API_KEY"],
        }
        known = await client.get(f"/api/prepersons/{EHEALTH_PREPERSON}", headers=headers)
        stranger = await client.get(f"/api/prepersons/{EHEALTH_PREPERSON}")

    assert (known.status_code, known.json()["data"]["id"]) == (200, EHEALTH_PREPERSON)
    assert stranger.status_code == 401


async def test_wmda_gives_a_token_and_stops_its_patient(tmp_path):
    async with running(tmp_path) as environment, httpx.AsyncClient() as client:
        form = {
            "grant_type": "client_credentials",
            "client_id": environment["WMDA_CLIENT_ID"],
            "client_secret": environment["WMDA_CLIENT_SECRET"],
            "resource": environment["WMDA_RESOURCE"],
        }
        token = (await client.post(environment["WMDA_TOKEN_URL"], data=form)).json()["access_token"]
        answer = await client.put(
            environment["WMDA_BASE_URL"] + "/patients/status",
            json={"wmdaId": 123456, "newStatus": "STP", "changeReason": "PDC"},
            headers={"authorization": f"Bearer {token}"},
        )

    assert answer.status_code == 200
    assert answer.json() == {"wmdaId": 123456, "status": "STP", "changeReason": "PDC"}


async def test_roche_lets_in_who_shows_the_client_certificate(tmp_path):
    async with running(tmp_path) as environment, httpx.AsyncClient(verify=tls(environment)) as client:
        url = f"{environment['ROCHE_BASE_URL']}/Patient/{ROCHE_PATIENT}"
        answer = await client.get(url, headers=roche_headers(environment))

    assert (answer.status_code, answer.json()["id"]) == (200, ROCHE_PATIENT)


REFUSED_BY_TLS = (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)
"""With TLS 1.3 a client hears only after its own side of the handshake that its certificate will not do, and asyncio
hangs up before it says why: the connection stands, and breaks before the answer."""


async def test_roche_refuses_the_handshake_without_a_client_certificate(tmp_path):
    async with running(tmp_path) as environment:
        url = f"{environment['ROCHE_BASE_URL']}/Patient/{ROCHE_PATIENT}"
        async with httpx.AsyncClient(verify=tls(environment, certificate=False)) as client:
            with pytest.raises(REFUSED_BY_TLS):
                await client.get(url, headers=roche_headers(environment))


async def test_roche_refuses_a_client_certificate_of_another_authority(tmp_path):
    strangers = issue(tmp_path / "strangers")
    async with running(tmp_path / "ours") as environment:
        context = tls(environment, certificate=False)
        context.load_cert_chain(strangers.client_certificate, strangers.client_key)
        async with httpx.AsyncClient(verify=context) as client:
            url = f"{environment['ROCHE_BASE_URL']}/Patient/{ROCHE_PATIENT}"
            with pytest.raises(REFUSED_BY_TLS):
                await client.get(url, headers=roche_headers(environment))


async def test_no_answer_waits_for_the_acknowledgement_of_its_headers(tmp_path):
    """That takes 40 ms each, on a connection that is kept."""
    async with running(tmp_path) as environment, httpx.AsyncClient(base_url=environment["EHEALTH_BASE_URL"]) as client:
        url = f"/api/prepersons/{EHEALTH_PREPERSON}"
        took_s = [(await client.get(url)).elapsed.total_seconds() for _ in range(20)]

    assert min(took_s[10:]) < 0.03


async def test_two_sandboxes_run_side_by_side_on_ports_of_their_own(tmp_path):
    async with running(tmp_path / "one") as one, running(tmp_path / "two") as two:
        urls = [value for environment in (one, two) for name, value in environment.items() if name.endswith("BASE_URL")]

    assert len(set(urls)) == 8


async def test_nothing_listens_any_more_once_it_has_ended(tmp_path):
    async with running(tmp_path) as environment:
        pass

    async with httpx.AsyncClient() as client:
        for name in ("HEALTHEX_BASE_URL", "EHEALTH_BASE_URL", "WMDA_BASE_URL", "ROCHE_BASE_URL"):
            with pytest.raises(httpx.ConnectError):
                await client.get(environment[name])
    gc.collect()  # a socket that was left open would warn here, and a warning fails the test


async def test_an_error_in_the_block_comes_out_as_it_is_and_ends_the_servers(tmp_path):
    with pytest.raises(ZeroDivisionError):
        async with running(tmp_path):
            raise ZeroDivisionError

    assert [task for task in asyncio.all_tasks() if "Server.serve" in repr(task)] == []


async def test_a_late_answer_does_not_hold_up_the_end(tmp_path):
    async with httpx.AsyncClient() as client:
        async with running(tmp_path) as environment:
            base_url = environment["HEALTHEX_BASE_URL"]
            key = {"apiKey": "sandbox-key", "apiSecret": "sandbox-secret"}
            token = (await client.post(f"{base_url}/v1/auth/token", json=key)).json()["token"]
            late = asyncio.create_task(
                client.post(
                    f"{base_url}/v1/projects/694d61c2-3f1b/recruitment/identified-patients/answers-late/$updateData",
                    headers={"authorization": f"Bearer {token}"},
                    timeout=30,
                )
            )
            await asyncio.sleep(0.2)
            began = time.monotonic()
        took_s = time.monotonic() - began
        await asyncio.gather(late, return_exceptions=True)

    assert took_s < 5


async def test_the_signals_stay_with_who_runs_the_event_loop(tmp_path):
    before = signal.getsignal(signal.SIGINT)

    async with running(tmp_path):
        during = signal.getsignal(signal.SIGINT)

    assert during is before


async def test_without_sockets_each_partner_answers_under_its_own_name():
    names = {
        "healthex": settings()["HEALTHEX_BASE_URL"],
        "ehealth": settings()["EHEALTH_BASE_URL"],
        "wmda": settings()["WMDA_BASE_URL"],
        "roche": settings()["ROCHE_BASE_URL"],
    }
    paths = {
        "healthex": "/v1/projects/x/recruitment/identified-patients/x/$updateData",
        "ehealth": "/api/prepersons/x",
        "wmda": "/patients/123456",
        "roche": f"/Patient/{ROCHE_PATIENT}",
    }
    methods = {"healthex": "POST"}

    answers = {}
    for partner, app in partners().items():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
            answer = await client.request(methods.get(partner, "GET"), names[partner] + paths[partner])
            answers[partner] = (answer.request.url.host, answer.status_code)

    assert answers == {
        "healthex": ("healthex.test", 401),
        "ehealth": ("ehealth.test", 401),
        "wmda": ("wmda.test", 401),
        "roche": ("roche.test", 403),
    }


def test_the_settings_without_sockets_name_no_files():
    assert sorted(name for name in settings() if name.endswith(("_CERT", "_KEY", "_BUNDLE"))) == [
        "EHEALTH_API_KEY",
        "HEALTHEX_API_KEY",
    ]
    assert settings()["WMDA_TOKEN_URL"] == f"http://wmda.test/{wmda.TENANT}/oauth2/token"


def test_the_documented_program_prints_what_the_documentation_says(capsys):
    program = re.search(r"```python\n(.*?)```\n\nIt prints `(.*?)`\.", DOCUMENTATION, re.DOTALL)
    assert program is not None

    exec(compile(program[1], "docs/sandbox.md", "exec"), {})

    assert capsys.readouterr().out == program[2] + "\n"
