"""A batch at a base: each entry carried out by itself, side by side, each answered in its place."""

import base64
import json
import logging

import anyio
import httpx
import pytest

from fhir_bridge.mapping.routes import Routes
from fhir_bridge.outcome import Json
from tests.outcomes import issue, outcome
from tests.server.roche_sample import REQUEST
from tests.serving import READY, Canned, serving, shipped, simulated

pytestmark = pytest.mark.anyio

ID = "7c3da506-804d-4550-8993-bf17f9ee0402"
OTHER = "00000000-0000-4000-8000-000000000004"
UNKNOWN = "00000000-0000-4000-8000-000000000404"
IVANOV = {"resourceType": "Patient", "id": ID, "gender": "male"}
RECORD = {"data": {"id": ID, "gender": "MALE", "updated_at": "2017-04-20T19:14:13Z"}}
ETAG = 'W/"2017-04-20T191413Z-ac31554c5613"'
VERSION = {"etag": ETAG, "lastModified": "2017-04-20T19:14:13Z"}
PATIENT = {
    "resourceType": "Patient",
    "id": ID,
    "meta": {"versionId": "2017-04-20T191413Z-ac31554c5613", "lastUpdated": "2017-04-20T19:14:13Z"},
    "gender": "male",
}
STU3 = "application/fhir+json; fhirVersion=3.0"
DONE = outcome(issue("done", "informational", "The partner carried out the call.", severity="information"))


def asking(method: str, url: str, resource: Json = None, **request: Json) -> Json:
    """Return an entry; `request` are its conditions."""
    body = {} if resource is None else {"resource": resource}
    return {**body, "request": {"method": method, "url": url, **request}}


def bundle(*entries: Json, kind: str = "batch") -> Json:
    return {"resourceType": "Bundle", "type": kind, **({"entry": list(entries)} if entries else {})}


