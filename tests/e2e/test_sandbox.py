"""`fhir-bridge sandbox` over real sockets: the commands that it prints do what they say."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import signal
import ssl
import subprocess
from collections.abc import Iterator
from typing import NamedTuple

import httpx
import pytest

from fhir_bridge.outcome import Json
from fhir_bridge.sandbox.welcome import CALLS
from tests.e2e.processes import PATIENCE_S, ended, ran, started, url_in

LAST_LINE = "Ctrl-C stops it all."


class Answer(NamedTuple):
    """What a command got: the status and the JSON of the body."""

    status_code: int
    body: Json


@pytest.fixture(scope="module")
def printed() -> Iterator[str]:
    """A running sandbox: what it printed when it was ready."""
    with started("sandbox", "--port", "0", until=LAST_LINE) as (_, text):
        yield text


def commands(printed: str) -> list[str]:
    """Return the commands that the sandbox printed, each as one would copy it."""
    return re.findall(r"^curl .*?(?=\n\n)", printed, flags=re.MULTILINE | re.DOTALL)


def words(command: str) -> list[str]:
    """Return the words that a shell reads; a backslash at the end of a line joins it to the next."""
    return shlex.split(command.replace("\\\n", ""))


def answer_of(command: str) -> Answer:
    """Run a command as it stands; without curl, make the call that it means."""
    return _by_curl(command) if shutil.which("curl") else _by_httpx(command)


def _by_curl(command: str) -> Answer:
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True, timeout=PATIENCE_S)
    head, _, body = done.stdout.partition("\n\n")
    return Answer(int(head.split()[1]), json.loads(body))


def _by_httpx(command: str) -> Answer:
    _, _, _, method, url, _, header, _, body = words(command)
    name, _, value = header.partition(": ")
    response = httpx.request(method, url, headers={name: value}, content=body.encode(), timeout=PATIENCE_S)
    return Answer(response.status_code, response.json())


def test_it_prints_the_bases_with_the_partner_behind_each(printed: str) -> None:
    url = re.escape(url_in(printed))

    assert re.fullmatch(
        rf"fhir-bridge is ready at {url}/fhir; its bases, and the simulated partner behind each:\n"
        rf"  {url}/fhir/healthex   http://127\.0\.0\.1:\d+\n"
        rf"  {url}/fhir/ehealth    http://127\.0\.0\.1:\d+\n"
        rf"  {url}/fhir/wmda       http://127\.0\.0\.1:\d+/api/v2\n"
        rf"  {url}/fhir/roche      https://127\.0\.0\.1:\d+/partners/fhir/stu3/api\n",
        printed.partition("\n\n")[0] + "\n",
    )


def test_it_prints_a_command_for_each_of_the_four_calls(printed: str) -> None:
    url = url_in(printed)

    assert [words(command) for command in commands(printed)] == [
        [
            "curl",
            "-i",
            "-X",
            each.method,
            f"{url}{each.path}",
            "-H",
            f"Content-Type: {each.content_type}",
            "-d",
            each.body,
        ]
        for each in CALLS
    ]


def test_the_first_command_starts_a_retrieval(printed: str) -> None:
    answer = answer_of(commands(printed)[0])

    parameters = {each["name"]: each for each in answer.body["parameter"]}
    assert answer.status_code == 200
    assert parameters["message"] == {"name": "message", "valueCode": "IN_PROGRESS_NO_ACTION_NEEDED"}
    assert parameters["outcome"]["resource"]["issue"][0]["severity"] == "information"
    assert set(parameters) == {"message", "retrievalId", "skippedFacilitiesCount", "counts", "outcome"}


def test_the_second_command_changes_the_patronymic_for_good(printed: str) -> None:
    answer = answer_of(commands(printed)[1])

    read = httpx.get(f"{url_in(printed)}{CALLS[1].path}").json()
    assert answer == Answer(200, read)
    assert read["name"][0]["given"][1] == "Степанович"


def test_the_third_command_stops_the_search(printed: str) -> None:
    answer = answer_of(commands(printed)[2])

    assert answer.status_code == 200
    assert answer.body["parameter"][:2] == [
        {"name": "status", "valueCode": "STP"},
        {"name": "reason", "valueCode": "PDC"},
    ]


def test_the_fourth_command_passes_a_message_through_mutual_tls(printed: str) -> None:
    answer = answer_of(commands(printed)[3])

    assert answer.status_code == 200
    assert answer.body["entry"][1]["resource"]["telecom"] == [{"system": "phone", "value": "123456789"}]


def test_roche_answers_nobody_without_the_client_certificate(printed: str) -> None:
    address = re.search(r"https://\S+", printed)
    assert address is not None
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE

    with pytest.raises(httpx.TransportError, match=r"(?i)certificate|disconnected|EOF|reset"):
        httpx.get(f"{address[0]}/Patient/Bj6.1Lq-hvb-28", verify=trusting)


def test_no_answer_waits_for_the_acknowledgement_of_its_headers(printed: str) -> None:
    """That takes 40 ms each, on a connection that is kept."""
    with httpx.Client(base_url=url_in(printed)) as client:
        took_s = [client.get("/fhir/metadata").elapsed.total_seconds() for _ in range(20)]

    assert min(took_s[10:]) < 0.03


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_without_a_trace(number: int) -> None:
    with started("sandbox", "--port", "0", until=LAST_LINE) as (process, _):
        assert ended(process, number) == (0, "")


def test_it_ends_while_somebody_still_waits_for_a_late_answer() -> None:
    with started("sandbox", "--port", "0", until=LAST_LINE) as (process, text):
        late = f"{url_in(text)}/fhir/healthex/Patient/answers-late/$update-data"
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(late, timeout=0.5)

        status, err = ended(process, signal.SIGINT)

    assert status == 0
    assert "Traceback" not in err


def test_a_port_that_is_taken_is_one_line(printed: str) -> None:
    port = url_in(printed).rpartition(":")[2]

    assert ran("sandbox", "--port", port) == (
        2,
        "",
        f"fhir-bridge: cannot listen on 127.0.0.1, port {port}: Address already in use; choose another with --port\n",
    )


def test_a_real_partner_that_is_configured_is_left_alone() -> None:
    real = {"EHEALTH_BASE_URL": "https://real.invalid", "EHEALTH_API_KEY": "real"}

    with started("sandbox", "--port", "0", until=LAST_LINE, more=real) as (_, text):
        read = httpx.get(f"{url_in(text)}{CALLS[1].path}")

    assert "real.invalid" not in text
    assert read.status_code == 200
