"""Versions over HTTP: conditional reads, and changes of the version that the client has seen."""

import httpx
import pytest

from tests.outcomes import issue, outcome
from tests.server.roche_sample import REQUEST
from tests.server.test_batch import ETAG, ID, IVANOV, RECORD
from tests.serving import Canned

pytestmark = pytest.mark.anyio

PATIENT = f"/fhir/ehealth/Patient/{ID}"
VERSION = "2017-04-20T191413Z-ac31554c5613"
JSON_PATCH = '[{"op": "replace", "path": "/gender", "value": "female"}]'


@pytest.fixture
def record(partner: Canned) -> Canned:
    partner.answer(200, RECORD)
    return partner


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("If-None-Match", ETAG),
        ("If-None-Match", f'"{VERSION}"'),
        ("If-None-Match", VERSION),
        ("If-None-Match", f'W/"older", {ETAG}'),
        ("If-None-Match", "*"),
        ("If-Modified-Since", "Thu, 20 Apr 2017 19:14:13 GMT"),
        ("If-Modified-Since", "Fri, 21 Apr 2017 19:14:13 GMT"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_record_that_the_client_has_already_is_not_sent_again(
    canned: httpx.AsyncClient, record: Canned, method: str, name: str, value: str
) -> None:
    """https://hl7.org/fhir/R4/http.html#cread; the version is said."""
    response = await canned.request(method, PATIENT, headers={name: value})

    assert (response.status_code, response.content) == (304, b"")
    assert (response.headers["etag"], response.headers["last-modified"]) == (ETAG, "Thu, 20 Apr 2017 19:14:13 GMT")
    assert "content-type" not in response.headers


@pytest.mark.parametrize(
    "headers",
    [
        {"If-None-Match": 'W/"older"'},
        {"If-Modified-Since": "Thu, 20 Apr 2017 19:14:12 GMT"},
        {"If-Modified-Since": "never"},
        {"If-None-Match": 'W/"older"', "If-Modified-Since": "Fri, 21 Apr 2017 19:14:13 GMT"},
    ],
)
async def test_any_other_is(canned: httpx.AsyncClient, record: Canned, headers: dict[str, str]) -> None:
    """If-None-Match decides alone where it is there (RFC 9110, section 13.2.2)."""
    response = await canned.get(PATIENT, headers=headers)

    assert (response.status_code, response.json()["id"]) == (200, ID)


async def test_a_record_without_a_version_is_always_sent(canned: httpx.AsyncClient, partner: Canned) -> None:
    """There is nothing to compare."""
    partner.answer(200, {"data": {"id": ID}})

    response = await canned.get(
        PATIENT, headers={"If-None-Match": ETAG, "If-Modified-Since": "Fri, 1 Jan 2100 00:00:00 GMT"}
    )

    assert response.status_code == 200


@pytest.mark.parametrize("if_match", [ETAG, f'"{VERSION}"', VERSION, f'W/"older", {ETAG}', "*"])
async def test_an_update_of_the_version_that_is_there_is_carried_out(
    canned: httpx.AsyncClient, record: Canned, if_match: str
) -> None:
    """The record is read before it is changed."""
    response = await canned.put(PATIENT, json=IVANOV, headers={"If-Match": if_match})

    assert response.status_code == 200
    assert [request.method for request in record.requests] == ["GET", "PATCH"]


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_a_change_of_what_was_changed_since_is_refused(
    canned: httpx.AsyncClient, record: Canned, method: str
) -> None:
    """412 of RFC 9110; nothing is changed."""
    body = IVANOV if method == "PUT" else {"gender": "male"}
    kind = "fhir+json" if method == "PUT" else "merge-patch+json"
    headers = {"If-Unmodified-Since": "Sun, 01 Jan 2012 00:00:00 GMT", "Content-Type": f"application/{kind}"}

    response = await canned.request(method, PATIENT, json=body, headers=headers)

    text = "The record has changed since the time that If-Unmodified-Since names; read it again, then send the change."
    assert response.status_code == 412
    assert response.json() == outcome(issue("version-differs", "conflict", text, "http.If-Unmodified-Since"))
    assert [request.method for request in record.requests] == ["GET"]


@pytest.mark.parametrize("since", ["Fri, 01 Jan 2100 00:00:00 GMT", "long ago"])
async def test_a_change_of_what_was_not_changed_since_is_carried_out(
    canned: httpx.AsyncClient, record: Canned, since: str
) -> None:
    """What is no time is none."""
    response = await canned.put(PATIENT, json=IVANOV, headers={"If-Unmodified-Since": since})

    assert response.status_code == 200
    assert [request.method for request in record.requests] == ["GET", "PATCH"]


async def test_a_strict_client_may_send_back_what_it_has_read(canned: httpx.AsyncClient, record: Canned) -> None:
    """With If-Match the record is read, so what is only read and has not changed is known to be there."""
    headers = {"If-Match": ETAG, "Prefer": "handling=strict"}
    active, other = [{**IVANOV, "active": active} for active in (True, False)]

    same = await canned.put(PATIENT, json=active, headers=headers)
    changed = await canned.put(PATIENT, json=other, headers=headers)

    assert same.status_code == 200
    text = (
        "eHealth Ukraine keeps this element itself, and it changes what the record means; "
        "leave it out, or send it as it was read, with `If-Match`."
    )
    assert (changed.status_code, changed.json()) == (
        422,
        outcome(issue("changes-meaning", "not-supported", text, "Patient.active")),
    )


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_a_change_of_another_version_is_refused(canned: httpx.AsyncClient, record: Canned, method: str) -> None:
    """412, as R4 has it; nothing is changed."""
    content, content_type = (JSON_PATCH, "json-patch+json") if method == "PATCH" else (None, None)
    headers = {"If-Match": 'W/"older"'} | ({"Content-Type": f"application/{content_type}"} if content else {})

    response = await canned.request(method, PATIENT, content=content, json=None if content else IVANOV, headers=headers)

    text = "The record has changed since the version that If-Match names; read it again, then send the change."
    assert response.status_code == 412
    assert response.json() == outcome(issue("version-differs", "conflict", text, "http.If-Match"))
    assert [request.method for request in record.requests] == ["GET"]


async def test_a_patch_of_the_version_that_is_there_is_carried_out(canned: httpx.AsyncClient, record: Canned) -> None:
    """It reads the record anyway."""
    headers = {"If-Match": ETAG, "Content-Type": "application/json-patch+json"}

    response = await canned.patch(PATIENT, content=JSON_PATCH, headers=headers)

    assert response.status_code == 200
    assert [request.method for request in record.requests] == ["GET", "PATCH"]


async def test_where_nothing_can_be_read_there_is_nothing_to_compare(
    canned: httpx.AsyncClient, partner: Canned
) -> None:
    """400, and no call."""
    response = await canned.put(
        "/fhir/roche/Bundle/Bj6.1Lq-hvb-28", content=REQUEST,
        headers={"If-Match": 'W/"1"', "Content-Type": "application/fhir+json"},
    )  # fmt: skip

    text = "The partner tells no version to compare; send the request without If-Match."
    assert response.status_code == 400
    assert response.json() == outcome(issue("version-differs", "not-supported", text, "http.If-Match"))
    assert partner.calls() == []


async def test_nor_is_there_in_a_record_without_a_version(canned: httpx.AsyncClient, partner: Canned) -> None:
    """400, and nothing is changed."""
    partner.answer(200, {"data": {"id": ID}})

    response = await canned.put(PATIENT, json=IVANOV, headers={"If-Match": 'W/"1"'})

    assert response.status_code == 400
    assert [request.method for request in partner.requests] == ["GET"]


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_a_change_that_shall_make_a_record_is_refused(
    canned: httpx.AsyncClient, partner: Canned, method: str
) -> None:
    """`If-None-Match: *`; the record that is there must not be overwritten."""
    response = await canned.request(method, PATIENT, json=IVANOV, headers={"If-None-Match": "*"})

    text = "An update never makes a record here, so `If-None-Match: *` cannot be met; send it without."
    assert response.status_code == 412
    assert response.json() == outcome(issue("version-differs", "conflict", text, "http.If-None-Match"))
    assert partner.calls() == []


@pytest.mark.parametrize("header", ["If-Match", "If-Unmodified-Since"])
@pytest.mark.parametrize("url", ["/fhir/wmda/Patient/7/$update-search-status", "/fhir/Patient/7/$update-search-status"])
async def test_an_operation_compares_no_version(
    canned: httpx.AsyncClient, partner: Canned, url: str, header: str
) -> None:
    """And is not carried out as if the client had set no condition."""
    value = 'W/"1"' if header == "If-Match" else "Sun, 01 Jan 2012 00:00:00 GMT"
    body = {"resourceType": "Parameters", "parameter": [{"name": "status", "valueCode": "SUS"}]}

    response = await canned.post(url, json=body, headers={header: value})

    text = f"An operation compares no version, so nothing was done; read the record, and send it without {header}."
    assert response.status_code == 400
    assert response.json() == outcome(issue("version-differs", "not-supported", text, f"http.{header}"))
    assert partner.calls() == []
