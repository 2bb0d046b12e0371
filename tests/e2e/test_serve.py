"""`fhir-bridge serve` over real sockets: what it says, whom it serves, and how it ends."""

from __future__ import annotations

import signal
import socket
import time
from pathlib import Path

import httpx
import pytest

from tests.e2e.processes import ended, ran, started, url_in

READY = "fhir-bridge is ready at "
EHEALTH = {
    "EHEALTH_BASE_URL": "http://127.0.0.1:9",
    "EHEALTH_ACCESS_TOKEN": "token",
    "EHEALTH_API_KEY": "key",
}


def live(url: str) -> httpx.Response:
    """Return what /health/live answers; several processes may need a moment until they take their calls."""
    for _ in range(100):
        try:
            return httpx.get(f"{url}/health/live")
        except httpx.ConnectError:
            time.sleep(0.05)
    raise AssertionError(f"nobody listens at {url}")


def test_it_says_where_it_is_and_which_partners_are_there() -> None:
    with started("serve", "--port", "0", until=READY, more=EHEALTH) as (_, text):
        url = url_in(text)
        ready = httpx.get(f"{url}/health/ready").json()

    assert text == (
        f"fhir-bridge is ready at {url}/fhir; eHealth Ukraine "
        "(not set: HEALTHEX_BASE_URL, ROCHE_BASE_URL, WMDA_BASE_URL)\n"
    )
    assert ready["configured"] == {"ehealth": True, "healthex": False, "roche": False, "wmda": False}


def test_it_says_so_when_no_partner_is_configured() -> None:
    with started("serve", "--port", "0", until="fhir-bridge") as (_, text):
        ready = httpx.get(f"{url_in(text)}/health/ready")

    assert text == (
        f"fhir-bridge listens at {url_in(text)}/fhir, but is not ready: no partner is configured "
        "(not set: EHEALTH_BASE_URL, HEALTHEX_BASE_URL, ROCHE_BASE_URL, WMDA_BASE_URL)\n"
    )
    assert (ready.status_code, ready.json()["status"]) == (503, "no partner is configured")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_without_a_trace(number: int) -> None:
    with started("serve", "--port", "0", until=READY, more=EHEALTH) as (process, _):
        assert ended(process, number) == (0, "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_several_processes_serve_one_port_and_end_together(number: int) -> None:
    with started("serve", "--port", "0", "--workers", "2", until=READY, more=EHEALTH) as (process, text):
        assert live(url_in(text)).json() == {"status": "live"}
        status, err = ended(process, number, group=True)

    assert status == 0
    assert "Traceback" not in err


def test_a_worker_logs_as_the_only_process_does() -> None:
    with started("serve", "--port", "0", "--workers", "2", until=READY, more=EHEALTH) as (process, text):
        live(url_in(text))
        httpx.get(f"{url_in(text)}/fhir/metadata", headers={"X-Request-Id": "id-of-the-request"})
        _, err = ended(process, signal.SIGTERM)

    assert " INFO id-of-the-request capabilities hub/- 200 " in err


def test_a_port_that_is_taken_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        assert ran("serve", "--port", str(port)) == (
            2,
            "",
            f"fhir-bridge: cannot listen on 127.0.0.1, port {port}: Address already in use; "
            "choose another with --port\n",
        )


def test_an_address_of_another_machine_is_one_line() -> None:
    status, out, err = ran("serve", "--host", "192.0.2.1", "--port", "0", "--allow-anonymous")

    assert (status, out) == (2, "")
    assert err == (
        "fhir-bridge: cannot listen on 192.0.2.1, port 0: Cannot assign requested address; choose another with --port\n"
    )


def test_an_address_that_others_reach_is_served_to_anybody_on_demand() -> None:
    with started("serve", "--host", "0.0.0.0", "--port", "0", "--allow-anonymous", until=READY, more=EHEALTH) as (
        _,
        text,
    ):
        port = url_in(text).rpartition(":")[2]

        assert live(f"http://127.0.0.1:{port}").json() == {"status": "live"}


def test_it_is_ready_within_seconds() -> None:
    began = time.monotonic()

    with started("serve", "--port", "0", until=READY, more=EHEALTH) as (_, text):
        live(url_in(text))

    assert time.monotonic() - began < 10  # it takes one; a machine that tests on all its cores is slower


def test_a_wrong_mapping_file_stops_the_start(tmp_path: Path) -> None:
    mappings = tmp_path / "mappings"
    mappings.mkdir()
    (mappings / "northlab.yaml").write_text("- partner\n", encoding="utf-8")

    status, out, err = ran("serve", "--port", "0", more={"FHIR_BRIDGE_MAPPINGS": str(mappings)})

    assert (status, out) == (2, "")
    assert err.startswith("mappings/northlab.yaml:1:1: ")
    assert "Traceback" not in err
