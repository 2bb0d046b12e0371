"""A patient at WMDA, from registration to the end of the search: each call, and what goes wrong with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from fhir_bridge.canonical import CANONICAL
from fhir_bridge.mapping.routes import Routes
from fhir_bridge.outcome import Json
from fhir_bridge.sandbox import wmda
from tests.outcomes import issue, outcome, parameters
from tests.serving import Canned, serving, simulated

pytestmark = pytest.mark.anyio

BASE = "http://bridge.test/fhir/wmda"
ALL = "/fhir/wmda/Patient"
NOON = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
DEFINED = f"{CANONICAL}/StructureDefinition"
JSON_PATCH = {"Content-Type": "application/json-patch+json"}
STRICT = {"Prefer": "handling=strict"}


@pytest.fixture
async def client(routes: Routes) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the bridge before partners of which WMDA's clock stands at noon."""
    app = wmda.create_app(now=lambda: NOON, new_id=lambda: "trace-1")
    async with serving(routes, simulated(wmda=app)) as client:
        yield client


def extension(name: str, **value: Json) -> Json:
    return {"url": f"{DEFINED}/wmda-{name}", **value}


def hla(locus: str, *fields: str) -> Json:
    typed = [{"url": f"field{n}", "valueString": field} for n, field in enumerate(fields, start=1)]
    return extension("hla", extension=[{"url": "locus", "valueCode": locus}, *typed])


def weight(kg: float) -> Json:
    return extension("weight", valueQuantity={"system": "http://unitsofmeasure.org", "code": "kg", "value": kg})


TYPED = [hla("A", "02:01", "24:02"), hla("B", "07:02", "44:02"), hla("DRB1", "15:01", "04:01")]
TERMS = extension("legal-terms", valueBoolean=True)
NEW = extension("search-status", valueCode="NEW")
WMDA_ID = {"system": f"{CANONICAL}/sid/wmda-id", "value": "200001"}
PATIENT_ID = {"system": f"{CANONICAL}/sid/wmda-patient-id", "value": "98765678P"}
SUBSETTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}


def patient(*extensions: Json, **elements: Json) -> Json:
    return {"resourceType": "Patient", "extension": list(extensions), **elements}


def told(content: str, *extensions: Json, identifier: tuple[Json, ...] = (WMDA_ID,), **elements: Json) -> Json:
    """Return the patient who was registered last, as the bridge tells of them; `content` ends the version id."""
    meta = {"versionId": f"2026-01-15T120000Z-{content}", "lastUpdated": "2026-01-15T12:00:00Z"}
    identity = {"resourceType": "Patient", "id": "200001", "meta": meta, "extension": list(extensions)}
    return {**identity, "identifier": list(identifier), **elements}


FALSE_TERMS = extension("legal-terms", valueBoolean=False)


async def registered(client: httpx.AsyncClient, *extensions: Json, **elements: Json) -> httpx.Response:
    return await client.post(ALL, json=patient(*TYPED, *extensions, **elements))


# --- create


async def test_a_patient_is_registered_and_shown(client: httpx.AsyncClient) -> None:
    body = patient(*TYPED, TERMS, identifier=[PATIENT_ID], gender="female", birthDate="1980-05-01", id="mine")

    response = await client.post(ALL, json=body)

    about = {"identifier": (WMDA_ID, PATIENT_ID), "gender": "female", "birthDate": "1980-05-01"}
    whole = told("04496820deff", *TYPED, TERMS, NEW, **about)
    assert (response.status_code, response.json()) == (201, whole)
    assert response.headers["Location"] == f"{BASE}/Patient/200001/_history/2026-01-15T120000Z-04496820deff"
    assert response.headers["ETag"] == 'W/"2026-01-15T120000Z-04496820deff"'
    shown = await client.get(response.headers["Location"].removeprefix("http://bridge.test"))
    assert (shown.status_code, shown.json()) == (200, whole)


async def test_what_is_registered_without_being_shown_is_not_looked_at(
    canned: httpx.AsyncClient, partner: Canned
) -> None:
    partner.answer(201, {"wmdaId": 7})

    response = await canned.post(ALL, json=patient(*TYPED, weight(70)), headers={"Prefer": "return=minimal"})

    assert partner.calls() == ["POST http://wmda.test/api/v2/patients"]
    assert partner.bodies() == [
        {
            "hla": {
                "a": {"field1": "02:01", "field2": "24:02"},
                "b": {"field1": "07:02", "field2": "44:02"},
                "drb1": {"field1": "15:01", "field2": "04:01"},
            },
            "weight": 70,
        }
    ]
    assert (response.status_code, response.content) == (201, b"")
    assert response.headers["Location"] == f"{BASE}/Patient/7"


