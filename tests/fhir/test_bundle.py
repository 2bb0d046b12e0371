"""Bundles of requests: what an entry asks for, what is wrong with it, and the entry that answers it."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from fhir_bridge.fhir.bundle import (
    as_message,
    check_entries,
    check_references,
    check_synchronous,
    check_transaction,
    entries_of,
    entry_id,
    entry_interaction,
    failure,
    failure_of_all,
    is_write,
    response_bundle,
    response_entry,
    several_writes,
)
from fhir_bridge.fhir.interaction import Address, Code, FhirResponse, Interaction, Preferences
from fhir_bridge.outcome import FhirError, Issue, Json
from tests.outcomes import issue, outcome

ROOT = "https://bridge.example/fhir"
BASES = {"northlab": None}
HUB = Interaction("batch", Address(None), "4.0", request_id="run-7", uuid="u-1", base_url=ROOT)
NORTHLAB = Interaction("batch", Address("northlab"), "4.0", request_id="run-7", uuid="u-1", base_url=f"{ROOT}/northlab")
CANNOT_REFER = "Entries of a batch cannot refer to each other; send this one after the other was answered."
CANNOT_PUT_IN = (
    "The bridge cannot put in what this reference will mean; refer to a record that is there, as `Patient/42`."
)


def asking(method: str, url: str, **more: Json) -> Json:
    """Return an entry; `more` are further elements of it."""
    return {"request": {"method": method, "url": url}, **more}


def batch(*entries: Json) -> Json:
    return {"resourceType": "Bundle", "type": "batch", "entry": list(entries)}


def asked(entry: Json, parent: Interaction = NORTHLAB) -> Interaction:
    return entry_interaction(entry, 2, parent, BASES)


def refused(entry: Json, parent: Interaction = NORTHLAB) -> tuple[int, tuple[Issue, ...]]:
    with pytest.raises(FhirError) as error:
        asked(entry, parent)
    return error.value.status_code, error.value.issues


def told(error: FhirError | None) -> list[tuple[str, str | None]]:
    """Return the text and the place of each issue of an error."""
    return [(issue.text, issue.expression) for issue in error.issues] if error else []


# --- what an entry asks for ---


def test_an_entry_is_an_interaction_of_its_own() -> None:
    headers = {
        "authorization": "Bearer t",
        "prefer": "return=minimal; handling=strict",
        "content-type": "application/fhir+xml",
        "content-length": "999",
        "accept": "application/fhir+xml",
        "if-match": 'W/"of the Bundle"',
    }
    parent = Interaction(
        "batch", Address("northlab"), "3.0", headers=headers, request_id="run-7", base_url=f"{ROOT}/northlab"
    )
    body = {"resourceType": "Patient", "id": "42"}
    request = {"method": "PUT", "url": "Patient/42?x=1", "ifMatch": 'W/"1"', "ifNoneExist": "identifier=a|1"}

    interaction = asked({"request": request, "resource": body}, parent)

    assert (interaction.code, interaction.address) == ("update", Address("northlab", "Patient", "42"))
    assert (interaction.version, interaction.query) == ("3.0", (("x", "1"),))
    assert (interaction.content_type, interaction.body) == ("application/fhir+json", body)
    assert interaction.headers == {
        "authorization": "Bearer t",
        "prefer": "return=minimal; handling=strict",
        "if-match": 'W/"1"',
        "if-none-exist": "identifier=a|1",
    }
    assert interaction.preferences == Preferences("minimal", strict=True)
    assert interaction.base_url == f"{ROOT}/northlab"


def test_each_condition_stands_for_the_header_of_its_name() -> None:
    conditions = {"ifNoneMatch": 'W/"1"', "ifModifiedSince": "2017-04-20T19:14:13Z", "ifMatch": 5}

    interaction = asked({"request": {"method": "GET", "url": "Patient/42", **conditions}})

    assert interaction.headers == {"if-none-match": 'W/"1"', "if-modified-since": "2017-04-20T19:14:13Z"}


@pytest.mark.parametrize(
    ("url", "address", "base_url"),
    [
        ("northlab/Patient/42", Address("northlab", "Patient", "42"), f"{ROOT}/northlab"),
        ("/northlab/Patient/42", Address("northlab", "Patient", "42"), f"{ROOT}/northlab"),
        (f"{ROOT}/northlab/Patient/42", Address("northlab", "Patient", "42"), f"{ROOT}/northlab"),
        ("Patient/42", Address(None, "Patient", "42"), ROOT),
        ("metadata", Address(None, special="metadata"), ROOT),
    ],
)
def test_an_address_is_below_the_hub_and_may_name_a_base(url: str, address: Address, base_url: str) -> None:
    interaction = asked(asking("GET", url), HUB)

    assert (interaction.address, interaction.base_url) == (address, base_url)


@pytest.mark.parametrize("url", ["Patient/42", "/Patient/42", f"{ROOT}/northlab/Patient/42"])
def test_an_address_at_a_base_is_below_that(url: str) -> None:
    assert asked(asking("GET", url)).address == Address("northlab", "Patient", "42")


@pytest.mark.parametrize(
    "url",
    ["https://elsewhere.example/fhir/Patient/42", f"{ROOT}/southlab/Patient/42", "//elsewhere.example/Patient/42"],
)
def test_an_address_of_somebody_else_is_refused(url: str) -> None:
    text = f"The address leads elsewhere; write it without a server, or with {ROOT}/northlab."

    assert refused(asking("GET", url)) == (
        400,
        (Issue("value-not-allowed", "value", text, "Bundle.entry[2].request.url"),),
    )


def test_a_query_may_hold_an_address() -> None:
    interaction = asked(asking("GET", "StructureDefinition?url=https://elsewhere.example/x"))

    assert interaction.query == (("url", "https://elsewhere.example/x"),)


def test_each_entry_has_ids_of_its_own() -> None:
    first = entry_interaction(asking("GET", "metadata"), 0, HUB, BASES)
    second = entry_interaction(asking("GET", "metadata"), 1, HUB, BASES)

    assert (first.request_id, second.request_id) == ("run-7#0", "run-7#1") == (entry_id(HUB, 0), entry_id(HUB, 1))
    assert len({first.uuid, second.uuid, HUB.uuid}) == 3


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"resource": {"resourceType": "Patient"}},
        {"request": None},
        {"request": "GET Patient/42"},
        {"request": {"method": "GET"}},
        {"request": {"url": "Patient/42"}},
        {"request": {"method": 5, "url": "Patient/42"}},
    ],
)
def test_an_entry_needs_a_request(entry: Json) -> None:
    text = "The entry needs a `request` with `method` and `url`."

    assert refused(entry) == (400, (Issue("element-missing", "required", text, "Bundle.entry[2].request"),))


@pytest.mark.parametrize("url", ["", "/", f"{ROOT}/northlab/"])
@pytest.mark.parametrize("kind", ["batch", "transaction", None])
def test_an_entry_cannot_be_a_batch_itself(url: str, kind: str | None) -> None:
    text = "An entry cannot be a batch or a transaction itself; put its entries into this Bundle."

    assert refused(asking("POST", url, resource={"resourceType": "Bundle", "type": kind})) == (
        400,
        (Issue("value-not-allowed", "not-supported", text, "Bundle.entry[2].request.url"),),
    )


def test_nor_can_nothing_be_one() -> None:
    assert refused(asking("POST", "/"))[0] == 400


def test_an_entry_can_be_a_message() -> None:
    assert asked(asking("POST", "/", resource={"resourceType": "Bundle", "type": "message"})).code == "batch"


# --- a patch in an entry ---


def binary(content_type: str | None, data: object) -> Json:
    return asking("PATCH", "Patient/42", resource={"resourceType": "Binary", "contentType": content_type, "data": data})


@pytest.mark.parametrize("content_type", ["application/json-patch+json", "application/merge-patch+json"])
def test_a_patch_in_json_travels_as_a_binary(content_type: str) -> None:
    data = base64.b64encode(b'{"gender": "male"}').decode()

    interaction = asked(binary(content_type, data))

    assert (interaction.code, interaction.content_type, interaction.body) == ("patch", content_type, {"gender": "male"})


def test_a_patch_in_fhir_is_the_resource() -> None:
    resource = {"resourceType": "Parameters"}

    interaction = asked(asking("PATCH", "Patient/42", resource=resource))

    assert (interaction.content_type, interaction.body) == ("application/fhir+json", resource)


def test_a_binary_is_a_binary_elsewhere() -> None:
    resource = {"resourceType": "Binary", "contentType": "text/plain", "data": "eA=="}

    assert asked(asking("POST", "Binary", resource=resource)).body == resource


def test_another_patch_is_refused() -> None:
    text = (
        "A patch in a Binary is in JSON; its contentType must be application/json-patch+json or "
        "application/merge-patch+json."
    )
    place = "Bundle.entry[2].resource.contentType"

    assert refused(binary("text/plain", "eA==")) == (
        415,
        (Issue("content-type-not-supported", "not-supported", text, place),),
    )


@pytest.mark.parametrize("data", ["?", "eA", 5, "é"])
def test_a_patch_that_is_not_in_base64_is_refused(data: object) -> None:
    issue_ = Issue("invalid-format", "value", "`data` must be the patch in base64.", "Bundle.entry[2].resource.data")

    assert refused(binary("application/json-patch+json", data)) == (400, (issue_,))


def test_a_patch_that_is_no_json_is_refused() -> None:
    status, (only,) = refused(binary("application/json-patch+json", base64.b64encode(b"[").decode()))

    assert (status, only.error, only.expression) == (400, "invalid-json", "Bundle.entry[2].resource.data")


@pytest.mark.parametrize(("method", "url", "status"), [("GET", "none", 404), ("POST", "metadata", 405)])
def test_an_address_that_is_none_is_told_where_it_stands(method: str, url: str, status: int) -> None:
    found, (only,) = refused(asking(method, url))

    assert (found, only.expression) == (status, "Bundle.entry[2].request.url")


# --- what is wrong with entries ---


@pytest.mark.parametrize("entries", [{}, "x", [1], [None], [asking("GET", "metadata"), []]])
def test_entries_are_a_list_of_objects(entries: Json) -> None:
    with pytest.raises(FhirError) as error:
        entries_of({"resourceType": "Bundle", "entry": entries})

    text = "`entry` must be a list of objects, each with a `request`."
    assert error.value.issues == (Issue("wrong-type", "structure", text, "Bundle.entry"),)


def test_a_bundle_may_have_no_entries() -> None:
    assert entries_of({"resourceType": "Bundle"}) == []
    assert check_entries({"resourceType": "Bundle", "type": "batch"}, "4.0") == []


def test_a_bad_entry_harms_only_itself() -> None:
    errors = check_entries(
        batch(
            asking("GET", "Patient/1"),
            asking("GETT", "Patient/1"),
            {"request": {"method": "GET", "url": "Patient/1", "how": "fast"}},
        ),
        "4.0",
    )

    assert errors[0] is None
    assert [error.status_code for error in errors[1:] if error is not None] == [400, 400]
    assert [told(error)[0][1] for error in errors[1:]] == [
        "Bundle.entry[1].request.method",
        "Bundle.entry[2].request.how",
    ]


def test_a_method_that_the_version_does_not_have_is_wrong_in_it() -> None:
    (in_r4,), (in_stu3,) = (check_entries(batch(asking("PATCH", "Patient/1")), version) for version in ("4.0", "3.0"))

    assert (in_r4, told(in_stu3)[0][1]) == (None, "Bundle.entry[0].request.method")


@pytest.mark.parametrize(
    "entry",
    [
        asking("PUT", "Patient/1", resource={"resourceType": "Patient", "id": "1", "gender": "robot", "x": 1}),
        asking("PUT", "Patient/1", resource={"resourceType": "Martian"}),
        asking("PUT", "Patient/1", resource="none"),
        {},
        {"request": "GET Patient/1"},
    ],
)
def test_resources_and_missing_requests_are_left_to_others(entry: Json) -> None:
    assert check_entries(batch(asking("GET", "Patient/1"), entry), "4.0") == [None, None]


def test_what_is_wrong_around_the_entries_is_wrong_for_all() -> None:
    with pytest.raises(FhirError) as error:
        check_entries({**batch(asking("GETT", "Patient/1")), "total": -1, "kind": "x"}, "4.0")

    assert error.value.status_code == 400
    assert {issue.expression for issue in error.value.issues} >= {"Bundle.total", "Bundle.kind"}
    assert not any(str(issue.expression).startswith("Bundle.entry") for issue in error.value.issues)


@pytest.mark.parametrize(
    "made",
    [
        {"fullUrl": "urn:uuid:1", **asking("PUT", "Patient/1")},
        {"fullUrl": "urn:oid:1.2", **asking("GET", "Patient/1")},
        {"fullUrl": f"{ROOT}/Patient/1", **asking("POST", "Patient")},
    ],
)
def test_what_an_entry_makes_no_other_can_refer_to(made: Json) -> None:
    """https://hl7.org/fhir/R4/http.html#brules"""
    reference = {"reference": made["fullUrl"]}
    resource = {"resourceType": "Patient", "link": [{"other": {"reference": "Patient/9"}}, {"other": reference}]}

    errors = check_references([made, asking("PUT", "Patient/2", resource=resource)])

    assert errors[0] is None
    assert told(errors[1]) == [(CANNOT_REFER, "Bundle.entry[1].resource.link[1].other.reference")]


