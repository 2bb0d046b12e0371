"""`PUT /fhir/roche/Bundle/{id}`: a message is passed through in STU3, or converted from R4 and back."""

import copy
import json
from uuid import UUID

import httpx
import pytest

from fhir_bridge.mapping.routes import Routes
from fhir_bridge.outcome import IssueCode, Json
from fhir_bridge.sandbox import roche
from tests.outcomes import issue, outcome
from tests.server.roche_sample import ANSWER, REQUEST
from tests.serving import Canned, serving, simulated

pytestmark = pytest.mark.anyio

URL = "/fhir/roche/Bundle/Bj6.1Lq-hvb-28"
SAMPLE = json.loads(REQUEST)
FHIR_JSON = {"Content-Type": "application/fhir+json"}
R4_JSON = {"Content-Type": "application/fhir+json; fhirVersion=4.0"}
R4_MESSAGE: Json = {
    "resourceType": "Bundle",
    "type": "message",
    "timestamp": "2020-03-27T12:21:39.471Z",
    "entry": [
        {
            "resource": {
                "resourceType": "MessageHeader",
                "id": "88a37162-3d7c-41c3-89ab-6e25fd68ba00",
                "eventCoding": {"system": "http://roche.com/fhir/rdc/message-type", "code": "new-bundle"},
                "source": {"endpoint": "urn:oid:2.16.724.4.2"},
            }
        },
        {
            "resource": {
                "resourceType": "Patient",
                "id": "Bj6.1Lq-hvb-28",
                "identifier": [{"system": "urn:oid:2.16.724.4.41", "value": "12345678Z"}],
                "name": [{"family": "Doe", "given": ["John"]}],
                "telecom": [{"system": "phone", "value": "123456789"}],
            }
        },
        {
            "resource": {
                "resourceType": "Condition",
                "clinicalStatus": {
                    "coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]
                },
                "code": {"coding": [{"system": "http://snomed.info/sct", "code": "426875007"}]},
                "subject": {"reference": "Patient/Bj6.1Lq-hvb-28"},
            }
        },
    ],
}


def entry(index: int, **changes: Json) -> Json:
    """Return the sample with changes to the resource of one entry; None removes an element."""
    bundle = copy.deepcopy(SAMPLE)
    resource = bundle["entry"][index]["resource"]
    changed = {**resource, **changes}
    bundle["entry"][index]["resource"] = {name: value for name, value in changed.items() if value is not None}
    return bundle


def of_patient(id_: str) -> Json:
    """Return a message about a patient of the sandbox that breaks no rule."""
    identifier = [{"system": "urn:oid:2.16.724.4.41", "value": id_.upper()}]
    return entry(1, id=id_, identifier=identifier, telecom=None)


async def put(client: httpx.AsyncClient, body: Json, url: str = URL, **headers: str) -> httpx.Response:
    return await client.put(url, json=body, headers=FHIR_JSON | headers)


async def test_the_partners_own_sample_passes_through_unharmed(canned: httpx.AsyncClient, partner: Canned) -> None:
    """The page's request and answer: the partner gets the same JSON, and the client what the partner answers."""
    partner.answer(200, text=ANSWER)

    response = await canned.put(URL, content=REQUEST, headers=FHIR_JSON)

    assert partner.calls() == ["PUT https://roche.test/partners/fhir/stu3/api/v2/Bundle/Bj6.1Lq-hvb-28"]
    assert partner.bodies() == [json.loads(REQUEST)]
    assert (response.status_code, response.json()) == (200, json.loads(ANSWER))
    assert response.headers["content-type"] == "application/fhir+json; charset=utf-8"


async def test_the_simulated_partner_takes_the_sample(client: httpx.AsyncClient) -> None:
    """It checks every element against STU3; its answer is the message again."""
    response = await client.put(URL, content=REQUEST, headers=FHIR_JSON)

    assert (response.status_code, response.json()) == (200, SAMPLE)


async def test_an_r4_message_reaches_the_partner_as_stu3(canned: httpx.AsyncClient, partner: Canned) -> None:
    """`eventCoding`, `clinicalStatus` and `timestamp` become what STU3 has in their place."""
    partner.answer(200, text=ANSWER)

    await canned.put(URL, json=R4_MESSAGE, headers=R4_JSON)

    assert partner.bodies() == [
        {
            "resourceType": "Bundle",
            "type": "message",
            "entry": [
                {
                    "resource": {
                        "resourceType": "MessageHeader",
                        "id": "88a37162-3d7c-41c3-89ab-6e25fd68ba00",
                        "event": {"system": "http://roche.com/fhir/rdc/message-type", "code": "new-bundle"},
                        "timestamp": "2020-03-27T12:21:39.471Z",
                        "source": {"endpoint": "urn:oid:2.16.724.4.2"},
                    }
                },
                R4_MESSAGE["entry"][1],
                {
                    "resource": {
                        "resourceType": "Condition",
                        "clinicalStatus": "active",
                        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "426875007"}]},
                        "subject": {"reference": "Patient/Bj6.1Lq-hvb-28"},
                    }
                },
            ],
        }
    ]
    (request,) = partner.requests
    assert request.headers["content-type"] == "application/fhir+json"


