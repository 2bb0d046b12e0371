"""The life of a preperson that begins here: created with a note, read with a link once it is known who it is."""

from __future__ import annotations

import re

import httpx
import pytest

from fhir_bridge.outcome import Json
from fhir_bridge.sandbox import ehealth
from tests.outcomes import issue, outcome
from tests.serving import READY, SANDBOX, Canned, serving, shipped, simulated

pytestmark = pytest.mark.anyio

PATIENTS = "/fhir/ehealth/Patient"
CANON = "https://fhir-bridge.example/fhir"
NOTE = {"url": f"{CANON}/StructureDefinition/preperson-note", "valueString": "brought in by ambulance"}
EXTERNAL_ID = {"system": f"{CANON}/sid/ehealth-external-id", "value": "12345678.87654321.77"}
NEW: Json = {
    "resourceType": "Patient",
    "extension": [NOTE],
    "identifier": [EXTERNAL_ID],
    "gender": "female",
}


def preperson(number: int) -> str:
    """Return the address of a preperson of the sandbox, by the last digits of its id."""
    return f"{PATIENTS}/00000000-0000-4000-8000-{number:012d}"


# --- create


async def test_a_preperson_is_created_with_the_note_that_can_be_written_once(client: httpx.AsyncClient) -> None:
    """https://hl7.org/fhir/R4/http.html#create: 201, and where it stands, in which version."""
    response = await client.post(PATIENTS, json=NEW)

    made = response.json()
    version = made["meta"]["versionId"]
    assert (response.status_code, made) == (201, {**NEW, "id": made["id"], "meta": made["meta"], "active": True})
    assert response.headers["location"] == f"http://bridge.test{PATIENTS}/{made['id']}/_history/{version}"
    assert response.headers["etag"] == f'W/"{version}"'
    assert "last-modified" in response.headers
    assert (await client.get(response.headers["location"])).json() == made


async def test_an_update_leaves_the_note_as_it_is_and_says_so(client: httpx.AsyncClient) -> None:
    made = (await client.post(PATIENTS, json=NEW)).json()
    changed = {**made, "extension": [{**NOTE, "valueString": "went home"}], "name": [{"family": "Коваль"}]}

    response = await client.put(f"{PATIENTS}/{made['id']}", json=changed, headers={"Prefer": "return=OperationOutcome"})
    read = (await client.get(f"{PATIENTS}/{made['id']}")).json()

    text = "eHealth Ukraine cannot hold this element; it is left behind."
    behind = issue("left-behind", "not-supported", text, "Patient.extension[0]", severity="warning")
    assert response.json()["issue"][1:] == [behind]
    assert (read["extension"], read["name"][0]["family"]) == ([NOTE], "Коваль")


async def test_a_patch_of_the_note_is_refused(client: httpx.AsyncClient) -> None:
    made = (await client.post(PATIENTS, json=NEW)).json()

    response = await client.patch(
        f"{PATIENTS}/{made['id']}",
        json=[{"op": "replace", "path": "/extension/0/valueString", "value": "went home"}],
        headers={"Content-Type": "application/json-patch+json"},
    )

    text = "The partner keeps this element itself; leave it as it is."
    place = "Patient.extension[0].value"
    assert (response.status_code, response.json()) == (
        422,
        outcome(issue("read-only", "business-rule", text, place)),
    )


async def test_what_the_client_says_of_id_and_version_is_left_aside(canned: httpx.AsyncClient, partner: Canned) -> None:
    """https://hl7.org/fhir/R4/http.html#create: the server gives them."""
    partner.answer(201, {"data": {"id": "new-1", "external_id": "1"}})

    body = {**NEW, "id": "mine", "meta": {"versionId": "7", "lastUpdated": "2020-01-01T00:00:00Z"}}
    response = await canned.post(PATIENTS, json=body)

    assert partner.calls() == ["POST http://ehealth.test/api/prepersons"]
    assert partner.bodies() == [
        {"note": "brought in by ambulance", "external_id": "12345678.87654321.77", "gender": "FEMALE"}
    ]
    assert (response.status_code, response.headers["location"]) == (201, f"http://bridge.test{PATIENTS}/new-1")
    assert response.json()["id"] == "new-1"


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (
            {"resourceType": "Patient", "gender": "female"},
            issue(
                "too-few",
                "required",
                f"`identifier` with `system` `{CANON}/sid/ehealth-external-id` is missing; add it.",
                "Patient.identifier",
            ),
        ),
        (
            {**NEW, "deceasedDateTime": "2026-01-01"},
            issue(
                "rule-broken",
                "invariant",
                "A preperson is created alive: leave this out, and send deceasedDateTime by an update once the "
                "preperson is there.",
                "Patient.deceased",
            ),
        ),
    ],
)
async def test_what_no_preperson_is_created_with_is_refused_before_any_call(
    canned: httpx.AsyncClient, partner: Canned, body: Json, found: Json
) -> None:
    response = await canned.post(PATIENTS, json=body)

    assert (response.status_code, response.json(), partner.calls()) == (422, outcome(found), [])