async def test_a_patient_who_is_registered_and_cannot_be_shown_is_registered_all_the_same(
    canned: httpx.AsyncClient, partner: Canned
) -> None:
    partner.answer(201, {"wmdaId": 7})
    partner.answer(500)

    response = await canned.post(ALL, json=patient(*TYPED))

    text = (
        "The partner carried out the call; what became of the record could not be read afterwards. "
        "Read it again, and do not send the change again."
    )
    assert (response.status_code, response.json()) == (
        201,
        outcome(
            issue("record-not-shown", "incomplete", text, severity="warning"),
            issue("partner-error", "exception", "Reading it failed: WMDA Search & Match failed.", severity="warning"),
        ),
    )
    assert response.headers["Location"] == f"{BASE}/Patient/7"


async def test_a_new_patient_needs_a_typing(client: httpx.AsyncClient) -> None:
    response = await client.post(ALL, json=patient(TERMS))

    text = f"`extension` with `url` `{DEFINED}/wmda-hla` is missing; add it."
    assert (response.status_code, response.json()) == (
        422,
        outcome(issue("too-few", "required", text, "Patient.extension")),
    )


def refused(field: str, place: str, words: str) -> Json:
    text = f"WMDA Search & Match refused its field `{field}`."
    return issue("partner-refused", "business-rule", text, place, diagnostics=words)


async def test_each_field_that_wmda_refuses_is_told_at_its_element(client: httpx.AsyncClient) -> None:
    body = patient(hla("B", "7", "?"), hla("A", "02:01"), birthDate="2026-01-16")

    response = await client.post(ALL, json=body)

    assert (response.status_code, response.json()) == (
        422,
        outcome(
            refused(
                "hla.b.field2", "Patient.extension[0].extension[2].value", "The field hla.b.field2 is no HLA typing."
            ),
            refused("hla.drb1.field1", "Patient.extension.extension.value", "The hla.drb1.field1 field is required."),
            refused("dateOfBirth", "Patient.birthDate", "The date must not be in the future."),
        ),
    )


async def test_a_patient_id_needs_the_legal_terms(client: httpx.AsyncClient) -> None:
    """WMDA would drop it without a word."""
    response = await client.post(ALL, json=patient(*TYPED, identifier=[PATIENT_ID]))

    text = (
        "WMDA keeps a patientId only where the legal terms are true: add the extension wmda-legal-terms with true, or "
        "leave the identifier out."
    )
    assert (response.status_code, response.json()) == (422, outcome(issue("rule-broken", "invariant", text, "Patient")))


# --- update and patch


async def test_an_update_changes_what_it_has_and_leaves_the_rest(client: httpx.AsyncClient) -> None:
    await registered(client, TERMS, weight(70), identifier=[PATIENT_ID], gender="female")

    response = await client.put(f"{ALL}/200001", json=patient(weight(71), id="200001"))

    whole = told("e68c2eeda4cc", *TYPED, weight(71), TERMS, NEW, identifier=(WMDA_ID, PATIENT_ID), gender="female")
    assert (response.status_code, response.json()) == (200, whole)


async def test_a_new_typing_takes_the_place_of_the_old_one(client: httpx.AsyncClient) -> None:
    await registered(client)

    fresh = [hla("A", "01:01"), hla("B", "08:01"), hla("DRB1", "03:01")]
    response = await client.put(f"{ALL}/200001", json=patient(*fresh, id="200001"))

    assert response.json() == told("38e3b1293174", *fresh, FALSE_TERMS, NEW)