def test_an_error_of_a_reference_comes_with_the_others() -> None:
    made = {"fullUrl": "urn:uuid:1", **asking("PUT", "Patient/1")}
    resource = {"resourceType": "Patient", "generalPractitioner": [{"reference": "urn:uuid:1"}]}

    errors = check_entries(batch(made, asking("PUT", "Patient/2", resource=resource)), "4.0")

    place = "Bundle.entry[1].resource.generalPractitioner[0].reference"
    assert [told(error) for error in errors] == [[], [(CANNOT_REFER, place)]]


@pytest.mark.parametrize(
    "entry",
    [
        {"fullUrl": "urn:uuid:1", **asking("PUT", "Patient/1", resource={"link": [{"reference": "urn:uuid:1"}]})},
        asking("PUT", "Patient/2", resource={"link": [{"reference": f"{ROOT}/Patient/1"}]}),
        asking("PUT", "Patient/2", resource={"link": [{"reference": 5}]}),
        asking("GET", "Patient/2"),
    ],
)
def test_an_entry_may_refer_to_itself_and_to_what_is_there(entry: Json) -> None:
    there = {"fullUrl": f"{ROOT}/Patient/1", **asking("PUT", "Patient/1")}

    assert check_references([there, entry]) == [None, None]


@pytest.mark.parametrize("reference", ["urn:uuid:1", "Patient?identifier=a|1"])
def test_a_transaction_cannot_refer_to_what_has_no_address_yet(reference: str) -> None:
    """https://hl7.org/fhir/R4/http.html#trules: the server would have to put in the right one."""
    entry = {
        "fullUrl": "urn:uuid:1",
        **asking(
            "PUT", "Patient/1", resource={"resourceType": "Patient", "link": [{"other": {"reference": reference}}]}
        ),
    }

    with pytest.raises(FhirError) as error:
        check_transaction([entry])

    place = "Bundle.entry[0].resource.link[0].other.reference"
    assert error.value.status_code == 422
    assert error.value.issues == (Issue("value-not-allowed", "not-supported", CANNOT_PUT_IN, place),)