async def send(client: httpx.AsyncClient, *entries: Json, base: str = "/fhir/ehealth", **headers: str) -> list[Json]:
    """Send a batch and return the entries of the answer."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = await client.post(base, json=bundle(*entries), headers=named)
    assert response.status_code == 200
    body = response.json()
    assert (body["resourceType"], body["type"]) == ("Bundle", "batch-response")
    return list(body.get("entry", []))


def statuses(entries: list[Json]) -> list[str]:
    return [entry["response"]["status"] for entry in entries]


async def test_each_entry_is_answered_in_its_place(canned: httpx.AsyncClient, partner: Canned) -> None:
    """With what HTTP says in headers: status, version, time."""
    partner.answer(200, RECORD)

    answered = await send(
        canned,
        asking("GET", f"Patient/{ID}"),
        asking("DELETE", f"Patient/{ID}"),
        asking("PUT", f"Patient/{ID}", IVANOV),
    )

    text = "eHealth Ukraine does not offer `delete` of Patient at this address. It allows GET, HEAD, PUT, PATCH."
    refused = outcome(issue("method-not-allowed", "not-supported", text))
    assert answered == [
        {"resource": PATIENT, "response": {"status": "200 OK", **VERSION}},
        {"response": {"status": "405 Method Not Allowed", "outcome": refused}},
        {"resource": PATIENT, "response": {"status": "200 OK", **VERSION}},
    ]


@pytest.mark.parametrize(
    ("status", "error", "code", "text"),
    [
        (429, "partner-throttled", "throttled", "eHealth Ukraine asks for fewer requests; wait, then send again."),
        (503, "partner-error", "transient", "eHealth Ukraine is not available; send again later."),
    ],
)
async def test_an_entry_tells_when_to_send_it_again(
    canned: httpx.AsyncClient, partner: Canned, status: int, error: str, code: str, text: str
) -> None:
    """What is a header elsewhere is an issue here."""
    partner.answer(status, retry_after="120")

    (entry,) = await send(canned, asking("GET", f"Patient/{ID}"))

    when = "The partner says when to send this entry again."
    assert entry["response"]["outcome"] == outcome(
        issue(error, code, text),
        issue(error, code, when, severity="information", diagnostics="Retry-After: 120"),
    )


async def test_an_empty_batch_has_an_answer_without_entries(client: httpx.AsyncClient) -> None:
    """An empty list would be no FHIR."""
    response = await client.post("/fhir", json=bundle())

    assert (response.status_code, response.json()) == (200, {"resourceType": "Bundle", "type": "batch-response"})


async def test_a_bad_entry_harms_only_itself(canned: httpx.AsyncClient, partner: Canned) -> None:
    """Whatever is wrong with it, and it makes no call."""
    partner.answer(200, RECORD)

    answered = await send(
        canned,
        asking("GETT", f"Patient/{ID}"),
        {"resource": IVANOV},
        {},
        asking("GET", "nothing"),
        asking("GET", "Observation/1"),
        asking("GET", "https://elsewhere.example/fhir/Patient/1"),
        asking("PUT", f"Patient/{ID}", {**IVANOV, "gender": "robot"}),
        asking("PUT", f"Patient/{ID}", 5),
        asking("PUT", f"Patient/{ID}"),
        asking("POST", "/", bundle(asking("GET", f"Patient/{ID}"))),
        asking("GET", f"Patient/{ID}"),
    )

    assert [status.partition(" ")[0] for status in statuses(answered)] == [
        "400", "400", "400", "404", "404", "400", "400", "400", "400", "400", "200",
    ]  # fmt: skip
    places = [
        entry["response"]["outcome"]["issue"][0].get("expression", [None])[0]
        for entry in answered
        if "resource" not in entry
    ]
    assert places == [
        "Bundle.entry[0].request.method",
        "Bundle.entry[1].request",
        "Bundle.entry[2].request",
        "Bundle.entry[3].request.url",
        None,
        "Bundle.entry[5].request.url",
        "Patient.gender",
        "Patient",
        "Patient",
        "Bundle.entry[9].request.url",
    ]
    assert len(partner.requests) == 1


async def test_what_is_wrong_with_the_bundle_itself_is_wrong_for_all(
    canned: httpx.AsyncClient, partner: Canned
) -> None:
    """No entry is carried out."""
    response = await canned.post("/fhir/ehealth", json={**bundle(asking("GET", f"Patient/{ID}")), "kind": "x"})

    text = "`kind` is not an element of Bundle; leave it out, or send it as an extension."
    assert response.status_code == 400
    assert response.json() == outcome(issue("unknown-element", "structure", text, "Bundle.kind"))
    assert partner.calls() == []


@pytest.mark.parametrize("kind", ["searchset", "collection", "history", "document", None])
async def test_another_bundle_is_not_taken(client: httpx.AsyncClient, kind: str | None) -> None:
    """https://hl7.org/fhir/R4/http.html#transaction"""
    response = await client.post("/fhir/ehealth", json={"resourceType": "Bundle", "type": kind})

    text = "A Bundle that is posted to the base is a `batch`, a `transaction` or a `message`."
    assert response.status_code == 400
    assert response.json() == outcome(issue("value-not-allowed", "value", text, "Bundle.type"))


async def test_references_between_entries_are_refused_where_they_stand(
    canned: httpx.AsyncClient, partner: Canned
) -> None:
    """https://hl7.org/fhir/R4/http.html#brules; the entry that is referred to is carried out."""
    partner.answer(200, RECORD)
    made = {"fullUrl": "urn:uuid:5109d51b-421e-4b0a-9d2b-2a1a3b3c3d3e", **asking("PUT", f"Patient/{ID}", IVANOV)}
    referring = {**IVANOV, "id": OTHER, "link": [{"other": {"reference": made["fullUrl"]}, "type": "seealso"}]}

    answered = await send(canned, made, asking("PUT", f"Patient/{OTHER}", referring))

    text = "Entries of a batch cannot refer to each other; send this one after the other was answered."
    place = "Bundle.entry[1].resource.link[0].other.reference"
    assert statuses(answered) == ["200 OK", "400 Bad Request"]
    assert answered[1]["response"]["outcome"] == outcome(issue("value-not-allowed", "value", text, place))
    assert len(partner.requests) == 1


async def test_prefer_of_the_batch_holds_for_each_entry(canned: httpx.AsyncClient, partner: Canned) -> None:
    """A read answers with what was read all the same."""
    partner.answer(200, RECORD)
    entries = [asking("PUT", f"Patient/{ID}", IVANOV), asking("GET", f"Patient/{ID}")]

    minimal = await send(canned, *entries, Prefer="return=minimal")
    told = await send(canned, *entries, Prefer="return=OperationOutcome")

    read = {"resource": PATIENT, "response": {"status": "200 OK", **VERSION}}
    assert minimal == [{"response": {"status": "200 OK", **VERSION}}, read]
    assert told == [{"response": {"status": "200 OK", **VERSION, "outcome": DONE}}, read]