async def test_the_answer_to_an_r4_message_is_r4(client: httpx.AsyncClient) -> None:
    """There and back, through a partner that would refuse R4: the client reads what it wrote."""
    response = await client.put(URL, json=R4_MESSAGE, headers=R4_JSON)

    assert (response.status_code, response.json()) == (200, R4_MESSAGE)
    assert response.headers["content-type"] == "application/fhir+json; charset=utf-8; fhirVersion=4.0"


async def test_the_partners_array_becomes_one_identifier_in_r4(canned: httpx.AsyncClient, partner: Canned) -> None:
    """`managingOrganization.identifier`, an array in the sample, which neither version allows."""
    partner.answer(200, text=ANSWER)

    response = await canned.put(URL, json=R4_MESSAGE, headers=R4_JSON)

    assert response.json()["entry"][1]["resource"]["managingOrganization"] == {
        "identifier": {"system": "urn:oid:", "value": "2.16.724.4.2"}
    }


async def test_stu3_may_be_said_outright(client: httpx.AsyncClient) -> None:
    """The answer says it too then."""
    response = await client.put(URL, json=SAMPLE, headers={"Content-Type": "application/fhir+json; fhirVersion=3.0"})

    assert (response.status_code, response.json()) == (200, SAMPLE)
    assert response.headers["content-type"] == "application/fhir+json; charset=utf-8; fhirVersion=3.0"


async def test_an_r4_message_that_does_not_say_so_is_read_as_stu3(client: httpx.AsyncClient) -> None:
    """What to say in Content-Type; and every element that STU3 does not have, and every one that it misses."""
    response = await put(client, R4_MESSAGE)

    assert response.status_code == 400
    assert response.json() == outcome(
        issue(
            "content-type-not-supported",
            "informational",
            "This is FHIR 4.0; say so in Content-Type: application/fhir+json; fhirVersion=4.0.",
            "http.Content-Type",
            severity="information",
        ),
        issue(
            "unknown-element",
            "structure",
            "`timestamp` is not an element of Bundle; leave it out, or send it as an extension.",
            "Bundle.timestamp",
        ),
        issue(
            "unknown-element",
            "structure",
            "`eventCoding` is not an element of MessageHeader; leave it out, or send it as an extension.",
            "Bundle.entry[0].resource.eventCoding",
        ),
        issue(
            "element-missing",
            "required",
            "`event` is missing; MessageHeader requires it.",
            "Bundle.entry[0].resource.event",
        ),
        issue(
            "element-missing",
            "required",
            "`timestamp` is missing; MessageHeader requires it.",
            "Bundle.entry[0].resource.timestamp",
        ),
        issue(
            "wrong-type",
            "structure",
            "`clinicalStatus` must be a string, not an object.",
            "Bundle.entry[2].resource.clinicalStatus",
        ),
    )


@pytest.mark.parametrize("id_", [None, "a-bundle"])
async def test_the_bundle_needs_no_id_of_its_own(client: httpx.AsyncClient, id_: str | None) -> None:
    """The id in the address is the patient's."""
    body = {**SAMPLE, "id": id_} if id_ else SAMPLE

    response = await put(client, body)

    assert (response.status_code, response.json()) == (200, SAMPLE)


async def test_the_patient_must_be_the_one_of_the_address(client: httpx.AsyncClient) -> None:
    """At the place of the patient's id."""
    response = await put(client, SAMPLE, "/fhir/roche/Bundle/Only-Mandatory")

    assert response.status_code == 400
    assert response.json() == outcome(
        issue(
            "id-differs",
            "invalid",
            "The id in the body must be the id in the address; make them the same.",
            "Bundle.entry[1].resource.id",
        )
    )


@pytest.mark.parametrize(
    ("header", "endpoint", "sent"),
    [
        (None, "<Organization OID>", "2.16.724.4.2"),
        (None, "2.16.724.4.7", "2.16.724.4.7"),
        (None, "urn:oid:2.16.724.4.7", "2.16.724.4.7"),
        (None, "http://emr.example.org", "2.16.724.4.2"),
        ("2.16.724.4.8", "2.16.724.4.7", "2.16.724.4.8"),
    ],
)
async def test_the_organisation_is_the_clients_else_the_messages_else_the_one_that_is_configured(
    canned: httpx.AsyncClient, partner: Canned, header: str | None, endpoint: str, sent: str
) -> None:
    """`org_id`; an endpoint counts where it is an OID."""
    partner.answer(200, text=ANSWER)

    await put(canned, entry(0, source={"endpoint": endpoint}), **({"org_id": header} if header else {}))

    (request,) = partner.requests
    assert request.headers["org_id"] == sent