@pytest.mark.parametrize(
    ("token", "status_code", "refused"),
    [
        (
            "token-unverified-party",
            403,
            issue(
                "partner-refused",
                "forbidden",
                "eHealth Ukraine does not allow this.",
                partner=("ehealth", "forbidden"),
                diagnostics="Access denied. Party is not verified",
            ),
        ),
        (
            "token-suspended-legal-entity",
            409,
            issue(
                "partner-refused",
                "business-rule",
                "eHealth Ukraine refused the request.",
                partner=("ehealth", "request_conflict"),
                diagnostics="Legal entity must be ACTIVE",
            ),
        ),
        (
            "token-no-inpatient-service",
            409,
            issue(
                "partner-refused",
                "business-rule",
                "eHealth Ukraine refused the request.",
                partner=("ehealth", "request_conflict"),
                diagnostics="Legal entity does not have appropriate healthcare services",
            ),
        ),
    ],
)
async def test_who_may_not_create_is_told_why(token: str, status_code: int, refused: Json) -> None:
    async with serving(shipped({**SANDBOX, "EHEALTH_ACCESS_TOKEN": token}), simulated()) as client:
        response = await client.post(PATIENTS, json=NEW)

    assert (response.status_code, response.json()) == (status_code, outcome(refused))


async def test_what_the_partner_finds_is_told_at_the_clients_element() -> None:
    strict = simulated(ehealth=ehealth.create_app(strict_external_id=True))

    async with serving(shipped(SANDBOX), strict) as client:
        response = await client.post(PATIENTS, json={**NEW, "identifier": [{**EXTERNAL_ID, "value": "#1"}]})

    (found,) = response.json()["issue"]
    assert (response.status_code, found["code"], found["expression"]) == (
        422,
        "value",
        ["Patient.identifier[0].value"],
    )


async def test_a_creation_is_not_sent_twice(canned: httpx.AsyncClient, partner: Canned) -> None:
    """The first may have made a preperson."""
    partner.answer(503)

    response = await canned.post(PATIENTS, json=NEW)

    assert (response.status_code, len(partner.calls())) == (503, 1)


@pytest.mark.parametrize(
    ("prefer", "said"),
    [
        ("return=minimal", None),
        (
            "return=OperationOutcome",
            outcome(issue("done", "informational", "The partner carried out the call.", severity="information")),
        ),
    ],
)
async def test_the_answer_is_as_the_client_prefers(client: httpx.AsyncClient, prefer: str, said: Json) -> None:
    response = await client.post(PATIENTS, json=NEW, headers={"Prefer": prefer})

    assert (response.status_code, response.json() if response.content else None) == (201, said)
    assert re.search(rf"{PATIENTS}/[0-9a-f-]{{36}}/_history/", response.headers["location"])


@pytest.mark.parametrize(
    "sign",
    [{}, {"meta": {"profile": [f"{CANON}/StructureDefinition/ehealth-preperson"]}}],
    ids=["identifier", "profile"],
)
async def test_the_hub_knows_a_preperson_by_its_identifier_or_profile(client: httpx.AsyncClient, sign: Json) -> None:
    """And says where it stands: at the base of its own."""
    response = await client.post("/fhir/Patient", json={**NEW, **sign})

    assert response.status_code == 201
    assert response.headers["location"].startswith(f"http://bridge.test{PATIENTS}/")