async def test_what_is_sent_is_the_whole_record_without_what_wmda_keeps_itself(
    canned: httpx.AsyncClient, partner: Canned
) -> None:
    record = {
        "wmdaId": 7,
        "status": "ACT",
        "patientId": "9876",
        "hla": {"a": {"field1": "02:01", "field2": None}, "drb2": {"field1": "1"}},
        "weight": 70,
        "lastUpdated": "2024-01-01T10:00:00Z",
        "lastViewed": "2024-01-01T10:00:00Z",
        "assignedUserName": "jane@example.org",
        "unheardOf": {"a": 1},
    }
    partner.answer(200, record)
    partner.answer(204)
    partner.answer(200, record)

    response = await canned.put(f"{ALL}/7", json=patient(weight(71), id="7"))

    assert response.status_code == 200
    assert partner.calls() == [
        "GET http://wmda.test/api/v2/patients/7",
        "PUT http://wmda.test/api/v2/patients",
        "GET http://wmda.test/api/v2/patients/7",
    ]
    assert partner.bodies()[1] == {
        "wmdaId": 7,
        "patientId": "9876",
        "hla": {"a": {"field1": "02:01", "field2": None}, "drb2": {"field1": "1"}},
        "weight": 71,
        "unheardOf": {"a": 1},
    }


async def test_a_record_that_was_read_can_be_sent_back_strictly(client: httpx.AsyncClient) -> None:
    """What WMDA keeps itself is no loss, where it is as it was."""
    whole = (await registered(client, weight(70))).json()

    response = await client.put(f"{ALL}/200001", json=whole, headers=STRICT)

    assert (response.status_code, response.json()) == (200, whole)


async def test_a_status_cannot_be_changed_by_an_update(client: httpx.AsyncClient) -> None:
    whole = (await registered(client)).json()
    whole["extension"][-1] = extension("search-status", valueCode="ACT")

    response = await client.put(f"{ALL}/200001", json=whole, headers=STRICT)

    text = "WMDA Search & Match cannot hold this element; leave it out, or send without `handling=strict`."
    assert (response.status_code, response.json()) == (
        422,
        outcome(issue("left-behind", "not-supported", text, "Patient.extension[4]")),
    )


async def test_a_weight_is_a_whole_number_of_kilograms(client: httpx.AsyncClient) -> None:
    response = await client.put(f"{ALL}/123456", json=patient(weight(70.5), id="123456"))

    text = "`value` cannot be sent: a whole number is expected here."
    place = "Patient.extension[0].value.value"
    assert (response.status_code, response.json()) == (422, outcome(issue("cannot-be-sent", "value", text, place)))


async def test_a_patient_id_that_is_set_stays(client: httpx.AsyncClient) -> None:
    await registered(client, TERMS, identifier=[PATIENT_ID])

    other = {**PATIENT_ID, "value": "98760000P"}
    response = await client.put(f"{ALL}/200001", json=patient(TERMS, id="200001", identifier=[other]))

    place = "Patient.identifier[0].value"
    assert (response.status_code, response.json()) == (
        422,
        outcome(refused("patientId", place, "The patientId is set already and cannot be changed.")),
    )


async def test_a_patch_changes_one_thing_and_clears_another(client: httpx.AsyncClient) -> None:
    await registered(client, weight(70), extension("abo", valueCode="A"), gender="female")

    operations = [
        {"op": "replace", "path": "/gender", "value": "male"},
        {"op": "remove", "path": "/extension/4"},
        {"op": "replace", "path": "/extension/3/valueCode", "value": "B"},
    ]
    response = await client.patch(f"{ALL}/200001", json=operations, headers=JSON_PATCH)

    whole = told("80de25ff7c44", *TYPED, extension("abo", valueCode="B"), FALSE_TERMS, NEW, gender="male")
    assert (response.status_code, response.json()) == (200, whole)


async def test_a_patient_id_cannot_be_cleared(client: httpx.AsyncClient) -> None:
    await registered(client, TERMS, identifier=[PATIENT_ID])

    response = await client.patch(f"{ALL}/200001", json=[{"op": "remove", "path": "/identifier/1"}], headers=JSON_PATCH)

    text = "The partner has no way to clear this element; give it another value, or leave it."
    assert (response.status_code, response.json()) == (
        422,
        outcome(issue("cannot-be-cleared", "business-rule", text, "Patient.identifier[1].value")),
    )


async def test_a_patch_cannot_change_the_status(client: httpx.AsyncClient) -> None:
    operations = [{"op": "test", "path": "/extension/12/valueCode", "value": "ACT"}]
    operations += [{"op": "replace", "path": "/extension/12/valueCode", "value": "STP"}]

    response = await client.patch(f"{ALL}/123456", json=operations, headers=JSON_PATCH)

    text = "The partner keeps this element itself; leave it as it is."
    assert (response.status_code, response.json()) == (
        422,
        outcome(issue("read-only", "business-rule", text, "Patient.extension[12].value")),
    )