async def test_what_is_said_of_an_entry_is_about_its_own_resource_and_its_request(
    canned: httpx.AsyncClient, partner: Canned
) -> None:
    """As if it were alone; but what HTTP says in headers and address stands in the entry's `request`."""
    partner.answer(200, RECORD)
    lost = {**IVANOV, "photo": [{"title": "x"}]}

    answered = await send(
        canned,
        asking("PUT", f"Patient/{ID}", lost),
        asking("PUT", f"Patient/{ID}", IVANOV, ifMatch='W/"older"'),
        asking("GET", "Patient?_id=1&_count=many"),
        asking("PATCH", f"Patient/{ID}", {"resourceType": "Parameters", "parameter": [{"valueCode": "x"}]}),
        Prefer="return=OperationOutcome",
    )

    assert statuses(answered) == ["200 OK", "412 Precondition Failed", "400 Bad Request", "400 Bad Request"]
    assert [entry["response"]["outcome"]["issue"][-1]["expression"] for entry in answered] == [
        ["Patient.photo[0]"],
        ["Bundle.entry[1].request.ifMatch"],
        ["Bundle.entry[2].request.url"],
        ["Parameters.parameter[0].name"],
    ]


async def test_the_outcome_that_was_asked_for_is_about_the_resource_that_was_sent(canned: httpx.AsyncClient) -> None:
    """As every result of an operation."""
    (answered,) = await send(canned, asking("POST", "Patient/$validate", {**IVANOV, "gender": "robot"}))

    assert answered["resource"]["issue"][0]["expression"] == ["Patient.gender"]


async def test_strict_handling_holds_for_each_entry(canned: httpx.AsyncClient, partner: Canned) -> None:
    """What would be left behind is refused, in its entry."""
    partner.answer(200, RECORD)
    lost = {**IVANOV, "photo": [{"title": "x"}]}

    answered = await send(
        canned, asking("PUT", f"Patient/{ID}", lost), asking("GET", f"Patient/{ID}"), Prefer="handling=strict"
    )

    assert statuses(answered) == ["422 Unprocessable Content", "200 OK"]


async def test_conditions_stand_in_the_entries(canned: httpx.AsyncClient, partner: Canned) -> None:
    """Those of the Bundle's own headers are not theirs."""
    partner.answer(200, RECORD)

    answered = await send(
        canned,
        asking("GET", f"Patient/{ID}", ifNoneMatch=ETAG),
        asking("GET", f"Patient/{ID}", ifNoneMatch='W/"older"'),
        asking("GET", f"Patient/{ID}", ifModifiedSince="2017-04-20T19:14:13Z"),
        asking("GET", f"Patient/{ID}", ifModifiedSince="2017-04-20T19:14:12Z"),
        asking("PUT", f"Patient/{ID}", IVANOV, ifMatch=ETAG),
        asking("PUT", f"Patient/{ID}", IVANOV, ifMatch='W/"older"'),
        asking("PUT", f"Patient/{ID}", IVANOV, ifNoneMatch="*"),
        If_None_Match=ETAG,
        If_Match='W/"older"',
        If_Unmodified_Since="Wed, 19 Apr 2017 00:00:00 GMT",
    )

    assert [status.partition(" ")[0] for status in statuses(answered)] == [
        "304", "200", "304", "200", "200", "412", "412",
    ]  # fmt: skip
    assert answered[0] == {"response": {"status": "304 Not Modified", **VERSION}}


async def test_a_conditional_create_is_refused_in_its_entry(canned: httpx.AsyncClient, partner: Canned) -> None:
    """The partner of messages cannot search for them."""
    (answered,) = await send(
        canned, asking("POST", "Bundle", json.loads(REQUEST), ifNoneExist="identifier=a|1"), base="/fhir/roche"
    )

    text = (
        "The partner cannot say whether it has such a Bundle, so nothing was made. "
        "Make sure that it has none, then send the request without If-None-Exist."
    )
    assert answered["response"] == {
        "status": "422 Unprocessable Content",
        "outcome": outcome(issue("no-such-search", "not-supported", text, "Bundle.entry[0].request.ifNoneExist")),
    }
    assert partner.calls() == []