def test_a_transaction_may_refer_to_what_is_there() -> None:
    check_transaction([asking("PUT", "Patient/1", resource={"link": [{"other": {"reference": "Patient/2"}}]})])


# --- what an entry does ---


@pytest.mark.parametrize(
    ("code", "operation", "writes"),
    [
        ("read", None, False),
        ("search-type", None, False),
        ("capabilities", None, False),
        ("update", None, True),
        ("patch", None, True),
        ("create", None, True),
        ("delete", None, True),
        ("batch", None, True),
        ("operation", "validate", False),
        ("operation", "versions", False),
        ("operation", "order-kit", True),
    ],
)
def test_an_entry_writes_unless_it_is_known_to_change_nothing(code: Code, operation: str | None, writes: bool) -> None:
    assert is_write(Interaction(code, Address(None, "Patient", "1", operation), "4.0")) is writes


def test_several_writes_are_told_at_the_second() -> None:
    error = several_writes([1, 4])

    text = (
        "Partners have no common commit, so a transaction can change one thing at most; "
        "send the entries as a batch, where each is carried out by itself."
    )
    assert (error.status_code, error.issues) == (
        422,
        (Issue("several-writes", "not-supported", text, "Bundle.entry[4]"),),
    )


def test_a_method_that_is_not_taken_in_an_entry_is_taken_of_the_bundle() -> None:
    """Another error stays what it is."""
    issue_ = Issue("method-not-allowed", "not-supported", "No.", "Bundle.entry[1]")
    refusal = failure_of_all(FhirError(405, issue_, headers={"Allow": "GET"}))
    other = FhirError(429, issue_, headers={"Retry-After": "7"})

    assert (refusal.status_code, refusal.issues, refusal.headers) == (422, (issue_,), {})
    assert failure_of_all(other) is other