async def test_the_request_id_goes_along_where_it_is_a_uuid(canned: httpx.AsyncClient, partner: Canned) -> None:
    """The partner wants a UUID."""
    partner.answer(200, text=ANSWER)

    await put(canned, SAMPLE, **{"X-Request-Id": "5109d51b-421e-4746-b673-16e3fe2b3442"})

    (request,) = partner.requests
    assert request.headers["x-origin-request-id"] == "5109d51b-421e-4746-b673-16e3fe2b3442"


@pytest.mark.parametrize("headers", [{}, {"X-Request-Id": "nightly-run-7"}])
async def test_else_the_partner_gets_a_new_uuid(
    canned: httpx.AsyncClient, partner: Canned, headers: dict[str, str]
) -> None:
    """One for each call."""
    partner.answer(200, text=ANSWER)

    await put(canned, SAMPLE, **headers)
    await put(canned, SAMPLE, **headers)

    first, second = [request.headers["x-origin-request-id"] for request in partner.requests]
    assert str(UUID(first)) == first
    assert str(UUID(second)) == second
    assert first != second


async def test_the_state_before_the_change_passes_as_it_is(routes: Routes) -> None:
    """As the page's own sample answers."""
    app = roche.create_app(echo_previous_state=True)
    async with serving(routes, simulated(roche=app)) as client:
        response = await client.put(URL, content=REQUEST, headers=FHIR_JSON)

    assert (response.status_code, response.json()) == (200, json.loads(ANSWER))


@pytest.mark.parametrize("headers", [FHIR_JSON, R4_JSON])
async def test_a_success_without_a_body_is_still_an_answer(routes: Routes, headers: dict[str, str]) -> None:
    """Older versions answer 200 and nothing more."""
    body = R4_MESSAGE if headers == R4_JSON else SAMPLE
    async with serving(routes, simulated(roche=roche.create_app(empty_answer=True))) as client:
        response = await client.put(URL, json=body, headers=headers)

    assert response.status_code == 200
    assert response.json() == outcome(
        issue("done", "informational", "The partner carried out the call.", severity="information")
    )


STATUSES = {
    "Unknown-404": (
        404,
        issue(
            "partner-refused",
            "not-found",
            "Roche Diabetes Care does not know this.",
            partner=("roche", "not-found"),
            diagnostics="Patient not found",
        ),
    ),
    "Other-Organization": (
        404,
        issue(
            "partner-refused",
            "not-found",
            "Roche Diabetes Care does not know this.",
            partner=("roche", "not-found"),
            diagnostics="Patient not found",
        ),
    ),
    "Unauthorized-401": (
        502,
        issue("partner-credentials-refused", "login", "Roche Diabetes Care refused the bridge's own credentials."),
    ),
    "Forbidden-403": (403, issue("partner-refused", "forbidden", "Roche Diabetes Care does not allow this.")),
    "Method-Not-Allowed-405": (
        502,
        issue(
            "partner-error",
            "exception",
            "Roche Diabetes Care did not understand the bridge's call; the mapping file has to be mended.",
        ),
    ),
    "Exception-500": (
        502,
        issue(
            "partner-error",
            "exception",
            "Roche Diabetes Care failed.",
            partner=("roche", "exception"),
            diagnostics="Internal server error.",
        ),
    ),
    "Not-Implemented-501": (
        501,
        issue("partner-error", "not-supported", "Roche Diabetes Care does not support this."),
    ),
}


@pytest.mark.parametrize("id_", STATUSES)
async def test_every_status_of_the_partners_table(client: httpx.AsyncClient, id_: str) -> None:
    """Its 401, 403, 405 and 501 have empty bodies; the client gets an OperationOutcome all the same."""
    status, told = STATUSES[id_]

    response = await put(client, of_patient(id_), f"/fhir/roche/Bundle/{id_}")

    assert (response.status_code, response.json()) == (status, outcome(told))


async def test_an_organisation_that_the_partner_does_not_know_is_forbidden(client: httpx.AsyncClient) -> None:
    """403, with an empty body at the partner."""
    response = await put(client, SAMPLE, org_id="2.16.724.4.7")

    assert response.status_code == 403
    assert response.json() == outcome(issue("partner-refused", "forbidden", "Roche Diabetes Care does not allow this."))