async def test_a_head_has_no_resource(canned: httpx.AsyncClient, partner: Canned) -> None:
    """But what its headers would say."""
    partner.answer(200, RECORD)

    assert await send(canned, asking("HEAD", f"Patient/{ID}")) == [{"response": {"status": "200 OK", **VERSION}}]


async def test_a_head_that_fails_says_why(canned: httpx.AsyncClient, partner: Canned) -> None:
    """In an entry, nothing keeps it from that."""
    (entry,) = await send(canned, asking("HEAD", "Observation/1"))

    text = "eHealth Ukraine offers nothing for Observation; it offers Patient."
    told = outcome(issue("unknown-path", "not-supported", text))
    assert entry == {"response": {"status": "404 Not Found", "outcome": told}}


@pytest.mark.parametrize(
    ("resource", "sent"),
    [
        (
            {
                "resourceType": "Binary",
                "contentType": "application/json-patch+json",
                "data": base64.b64encode(b'[{"op": "replace", "path": "/gender", "value": "female"}]').decode(),
            },
            {"gender": "FEMALE"},
        ),
        (
            {
                "resourceType": "Parameters",
                "parameter": [
                    {
                        "name": "operation",
                        "part": [
                            {"name": "type", "valueCode": "replace"},
                            {"name": "path", "valueString": "Patient.gender"},
                            {"name": "value", "valueCode": "female"},
                        ],
                    }
                ],
            },
            {"gender": "FEMALE"},
        ),
    ],
    ids=["Binary", "Parameters"],
)
async def test_a_patch_is_parameters_or_a_binary(
    canned: httpx.AsyncClient, partner: Canned, resource: Json, sent: Json
) -> None:
    """https://hl7.org/fhir/R4/http.html#patch"""
    partner.answer(200, RECORD)

    answered = await send(canned, asking("PATCH", f"Patient/{ID}", resource))

    assert statuses(answered) == ["200 OK"]
    assert partner.bodies() == [None, sent]


async def test_what_the_bridge_answers_itself_can_be_an_entry(canned: httpx.AsyncClient, partner: Canned) -> None:
    """The outcome of `$validate` is its answer, and no word beside it."""
    answered = await send(
        canned,
        asking("GET", "metadata?_summary=true"),
        asking("POST", "Patient/$validate", IVANOV),
        asking("GET", "$versions"),
        asking("GET", "StructureDefinition?name=none"),
        asking("GET", "Patient?_id=a%20b&_summary=count"),
    )

    assert statuses(answered) == ["200 OK"] * 5
    statement, validated, versions, definitions, counted = (entry["resource"] for entry in answered)
    assert statement["meta"]["tag"][0]["code"] == "SUBSETTED"
    assert validated == outcome(issue("done", "informational", "No problem was found.", severity="information"))
    assert versions["parameter"][0] == {"name": "version", "valueCode": "4.0"}
    assert (definitions["type"], definitions["total"]) == ("searchset", 0)
    assert counted == {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": 0,
        "link": [{"relation": "self", "url": "http://bridge.test/fhir/ehealth/Patient?_id=a+b&_summary=count"}],
    }
    assert partner.calls() == []


async def test_messages_can_be_entries(canned: httpx.AsyncClient, partner: Canned) -> None:
    """By update, create, operation, or posted to the base; each call of the partner has an id of its own."""
    partner.answer(200, text=REQUEST)
    message = json.loads(REQUEST)

    answered = await send(
        canned,
        asking("PUT", "Bundle/Bj6.1Lq-hvb-28", message),
        asking("POST", "Bundle", message),
        asking("POST", "$process-message", message),
        asking("POST", "/", message),
        base="/fhir/roche",
    )

    assert answered == [{"resource": message, "response": {"status": "200 OK"}}] * 4
    assert len({request.headers["x-origin-request-id"] for request in partner.requests}) == 4