async def test_prepersons_are_created_in_a_batch_too(client: httpx.AsyncClient) -> None:
    entry = {"request": {"method": "POST", "url": "Patient"}, "resource": NEW}
    alone = {"request": {"method": "POST", "url": "Patient"}, "resource": {"resourceType": "Patient"}}

    response = await client.post(
        "/fhir/ehealth", json={"resourceType": "Bundle", "type": "batch", "entry": [entry, alone, entry]}
    )

    answers = [each["response"] for each in response.json()["entry"]]
    assert [each["status"] for each in answers] == ["201 Created", "422 Unprocessable Content", "201 Created"]
    assert len({answers[n]["location"] for n in (0, 2)}) == 2
    assert answers[1]["outcome"]["issue"][0]["expression"] == ["Patient.identifier"]


# --- merge requests


async def test_a_signed_merge_request_is_a_link_to_the_person(client: httpx.AsyncClient) -> None:
    """A person of the registry is no preperson: there is an identifier, and no address."""
    response = await client.get(preperson(25))

    assert (response.status_code, response.json()["link"]) == (
        200,
        [
            {
                "type": "replaced-by",
                "other": {
                    "type": "Patient",
                    "identifier": {
                        "system": f"{CANON}/sid/ehealth-person",
                        "value": "00000000-0000-4000-8000-0000000e0025",
                    },
                },
            }
        ],
    )


@pytest.mark.parametrize("number", [21, 22, 23, 24])
async def test_any_other_merge_request_is_none(client: httpx.AsyncClient, number: int) -> None:
    assert "link" not in (await client.get(preperson(number))).json()


async def test_a_search_by_id_shows_the_link_too(client: httpx.AsyncClient) -> None:
    ids = ",".join(f"00000000-0000-4000-8000-{number:012d}" for number in (24, 25))

    bundle = (await client.get(f"{PATIENTS}?_id={ids}")).json()

    assert ["link" in entry["resource"] for entry in bundle["entry"]] == [False, True]


@pytest.mark.parametrize(("number", "status_code"), [(24, 304), (25, 200)])
async def test_what_has_a_link_is_always_shown(client: httpx.AsyncClient, number: int, status_code: int) -> None:
    """The version is the preperson's, which a merge request does not change."""
    etag = (await client.get(preperson(number))).headers["ETag"]

    response = await client.get(preperson(number), headers={"If-None-Match": etag})

    assert response.status_code == status_code


async def test_who_may_not_see_merge_requests_reads_the_rest() -> None:
    """Marked as not all that there is."""
    async with serving(shipped({**SANDBOX, "EHEALTH_ACCESS_TOKEN": "token-read-only"}), simulated()) as client:
        response = await client.get(preperson(25))

    subsetted = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
    read = response.json()
    assert (response.status_code, read["meta"]["tag"], "link" in read) == (200, [subsetted], False)


async def test_a_read_whose_merge_requests_cannot_be_had_fails(client: httpx.AsyncClient) -> None:
    response = await client.get(preperson(26))

    step = "The record was read; what failed is the further call of it, "
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert response.json() == outcome(
        issue(
            "partner-error",
            "transient",
            "eHealth Ukraine is not available; send again later.",
            partner=("ehealth", "internal_error"),
            diagnostics="Service is temporarily unavailable",
        ),
        issue(
            "step-failed",
            "informational",
            f"{step}GET /api/merge_requests?merge_person_id={{id}}&status=SIGNED.",
            severity="information",
        ),
    )


async def test_such_a_preperson_can_be_changed_all_the_same(client: httpx.AsyncClient) -> None:
    """What is asked besides belongs to reading alone."""
    patch = [{"op": "replace", "path": "/gender", "value": "male"}]

    patched = await client.patch(
        preperson(26), json=patch, headers={"Content-Type": "application/json-patch+json", "If-Match": "*"}
    )

    assert (patched.status_code, patched.json()["gender"]) == (200, "male")


# --- tokens


def exchange(**values: str) -> Json:
    types = {"redirectUri": "valueUri"}
    parts = [{"name": name, types.get(name, "valueString"): value} for name, value in values.items()]
    return {"resourceType": "Parameters", "parameter": parts}


CODE = {
    "code": "code-good",
    "redirectUri": "https://mis.example.org/signed-in",
    "scope": "preperson:read merge_request:read",
}