def test_a_message_at_the_base_is_one_for_process_message() -> None:
    message = as_message(NORTHLAB)

    assert (message.code, message.address) == ("operation", Address("northlab", operation="process-message"))


@pytest.mark.parametrize("query", [(), (("async", "false"),), (("_format", "json"),)])
def test_a_message_is_answered_at_once(query: tuple[tuple[str, str], ...]) -> None:
    check_synchronous(Interaction("operation", Address(None), "4.0", query))


@pytest.mark.parametrize(
    ("name", "value"), [("async", "true"), ("async", ""), ("response-url", "https://client.example/answers")]
)
def test_not_later_and_not_elsewhere(name: str, value: str) -> None:
    with pytest.raises(FhirError) as error:
        check_synchronous(Interaction("operation", Address(None), "4.0", ((name, value),)))

    text = "A message is answered at once, in the answer to the request; leave this parameter out."
    assert error.value.status_code == 400
    assert error.value.issues == (Issue("value-not-allowed", "not-supported", text, f"http.{name}"),)


# --- the answer ---

GET = {"method": "GET", "url": "Patient/1"}
PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "1",
    "meta": {"lastUpdated": "2017-04-20T21:14:13.250+02:00"},
}
HEADERS = {"ETag": 'W/"2"', "Last-Modified": "Thu, 20 Apr 2017 19:14:13 GMT"}
REFUSED = outcome(issue("unknown-path", "not-found", "There is no such thing."))