async def test_the_hub_leads_each_entry_to_its_partner(client: httpx.AsyncClient) -> None:
    """By the base in its address, or by what it says; absolute addresses of the hub too."""
    answered = await send(
        client,
        asking("GET", f"ehealth/Patient/{ID}"),
        asking("GET", f"http://bridge.test/fhir/ehealth/Patient/{ID}"),
        asking("POST", "Patient/17d4513f-73e8/$update-data"),
        asking("GET", f"Patient?identifier=https://fhir-bridge.example/fhir/sid/ehealth-preperson|{ID}"),
        asking("GET", f"Patient/{ID}"),
        base="/fhir",
    )

    assert statuses(answered) == ["200 OK", "200 OK", "200 OK", "200 OK", "404 Not Found"]
    assert answered[0] == answered[1]
    assert answered[2]["resource"]["resourceType"] == "Parameters"
    assert answered[3]["resource"]["entry"][0]["fullUrl"] == f"http://bridge.test/fhir/ehealth/Patient/{ID}"


async def test_the_base_of_another_is_not_reached(client: httpx.AsyncClient) -> None:
    """Only the hub leads everywhere."""
    answered = await send(
        client,
        asking("GET", f"ehealth/Patient/{ID}"),
        asking("GET", f"http://bridge.test/fhir/ehealth/Patient/{ID}"),
        base="/fhir/wmda",
    )

    assert statuses(answered) == ["404 Not Found", "400 Bad Request"]


async def test_a_partner_that_is_not_configured_answers_no_batch() -> None:
    """Its base is not there, so neither is the batch of a base."""
    without = {name: value for name, value in READY.items() if name != "EHEALTH_BASE_URL"}
    async with serving(shipped(without), simulated()) as client:
        at_base = await client.post("/fhir/ehealth", json=bundle(asking("GET", f"Patient/{ID}")))
        at_hub = await client.post("/fhir", json=bundle(asking("GET", f"ehealth/Patient/{ID}")))

    text = "eHealth Ukraine is not configured here; set EHEALTH_BASE_URL and start again."
    absent = outcome(issue("partner-not-configured", "not-supported", text))
    assert (at_base.status_code, at_base.json()) == (404, absent)
    assert at_hub.json()["entry"] == [{"response": {"status": "404 Not Found", "outcome": absent}}]


def numbered(number: int) -> str:
    """Return the id of one of many records."""
    return f"00000000-0000-4000-8000-{number:012d}"


class Counting(httpx.AsyncBaseTransport):
    """A partner that answers nobody before eight wait, then takes its time, and counts how many wait at once."""

    def __init__(self) -> None:
        self.now = self.most = self.calls = 0
        self.eight = anyio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.now += 1
        self.calls += 1
        self.most = max(self.most, self.now)
        if self.now == 8:
            self.eight.set()
        await self.eight.wait()
        await anyio.sleep(0.01)
        self.now -= 1
        return httpx.Response(200, json={"data": record_of(request)})


def record_of(request: httpx.Request) -> Json:
    """Return a record of the id that is asked for, or, besides, that it has no merge requests."""
    return [] if request.url.query else {"id": request.url.path.rpartition("/")[2]}


async def test_entries_run_side_by_side_but_few_at_once_for_each_partner(ready_routes: Routes) -> None:
    """Eight, where the mapping file says nothing else; those of another partner do not wait for them.

    A read of the one partner is two calls.
    """
    ehealth, healthex = Counting(), Counting()
    entries = [asking("GET", f"ehealth/Patient/{numbered(number)}") for number in range(100)]
    entries += [asking("POST", f"healthex/Patient/p{number}/$update-data") for number in range(20)]

    async with serving(ready_routes, simulated() | {"ehealth": ehealth, "healthex": healthex}) as client:
        answered = await send(client, *entries, base="/fhir")

    assert [entry["resource"]["id"] for entry in answered[:100]] == [numbered(number) for number in range(100)]
    assert (ehealth.calls, ehealth.most) == (200, 8)
    assert (healthex.calls, healthex.most) == (20, 8)


async def test_two_batches_share_what_one_partner_takes_at_once(ready_routes: Routes) -> None:
    """The limit is the partner's, not the batch's."""
    ehealth = Counting()

    async with serving(ready_routes, simulated() | {"ehealth": ehealth}) as client, anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(lambda: send(client, *[asking("GET", f"Patient/{numbered(1)}")] * 10))

    assert (ehealth.calls, ehealth.most) == (60, 8)