async def test_a_code_is_exchanged_and_the_token_reads() -> None:
    """Nobody has a token yet when a code is exchanged, so none is asked for, and none is sent."""
    routes = shipped({name: value for name, value in SANDBOX.items() if name != "EHEALTH_ACCESS_TOKEN"})

    async with serving(routes, simulated()) as client:
        answered = await client.post("/fhir/ehealth/$exchange-code", json=exchange(**CODE))
        told = {part["name"]: part.get("valueString") for part in answered.json()["parameter"]}
        bearer = {"Authorization": f"Bearer {told['accessToken']}"}
        read = await client.get(preperson(25), headers=bearer)
        written = await client.post(PATIENTS, json=NEW, headers=bearer)
        renewed = await client.post(
            "/fhir/ehealth/$refresh-token", json=exchange(refreshToken=str(told["refreshToken"]))
        )

    assert (answered.status_code, set(told)) == (
        200,
        {"accessToken", "expiresAt", "refreshToken", "scope", "user"},
    )
    assert told["scope"] == "merge_request:read preperson:read"
    assert (read.status_code, written.status_code, renewed.status_code) == (200, 403, 200)


async def test_the_bridge_adds_its_client_and_sends_no_token(canned: httpx.AsyncClient, partner: Canned) -> None:
    partner.answer(201, {"data": {"value": "a-1", "expires_at": 1772604367}})

    response = await canned.post("/fhir/ehealth/$exchange-code", json=exchange(**CODE))

    (request,) = partner.requests
    assert partner.calls() == ["POST http://ehealth.test/oauth/tokens"]
    assert partner.bodies() == [
        {
            "token": {
                "code": "code-good",
                "redirect_uri": "https://mis.example.org/signed-in",
                "scope": "preperson:read merge_request:read",
                "grant_type": "authorization_code",
                "client_id": READY["EHEALTH_CLIENT_ID"],
                "client_secret": READY["EHEALTH_CLIENT_SECRET"],
            }
        }
    ]
    assert ("authorization" in request.headers, request.headers["api-key"]) == (False, READY["EHEALTH_API_KEY"])
    assert response.json() == {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "accessToken", "valueString": "a-1"},
            {"name": "expiresAt", "valueInstant": "2026-03-04T06:06:07Z"},
        ],
    }


@pytest.mark.parametrize(
    ("operation", "values", "words"),
    [
        ("exchange-code", {**CODE, "code": "code-expired"}, "Token expired."),
        ("exchange-code", {**CODE, "code": "nobody's"}, "Token not found."),
        ("refresh-token", {"refreshToken": "refresh-expired"}, "Token expired."),
    ],
)
async def test_a_code_or_token_that_is_not_good_asks_the_user_to_log_in(
    client: httpx.AsyncClient, operation: str, values: dict[str, str], words: str
) -> None:
    """Also where the bridge has a token of its own: it is the user's that was refused."""
    response = await client.post(f"/fhir/ehealth/${operation}", json=exchange(**values))

    assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
    assert response.json() == outcome(
        issue(
            "partner-credentials-refused",
            "login",
            "eHealth Ukraine refused the token that you sent.",
            partner=("ehealth", "access_denied"),
            diagnostics=words,
        )
    )


async def test_the_bridges_own_secret_that_is_refused_is_its_own() -> None:
    async with serving(shipped({**SANDBOX, "EHEALTH_CLIENT_SECRET": "wrong"}), simulated()) as client:
        response = await client.post("/fhir/ehealth/$exchange-code", json=exchange(**CODE))

    (found,) = response.json()["issue"]
    assert (response.status_code, found["code"], found["diagnostics"]) == (
        502,
        "login",
        "Invalid client id or secret.",
    )


@pytest.mark.parametrize("operation", ["exchange-code", "refresh-token"])
async def test_what_a_token_is_had_for_must_be_there(
    canned: httpx.AsyncClient, partner: Canned, operation: str
) -> None:
    response = await canned.post(f"/fhir/ehealth/${operation}", json={"resourceType": "Parameters"})

    assert (response.status_code, partner.calls()) == (422, [])
    assert {each["code"] for each in response.json()["issue"]} == {"required"}


async def test_without_a_client_of_its_own_the_bridge_exchanges_nothing() -> None:
    """The operations are not there, and not stated."""
    names = ("EHEALTH_CLIENT_ID", "EHEALTH_CLIENT_SECRET")
    routes = shipped({name: value for name, value in SANDBOX.items() if name not in names})

    async with serving(routes, simulated()) as client:
        response = await client.post("/fhir/ehealth/$exchange-code", json=exchange(**CODE))
        statement = (await client.get("/fhir/ehealth/metadata")).json()

    assert response.status_code == 404
    assert [each["name"] for each in statement["rest"][0]["operation"]] == ["versions"]