@pytest.mark.parametrize(
    ("request_", "answer", "entry"),
    [
        (
            GET,
            FhirResponse(200, {"resourceType": "Patient"}),
            {"resource": {"resourceType": "Patient"}, "response": {"status": "200 OK"}},
        ),
        (
            GET,
            FhirResponse(200, PATIENT, HEADERS),
            {
                "resource": PATIENT,
                "response": {"status": "200 OK", "etag": 'W/"2"', "lastModified": "2017-04-20T21:14:13.250+02:00"},
            },
        ),
        (
            GET,
            FhirResponse(200, None, HEADERS),
            {"response": {"status": "200 OK", "etag": 'W/"2"', "lastModified": "2017-04-20T19:14:13Z"}},
        ),
        (
            {"method": "HEAD", "url": "Patient/1"},
            FhirResponse(200, PATIENT, {"ETag": 'W/"2"'}),
            {"response": {"status": "200 OK", "etag": 'W/"2"'}},
        ),
        (
            {"method": "HEAD", "url": "Patient/1"},
            FhirResponse(404, REFUSED),
            {"response": {"status": "404 Not Found", "outcome": REFUSED}},
        ),
        (
            {"method": "POST", "url": "Patient"},
            FhirResponse(201, None, {"Location": f"{ROOT}/Patient/1/_history/2"}),
            {"response": {"status": "201 Created", "location": f"{ROOT}/Patient/1/_history/2"}},
        ),
        (GET, FhirResponse(304, None), {"response": {"status": "304 Not Modified"}}),
        (GET, FhirResponse(404, REFUSED), {"response": {"status": "404 Not Found", "outcome": REFUSED}}),
        (GET, FhirResponse(422, REFUSED), {"response": {"status": "422 Unprocessable Content", "outcome": REFUSED}}),
        (GET, FhirResponse(413, REFUSED), {"response": {"status": "413 Content Too Large", "outcome": REFUSED}}),
        (GET, FhirResponse(499, REFUSED), {"response": {"status": "499", "outcome": REFUSED}}),
        (None, FhirResponse(400, REFUSED), {"response": {"status": "400 Bad Request", "outcome": REFUSED}}),
        (
            {"method": "PUT", "url": "Patient/1"},
            FhirResponse(200, REFUSED, HEADERS),
            {
                "response": {
                    "status": "200 OK",
                    "etag": 'W/"2"',
                    "lastModified": "2017-04-20T19:14:13Z",
                    "outcome": REFUSED,
                }
            },
        ),
        (
            {"method": "POST", "url": "Patient/$validate"},
            FhirResponse(200, REFUSED),
            {"resource": REFUSED, "response": {"status": "200 OK"}},
        ),
        (
            {"method": "POST", "url": "Patient/$validate"},
            FhirResponse(404, REFUSED),
            {"response": {"status": "404 Not Found", "outcome": REFUSED}},
        ),
    ],
)  # fmt: skip
def test_an_answer_says_in_its_entry_what_http_says_in_headers(
    request_: Json, answer: FhirResponse, entry: Json
) -> None:
    """An outcome is beside the answer, unless it is the answer, as that of `$validate`."""
    assert response_entry(request_, answer) == entry


def test_when_to_come_again_is_an_issue_of_its_own() -> None:
    """`response` has no element for it."""
    busy = issue("partner-throttled", "throttled", "Northlab asks for fewer requests.", diagnostics="Slow down")
    answer = FhirResponse(429, outcome(busy), {"Retry-After": "120"})

    text = "The partner says when to send this entry again."
    when = issue("partner-throttled", "throttled", text, severity="information", diagnostics="Retry-After: 120")
    assert response_entry(GET, answer)["response"] == {
        "status": "429 Too Many Requests",
        "outcome": outcome(busy, when),
    }


def test_answers_make_a_bundle() -> None:
    entry = {"response": {"status": "200 OK"}}

    assert response_bundle("batch-response", [entry]) == {
        "resourceType": "Bundle", "type": "batch-response", "entry": [entry],
    }  # fmt: skip


def test_no_answers_make_one_without_entries() -> None:
    assert response_bundle("transaction-response", []) == {"resourceType": "Bundle", "type": "transaction-response"}


def test_an_error_is_an_answer_too() -> None:
    error = FhirError(404, Issue("unknown-path", "not-found", "There is no such thing."), headers={"A": "b"})

    assert failure(error) == FhirResponse(404, REFUSED, {"A": "b"})