class Crashing(httpx.AsyncBaseTransport):
    """A partner on whose second record the bridge breaks in a way that nobody foresaw."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith(numbered(1)):
            raise LookupError("nobody foresaw this of p1")
        return httpx.Response(200, json={"data": record_of(request)})


async def test_a_crash_harms_only_its_own_entry(ready_routes: Routes, caplog: pytest.LogCaptureFixture) -> None:
    """The client reads a request id and no more; the log has the traceback."""
    caplog.set_level(logging.INFO, "fhir_bridge")

    async with serving(ready_routes, simulated() | {"ehealth": Crashing()}) as client:
        answered = await send(
            client, *(asking("GET", f"Patient/{numbered(n)}") for n in range(3)), X_Request_Id="run-7"
        )

    assert statuses(answered) == ["200 OK", "500 Internal Server Error", "200 OK"]
    text = "The bridge failed; its log says more under the request id run-7#1."
    assert answered[1]["response"]["outcome"] == outcome(issue("internal-error", "exception", text))
    (failed,) = [record for record in caplog.records if record.exc_info]
    assert failed.getMessage() == "run-7#1 failed"
    assert isinstance((failed.exc_info or (None, None))[1], LookupError)


async def test_each_entry_has_its_line_in_the_log(
    canned: httpx.AsyncClient, partner: Canned, caplog: pytest.LogCaptureFixture
) -> None:
    """The request id of the batch, and the place of the entry in it."""
    caplog.set_level(logging.INFO, "fhir_bridge")
    partner.answer(200, RECORD)

    await send(
        canned,
        asking("GET", f"Patient/{ID}"),
        asking("PUT", f"Patient/{ID}", {"resourceType": "Patient"}),
        asking("GET", "metadata"),
        {},
        X_Request_Id="run-7",
    )

    own = [record.getMessage() for record in caplog.records if record.name == "fhir_bridge"]
    assert sorted(line.rpartition(" ")[0].rpartition(" ")[0] for line in own) == [
        "run-7 batch ehealth/- 200",
        "run-7#0 read ehealth/Patient 200",
        "run-7#1 update ehealth/Patient 400",
        "run-7#2 capabilities ehealth/- 200",
        "run-7#3 ? ehealth/- 400",
    ]
    assert own[-1].startswith("run-7 batch")


async def test_a_batch_in_stu3_is_answered_in_stu3(canned: httpx.AsyncClient, partner: Canned) -> None:
    """At the base that speaks it."""
    partner.answer(200, text=REQUEST)

    answered = await send(canned, asking("PUT", "Bundle/Bj6.1Lq-hvb-28", json.loads(REQUEST)), base="/fhir/roche")

    assert answered == [{"resource": json.loads(REQUEST), "response": {"status": "200 OK"}}]


async def test_what_the_hub_takes_in_stu3_only_a_base_that_speaks_it_answers(
    canned: httpx.AsyncClient, partner: Canned
) -> None:
    """The others say so, in their entries: also of what they would answer without the partner."""
    body = bundle(
        asking("GET", f"ehealth/Patient/{ID}"),
        asking("GET", "ehealth/metadata"),
        asking("POST", "ehealth/Patient/$validate", IVANOV),
        asking("GET", "roche/metadata"),
    )

    response = await canned.post("/fhir", content=json.dumps(body), headers={"Content-Type": STU3})

    *refused, answered = response.json()["entry"]
    text = "What answers this speaks fhirVersion 4.0; ask for that."
    told = outcome(issue("not-acceptable", "not-supported", text, "http.Accept"))
    assert refused == [{"response": {"status": "406 Not Acceptable", "outcome": told}}] * 3
    assert answered["resource"]["fhirVersion"] == "3.0.2"
    assert partner.calls() == []


async def test_a_batch_may_be_xml(client: httpx.AsyncClient) -> None:
    """In and out."""
    body = (
        '<Bundle xmlns="http://hl7.org/fhir"><type value="batch"/><entry><request>'
        f'<method value="GET"/><url value="Patient/{UNKNOWN}"/></request></entry></Bundle>'
    )

    response = await client.post("/fhir/ehealth", content=body, headers={
        "Content-Type": "application/fhir+xml", "Accept": "application/fhir+xml",
    })  # fmt: skip

    assert (response.status_code, response.headers["content-type"]) == (200, "application/fhir+xml; charset=utf-8")
    assert response.text.startswith(
        '<?xml version="1.0" encoding="UTF-8"?><Bundle xmlns="http://hl7.org/fhir"><type value="batch-response"/>'
        '<entry><response><status value="404 Not Found"/><outcome><OperationOutcome>'
    )