async def test_a_version_that_has_changed_since_is_not_overwritten(client: httpx.AsyncClient) -> None:
    response = await client.put(
        f"{ALL}/123456", json=patient(weight(71), id="123456"), headers={"If-Match": 'W/"2023"'}
    )

    text = "The record has changed since the version that If-Match names; read it again, then send the change."
    assert (response.status_code, response.json()) == (
        412,
        outcome(issue("version-differs", "conflict", text, "http.If-Match")),
    )


async def test_a_change_that_fails_before_it_is_made_says_so(canned: httpx.AsyncClient, partner: Canned) -> None:
    partner.answer(503, **{"Retry_After": "60"})

    response = await canned.put(f"{ALL}/7", json=patient(weight(71), id="7"))

    assert (response.status_code, response.json()) == (
        503,
        outcome(
            issue("partner-error", "transient", "WMDA Search & Match is not available; send again later."),
            issue(
                "nothing-changed",
                "informational",
                "The record is read before it is changed, and that failed; nothing was changed.",
                severity="information",
            ),
        ),
    )
    assert {request.method for request in partner.requests} == {"GET"}


# --- list


def listed(number: int, patient_id: str, status: str) -> Json:
    return {
        "fullUrl": f"{BASE}/Patient/{number}",
        "resource": {
            "resourceType": "Patient",
            "id": str(number),
            "meta": {
                "lastUpdated": "2024-01-01T10:00:00Z",
                "tag": [SUBSETTED],
            },
            "extension": [extension("ethnicity", valueCode="CAEU"), extension("search-status", valueCode=status)],
            "identifier": [
                {**WMDA_ID, "value": str(number)},
                {**PATIENT_ID, "value": patient_id},
            ],
            "birthDate": "1980-05-01",
        },
        "search": {"mode": "match"},
    }


async def test_patients_are_listed_by_the_status_of_their_search(client: httpx.AsyncClient) -> None:
    response = await client.get(f"{ALL}?search-status=PRE,SUS&_count=1")

    address = f"{BASE}/Patient?search-status=PRE,SUS&_count=1"
    assert (response.status_code, response.json()) == (
        200,
        {
            "resourceType": "Bundle",
            "type": "searchset",
            "total": 2,
            "link": [{"relation": "self", "url": address}, {"relation": "next", "url": f"{address}&_offset=1"}],
            "entry": [listed(100002, "9876PRE", "PRE")],
        },
    )
    following = await client.get(response.json()["link"][1]["url"])
    assert following.json()["entry"] == [listed(100004, "9876SUS", "SUS")]


async def test_what_a_list_would_hold_can_be_counted(canned: httpx.AsyncClient, partner: Canned) -> None:
    """As few as can be are asked for, and there are no pages of it to go to."""
    partner.answer(200, {"paging": {"totalCount": 3}, "patients": [{"wmdaId": 7, "status": "NEW"}]})

    response = await canned.get(f"{ALL}?_summary=count&_count=1&_offset=1")

    assert partner.calls() == ["GET http://wmda.test/api/v2/patients?limit=1&offset=0"]
    assert response.json() == {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": 3,
        "link": [{"relation": "self", "url": f"{BASE}/Patient?_summary=count"}],
    }


async def test_a_list_is_one_call_and_looks_at_nobody(canned: httpx.AsyncClient, partner: Canned) -> None:
    partner.answer(200, {"paging": {"totalCount": 1}, "patients": [{"wmdaId": 7, "status": "NEW"}]})

    response = await canned.post(f"{ALL}/_search", data={"search-status": "NEW"})

    assert response.json()["total"] == 1
    assert partner.calls() == ["GET http://wmda.test/api/v2/patients?status=NEW&limit=100&offset=0"]


async def test_a_status_that_wmda_does_not_know_is_not_asked_for(canned: httpx.AsyncClient, partner: Canned) -> None:
    response = await canned.get(f"{ALL}?search-status=DONE")

    text = "`search-status` cannot be searched for so: it is one of `NEW`, `PRE`, `ACT`, `SUS`, `STP`."
    assert (response.status_code, response.json()) == (
        400,
        outcome(issue("value-not-allowed", "value", text, "http.search-status")),
    )
    assert partner.requests == []