def refused(code: IssueCode, words: str) -> Json:
    """Return the issue for a complaint of the partner; its own code is the issue type."""
    return issue(
        "partner-refused", code, "Roche Diabetes Care refused the request.", partner=("roche", code), diagnostics=words
    )


@pytest.mark.parametrize(("status", "code"), [(400, "duplicate"), (409, "conflict")])
async def test_an_email_that_is_taken(routes: Routes, status: int, code: IssueCode) -> None:
    """The partner's own issue type, where its status is not one that decides."""
    taken = entry(1, telecom=[{"system": "email", "value": "taken@example.org"}])
    app = roche.create_app(duplicate_status_code=status)  # type: ignore[arg-type]
    async with serving(routes, simulated(roche=app)) as client:
        response = await put(client, taken)

    told = refused(code, "Another patient has this identifier or e-mail address")
    told["details"]["coding"][1]["code"] = "duplicate"
    assert (response.status_code, response.json()) == (status, outcome(told))


async def test_what_the_partner_alone_objects_to_is_told_in_its_words(client: httpx.AsyncClient) -> None:
    """All of its issues, in its order."""
    body = entry(1, meta={"profile": ["http://northlab.example/patient"]})
    body["entry"][0]["resource"]["event"] = {"system": "http://roche.com/fhir/rdc/message-type", "code": "news"}

    response = await put(client, body)

    assert response.status_code == 400
    assert response.json() == outcome(
        refused("invalid", "MessageHeader.event is not http://roche.com/fhir/rdc/message-type|new-bundle"),
        refused("invalid", "Patient.meta.profile is not http://roche.com/fhir/rdc/StructureDefinition/patient-v2"),
    )


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        (
            {**SAMPLE, "entry": SAMPLE["entry"][1:]},
            422,
            issue(
                "too-few",
                "required",
                "`entry` with `resource` of type `MessageHeader` is missing; add it.",
                "Bundle.entry",
            ),
        ),
        (
            {**SAMPLE, "entry": [SAMPLE["entry"][0], SAMPLE["entry"][2]]},
            422,
            issue(
                "too-few", "required", "`entry` with `resource` of type `Patient` is missing; add it.", "Bundle.entry"
            ),
        ),
        (
            {**SAMPLE, "entry": [SAMPLE["entry"][1], SAMPLE["entry"][0]]},
            422,
            issue(
                "rule-broken", "invariant", "The MessageHeader must be the first entry: move it to the front.", "Bundle"
            ),
        ),
        (
            {**SAMPLE, "type": "collection"},
            422,
            issue("value-not-allowed", "value", "`type` must be `message` here; correct it.", "Bundle.type"),
        ),
        (
            entry(1, name=None),
            422,
            issue("too-few", "required", "`name` is missing; add it.", "Bundle.entry[1].resource.name"),
        ),
        (
            entry(1, gender="robot"),
            400,
            issue(
                "code-not-allowed",
                "code-invalid",
                "`robot` is not a code of `gender`; allowed are female, male, other, unknown.",
                "Bundle.entry[1].resource.gender",
            ),
        ),
    ],
    ids=["no MessageHeader", "no Patient", "the MessageHeader second", "no message", "no name", "a wrong code"],
)
async def test_what_is_no_message_for_this_partner_is_not_sent(
    canned: httpx.AsyncClient, partner: Canned, body: Json, status: int, told: Json
) -> None:
    """STU3 and the profile are checked before any call."""
    response = await put(canned, body)

    assert (response.status_code, response.json()) == (status, outcome(told))
    assert partner.calls() == []


async def test_an_unknown_modifier_extension_is_refused_in_a_message_too(
    canned: httpx.AsyncClient, partner: Canned
) -> None:
    """Section 3 of the contract: always."""
    partner.answer(200, text=ANSWER)

    response = await put(canned, entry(1, modifierExtension=[{"url": "http://example.org/not", "valueBoolean": True}]))

    text = "This modifierExtension is not known here, and what it modifies means something else without it."
    assert response.status_code == 422
    assert response.json() == outcome(
        issue("unknown-modifier", "extension", text, "Bundle.entry[1].resource.modifierExtension[0]")
    )


async def test_numbers_and_text_pass_as_they_were_written(canned: httpx.AsyncClient, partner: Canned) -> None:
    """`1.50` is not `1.5`, in either direction, and Cyrillic letters are not escaped."""
    written = '{"url":"http://example.org/weight","valueDecimal":1.50}'
    body = REQUEST.replace('"gender": "male"', f'"extension": [{written}], "gender": "male"').replace("Doe", "Іванов")
    partner.answer(200, text=body)

    response = await canned.put(URL, content=body, headers=FHIR_JSON)

    (request,) = partner.requests
    assert written.encode() in request.content
    assert "Іванов".encode() in request.content
    assert written.encode() in response.content