async def test_a_patient_is_asked_for_by_id_or_by_status(canned: httpx.AsyncClient, partner: Canned) -> None:
    """Both together would find who has the id, whatever the status."""
    response = await canned.get(f"{ALL}?_id=123456&search-status=STP")

    text = "This cannot be searched for together with `_id` or `identifier` here; ask by one of them."
    assert (response.status_code, response.json()) == (
        400,
        outcome(issue("no-such-search", "not-supported", text, "http.search-status")),
    )
    assert partner.calls() == []


async def test_who_is_asked_for_by_id_is_read_whole(client: httpx.AsyncClient) -> None:
    response = await client.get(f"{ALL}?identifier={CANONICAL}/sid/wmda-id|123456")

    (entry,) = response.json()["entry"]
    assert (entry["resource"]["id"], entry["resource"]["gender"]) == ("123456", "female")


# --- searches

START = parameters({"name": "matchEngine", "valueCode": "2"}, {"name": "searchType", "valueCode": "DR"})


async def test_a_search_is_started_and_the_status_moves_on(client: httpx.AsyncClient) -> None:
    await registered(client)

    response = await client.post(f"{ALL}/200001/$start-search", json=START)

    text = "The search has started. A patient who was new has the status PRE now, and may be given another one."
    assert (response.status_code, response.json()) == (
        200,
        parameters(
            {"name": "searchId", "valuePositiveInt": 1},
            {"name": "outcome", "resource": outcome(issue("done", "informational", text, severity="information"))},
        ),
    )
    shown = await client.get(f"{ALL}/200001")
    assert shown.json()["extension"][-1] == extension("search-status", valueCode="PRE")


async def test_a_search_says_by_which_engine_and_for_what(canned: httpx.AsyncClient, partner: Canned) -> None:
    partner.answer(201, {"searchId": 7})

    more = [{"name": "overallMismatches", "valueUnsignedInt": 1}, {"name": "searchOnlyOwnIon", "valueBoolean": True}]
    await canned.post(f"{ALL}/7/$start-search", json=parameters(*START["parameter"], *more))

    assert partner.calls() == ["POST http://wmda.test/api/v2/searches"]
    assert partner.bodies() == [
        {"wmdaId": 7, "matchEngine": 2, "searchType": "DR", "overallMismatches": 1, "searchOnlyOwnIon": True}
    ]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (
            parameters({"name": "matchEngine", "valueCode": "1"}, {"name": "searchType", "valueCode": "DR"}),
            issue(
                "not-in-value-set",
                "code-invalid",
                "`value` is not one of the codes that are allowed here; use `2` or `3`.",
                "Parameters.parameter[0].value",
            ),
        ),
        (
            parameters({"name": "matchEngine", "valueCode": "3"}),
            issue(
                "too-few",
                "required",
                "`parameter` with `name` `searchType` is missing; add it.",
                "Parameters.parameter",
            ),
        ),
    ],
)
async def test_a_search_that_says_too_little_is_refused_before_any_call(
    canned: httpx.AsyncClient, partner: Canned, body: Json, found: Json
) -> None:
    response = await canned.post(f"{ALL}/7/$start-search", json=body)

    assert (response.status_code, response.json(), partner.requests) == (422, outcome(found), [])


async def test_a_stopped_patient_is_not_searched_for(client: httpx.AsyncClient) -> None:
    response = await client.post(f"{ALL}/100005/$start-search", json=START)

    words = "A search cannot be started for a patient in status STP."
    text = "WMDA Search & Match refused the request."
    assert (response.status_code, response.json()) == (
        422,
        outcome(issue("partner-refused", "business-rule", text, diagnostics=words)),
    )


@pytest.mark.parametrize("wmda_id", ["007", "abc", "1.5"])
async def test_an_id_that_wmda_never_gives_is_nobodys(canned: httpx.AsyncClient, partner: Canned, wmda_id: str) -> None:
    responses: list[Any] = [
        await canned.get(f"{ALL}/{wmda_id}"),
        await canned.put(f"{ALL}/{wmda_id}", json=patient(weight(70), id=wmda_id)),
        await canned.post(f"{ALL}/{wmda_id}/$start-search", json=START),
    ]

    assert ([response.status_code for response in responses], partner.requests) == ([404] * 3, [])
