"""Which route an interaction takes: at a partner's base by its name, at the hub by what the request says."""

from typing import Any

import pytest

from fhir_bridge.canonical import CANONICAL
from fhir_bridge.fhir.interaction import Address
from fhir_bridge.mapping.routes import Routes
from fhir_bridge.outcome import FhirError, Issue, Json
from tests.mapping.lab import URL, ask, load, operation, profile


def lab(name: str, event: str, url: str = "NORTHLAB_URL") -> str:
    """Return the mapping file of a partner that has a read, an update, an operation and a message."""
    return f"""\
partner: {name}
title: {name.title()}
fhir: ["4.0"]
connection: {{base_url: ${url}}}
identity:
  systems: [sid/{name}, sid/shared]
  events: ["http://lab.example/events#{event}"]
interactions:
  read Patient: {{call: "GET /{{id}}", receive: {{map: client}}}}
  update Patient: {{call: "PUT /{{id}}", send: {{map: client}}, receive: {{map: client}}}}
  patch Patient: {{reads: read Patient, writes: update Patient}}
  update Bundle:
    call: PUT /b/{{id}}
    send: {{as_it_is: message}}
    receive: {{as_it_is: message}}
  create Bundle: {{as: update Bundle}}
  $process-message Bundle: {{as: update Bundle, definition: OperationDefinition/op}}
  ${name}-order Patient:
    also: [order]
    definition: OperationDefinition/op
    call: POST /{{id}}
    send: {{map: order}}
    receive: {{map: order}}
maps:
  client: {{resource: Patient, profile: StructureDefinition/{name}, rows: {{birthDate: {{at: born}}}}}}
  message: {{resource: Bundle}}
  order: {{resource: Parameters, rows: {{"parameter[a].valueString": {{at: a}}}}}}
"""


def hub() -> Routes:
    files = {"a.yaml": lab("north", "one"), "b.yaml": lab("south", "two"), "c.yaml": lab("west", "three", "WEST_URL")}
    definitions = [profile(name, "Patient") for name in ("north", "south", "west")]
    return load(files, *definitions, operation("op"))


HUB = hub()
BASES = "/fhir/north, /fhir/south"


def found(
    code: Any,
    resource_type: Any = "Patient",
    id_: Any = "42",
    *,
    base: str | None = None,
    routes: Routes = HUB,
    **also: Any,
) -> str:
    """Return partner and interaction of the route, or status and issue of the error."""
    return spelled(routes, ask(code, resource_type, id_, base=base, **also))


def spelled(routes: Routes, interaction: Any) -> str:
    try:
        route, _ = routes.match(interaction)
    except FhirError as error:
        (issue,) = error.issues
        return f"{error.status_code} {issue.error}"
    return f"{route.partner}: {f'${route.operation}' if route.operation else route.code} {route.resource_type}"


def failure(
    code: Any,
    resource_type: Any = "Patient",
    id_: Any = "42",
    *,
    base: str | None = None,
    routes: Routes = HUB,
    **also: Any,
) -> tuple[int, tuple[Issue, ...], dict[str, str]]:
    with pytest.raises(FhirError) as caught:
        routes.match(ask(code, resource_type, id_, base=base, **also))
    return caught.value.status_code, caught.value.issues, caught.value.headers


def message(event: Json, name: str = "eventCoding") -> Json:
    header = {"resourceType": "MessageHeader", name: event}
    return {"resourceType": "Bundle", "entry": [{}, {"resource": {"resourceType": "Patient"}}, {"resource": header}]}


EVENT = {"system": "http://lab.example/events", "code": "two"}
PROFILE = f"{CANONICAL}/StructureDefinition/south"
SYSTEM = f"{CANONICAL}/sid/south"


@pytest.mark.parametrize(
    ("sign", "route"),
    [
        ({"code": "operation", "operation": "south-order"}, "south: $south-order Patient"),
        ({"code": "update", "body": {"meta": {"profile": ["http://x.example", PROFILE]}}}, "south: update Patient"),
        ({"code": "update", "body": {"meta": {"profile": [f"{PROFILE}|1.0.0"]}}}, "south: update Patient"),
        (
            {"code": "update", "body": {"identifier": [{"system": "x"}, {"system": SYSTEM, "value": "1"}]}},
            "south: update Patient",
        ),
        (
            {"code": "update", "resource_type": "Bundle", "body": {"identifier": {"system": SYSTEM, "value": "1"}}},
            "south: update Bundle",
        ),
        ({"code": "read", "query": (("identifier", f"{SYSTEM}|1"),)}, "south: read Patient"),
        ({"code": "update", "resource_type": "Bundle", "body": message(EVENT)}, "south: update Bundle"),
        ({"code": "update", "resource_type": "Bundle", "body": message(EVENT, "event")}, "south: update Bundle"),
    ],
)
def test_at_the_hub_each_of_four_signs_finds_the_partner(sign: dict[str, Any], route: str) -> None:
    assert found(**sign) == route


def test_the_first_sign_that_any_partner_shows_decides() -> None:
    north = {"meta": {"profile": [f"{CANONICAL}/StructureDefinition/north"]}, "identifier": [{"system": SYSTEM}]}

    assert found("update", body=north) == "north: update Patient"
    assert found("operation", operation="south-order", body=north) == "south: $south-order Patient"
    assert (
        found("update", "Bundle", body={**message(EVENT), "identifier": {"system": SYSTEM}}) == "south: update Bundle"
    )


@pytest.mark.parametrize(
    "sign",
    [
        {"code": "read"},
        {"code": "update", "body": {"meta": {"profile": ["http://x.example"]}, "identifier": [{"system": "x"}]}},
        {"code": "update", "body": {"meta": {"profile": [f"{CANONICAL}/StructureDefinition/west"]}}},
        {"code": "read", "query": (("identifier", SYSTEM), ("_id", f"{SYSTEM}|1"))},
        {"code": "update", "resource_type": "Bundle", "body": message({"system": "x", "code": "two"})},
        {"code": "update", "resource_type": "Bundle", "body": message("two")},
    ],
)
def test_without_a_sign_the_bases_are_named(sign: dict[str, Any]) -> None:
    """A partner that is not configured is none."""
    text = f"Nothing in the request tells which partner it is for; send it to a partner's own base: {BASES}."

    assert failure(**sign) == (404, (Issue("no-partner-found", "not-supported", text),), {})


def test_where_nobody_is_configured_there_is_no_base_to_name() -> None:
    text = "Nothing in the request tells which partner it is for; send it to a partner's own base: none is configured."
    routes = load({"c.yaml": lab("west", "three", "WEST_URL")}, profile("west", "Patient"), operation("op"))

    assert failure("read", routes=routes) == (404, (Issue("no-partner-found", "not-supported", text),), {})


@pytest.mark.parametrize(
    "sign",
    [
        {"code": "operation", "operation": "order"},
        {"code": "update", "body": {"identifier": [{"system": f"{CANONICAL}/sid/shared"}]}},
        {"code": "update", "body": {"meta": {"profile": [PROFILE, PROFILE.replace("south", "north")]}}},
    ],
)
def test_a_sign_of_two_partners_names_both(sign: dict[str, Any]) -> None:
    text = "The request fits several partners: /fhir/north and /fhir/south. Send it to one of these bases."

    assert failure(**sign) == (400, (Issue("several-partners-found", "multiple-matches", text),), {})


@pytest.mark.parametrize(
    "body",
    [
        None,
        5,
        [],
        {"meta": None},
        {"meta": {"profile": "x"}},
        {"meta": {"profile": [5]}},
        {"identifier": 5},
        {"identifier": [5, {"system": 5}, {}]},
        {"entry": 5},
        {"entry": [5, {"resource": 5}]},
        {"entry": [{"resource": {"resourceType": "MessageHeader"}}]},
        {"entry": [{"resource": {"resourceType": "MessageHeader", "event": {}}}]},
    ],
)
def test_odd_bodies_show_no_sign(body: Json) -> None:
    assert found("update", "Bundle", body=body) == "404 no-partner-found"


def test_what_is_found_at_the_hub_is_told_of_where_it_can_be_read() -> None:
    interaction = ask("read", base=None, query=(("identifier", f"{SYSTEM}|1"),), base_url="http://b/fhir")

    _, matched = HUB.match(interaction)

    assert matched.base_url == "http://b/fhir/south"


def test_at_its_own_base_a_partner_needs_no_sign() -> None:
    assert found("read", base="south") == "south: read Patient"
    assert found("update", "Bundle", base="north") == "north: update Bundle"
    assert found("operation", base="north", operation="order") == "north: $north-order Patient"
    assert found("operation", None, None, base="north", operation="process-message") == "north: $process-message Bundle"
    assert found("search-type", id_=None, base="north") == "north: search-type Patient"
    assert found("create", "Bundle", None, base="north") == "north: create Bundle"


def test_a_partner_that_is_not_configured_names_the_variable_to_set() -> None:
    assert failure("read", base="west") == (
        404,
        (
            Issue(
                "partner-not-configured", "not-supported", "West is not configured here; set WEST_URL and start again."
            ),
        ),
        {},
    )
    assert load(
        {"c.yaml": lab("west", "three", "WEST_URL")},
        profile("west", "Patient"),
        operation("op"),
        environment={**URL, "WEST_URL": "http://w"},
    ).configured()


@pytest.mark.parametrize(
    ("resource_type", "text"),
    [
        ("Observation", "North offers nothing for Observation; it offers Bundle, Patient."),
        ("Patien", "North knows no resource type Patien; it offers Bundle, Patient."),
    ],
)
def test_a_type_that_is_not_offered(resource_type: str, text: str) -> None:
    assert failure("read", resource_type, base="north") == (404, (Issue("unknown-path", "not-supported", text),), {})


def test_an_interaction_with_the_whole_base_is_not_offered() -> None:
    text = "North does not offer `batch` at this address."

    assert failure("batch", None, None, base="north") == (
        405,
        (Issue("method-not-allowed", "not-supported", text),),
        {"Allow": ""},
    )


@pytest.mark.parametrize(
    ("code", "resource_type", "id_", "special", "allow"),
    [
        ("delete", "Patient", "42", None, "GET, HEAD, PUT, PATCH"),
        ("read", "Bundle", "42", None, "PUT"),
        ("create", "Patient", None, None, "PUT, PATCH, GET, HEAD"),
        ("search-type", "Bundle", None, None, "PUT, POST"),
        ("vread", "Patient", "42", "_version", ""),
        ("history", "Patient", None, "_history", ""),
        ("delete", "Patient", None, "_search", "POST"),
        ("delete", "Bundle", None, "_search", ""),
    ],
)
def test_an_interaction_that_is_not_offered_is_told_those_that_are(
    code: Any, resource_type: str, id_: str | None, special: str | None, allow: str
) -> None:
    interaction = ask(code, resource_type, id_, base="north")
    address = Address("north", resource_type, id_, special=special)
    with pytest.raises(FhirError) as caught:
        HUB.match(type(interaction)(code, address, "4.0"))

    text = f"North does not offer `{code}` of {resource_type} at this address."
    text += f" It allows {allow}." if allow else ""
    assert (caught.value.status_code, caught.value.issues, caught.value.headers) == (
        405,
        (Issue("method-not-allowed", "not-supported", text),),
        {"Allow": allow},
    )


@pytest.mark.parametrize(
    ("resource_type", "id_", "operation_"),
    [
        ("Patient", "42", "lookup"),
        ("Patient", None, "order"),
        ("Bundle", "42", "order"),
        ("Bundle", "42", "process-message"),
        (None, None, "order"),
    ],
)
def test_an_operation_that_is_not_there_or_not_at_this_level(resource_type: Any, id_: Any, operation_: str) -> None:
    text = (
        f"North has no operation `${operation_}` at this address. It has "
        f"[base]/$process-message, Patient/[id]/$north-order."
    )

    assert failure("operation", resource_type, id_, base="north", operation=operation_) == (
        404,
        (Issue("unknown-path", "not-supported", text),),
        {},
    )


def test_a_partner_without_operations_names_none() -> None:
    routes = load("partner: northlab\nconnection: {base_url: $NORTHLAB_URL}\n")

    text = "northlab has no operation `$order` at this address."
    assert failure("operation", base="northlab", operation="order", routes=routes) == (
        404,
        (Issue("unknown-path", "not-supported", text),),
        {},
    )


def test_a_conditional_update_or_patch_has_the_id_that_its_criteria_tell() -> None:
    logical = f"{CANONICAL}/sid/north|42"
    body = {"resourceType": "Patient", "birthDate": "1815-12-10"}

    route, update = HUB.match(ask("update", id_=None, base="north", query=(("identifier", logical),), body=body))
    _, with_id = HUB.match(ask("update", id_=None, base="north", query=(("_id", "42"),), body={**body, "id": "43"}))
    _, patch = HUB.match(ask("patch", id_=None, base="north", query=(("_id", "42"),), body=[]))

    assert (route.code, update.id, update.body, body) == (
        "update",
        "42",
        {**body, "id": "42"},
        {"resourceType": "Patient", "birthDate": "1815-12-10"},
    )
    assert (with_id.body["id"], patch.id, patch.body) == ("43", "42", [])


ONE_WAY = f"A Patient is found here by `_id` or `identifier={CANONICAL}/sid/north|…` only; ask by that."


@pytest.mark.parametrize(
    ("query", "status", "issue"),
    [
        ((), 400, Issue("no-such-search", "not-supported", ONE_WAY)),
        ((("name", "Ada"),), 400, Issue("no-such-search", "not-supported", ONE_WAY)),
        ((("_id", "42"), ("name", "Ada")), 400, Issue("no-such-search", "not-supported", ONE_WAY)),
        ((("identifier", f"{CANONICAL}/sid/shared|42"),), 400, Issue("no-such-search", "not-supported", ONE_WAY)),
        (
            (("_id", "42,43"),),
            412,
            Issue("no-such-search", "multiple-matches", "The criteria name more than one Patient; name one."),
        ),
    ],
)
def test_criteria_that_do_not_tell_one_id(query: Any, status: int, issue: Issue) -> None:
    assert failure("update", id_=None, base="north", query=query, body={}) == (status, (issue,), {})


def test_a_conditional_create_is_not_offered() -> None:
    text = (
        "The partner cannot say whether it has such a Bundle, so nothing was made. "
        "Make sure that it has none, then send the request without If-None-Exist."
    )

    assert failure("create", "Bundle", None, base="north", headers={"if-none-exist": "_id=42"}) == (
        422,
        (Issue("no-such-search", "not-supported", text, "http.If-None-Exist"),),
        {},
    )


@pytest.mark.parametrize("id_", ["..", ".", "a/b", "a b", "a" * 65, ""])
def test_what_is_no_id_is_never_sent(id_: str) -> None:
    text = "An id has 1 to 64 letters, digits, '-' and '.', and is neither '.' nor '..'."

    assert failure("read", id_=id_, base="north") == (400, (Issue("invalid-id", "value", text, "Patient.id"),), {})


@pytest.mark.parametrize("id_", ["x", "042", "-1", "..", "9" * 19])
def test_an_id_that_no_record_can_have_is_not_found(id_: str) -> None:
    text = lab("north", "one").replace("identity:", "identity:\n  id: positive-integer")
    routes = load(text, profile("north", "Patient"), operation("op"))

    said = "North has no such Patient: its ids are of the form positive-integer."
    assert failure("read", id_=id_, base="north", routes=routes) == (
        404,
        (Issue("invalid-id", "not-found", said, "Patient.id"),),
        {},
    )
    assert found("read", base="north", routes=routes) == "north: read Patient"


@pytest.mark.parametrize(
    ("address", "methods"),
    [
        (Address("north", "Patient", "42"), ["GET", "HEAD", "PUT", "PATCH"]),
        (Address("north", "Patient"), ["PUT", "PATCH", "GET", "HEAD"]),
        (Address(None, "Bundle", "42"), ["PUT"]),
        (Address(None, "Observation", "42"), []),
        (Address(None, "Patient", special="_search"), ["POST"]),
        (Address("north", "Patient", "42", special="_version"), []),
        (Address("north", "Patient", "42", special="_history"), []),
        (Address("north", special="metadata"), ["GET", "HEAD"]),
        (Address("north", "Patient", "42", "order"), ["POST"]),
        (Address("north", "Patient", "42", "lookup"), []),
        (Address("north", "Patient", None, "order"), []),
        (Address(None, None, None, "process-message"), ["POST"]),
        (Address(None), ["POST"]),
    ],
)
def test_the_methods_that_an_address_takes(address: Address, methods: list[str]) -> None:
    assert HUB.allow(address) == methods


def test_the_hub_speaks_r4_and_whatever_a_configured_partner_speaks() -> None:
    stu3 = 'partner: {}\nfhir: ["3.0"]\nconnection: {{base_url: ${}}}\n'
    routes = load(
        {
            "a.yaml": lab("north", "one"),
            "b.yaml": stu3.format("b", "NORTHLAB_URL"),
            "c.yaml": stu3.format("c", "UNSET"),
        },
        profile("north", "Patient"),
        operation("op"),
    )

    assert (routes.versions(None), routes.versions("b"), routes.versions("north")) == (
        ("4.0", "3.0"),
        ("3.0",),
        ("4.0",),
    )
    assert HUB.versions(None) == ("4.0",)


def test_records_that_tell_their_version_can_be_asked_for_it() -> None:
    row = "rows: {meta.versionId: {at: revision, as: version, only: to_fhir}, "
    routes = load(
        lab("north", "one").replace("rows: {birthDate", f"{row}birthDate"), profile("north", "Patient"), operation("op")
    )
    version = Address("north", "Patient", "42", special="_version", version_id="7")

    told = [routes.tells_versions(each) for each in (version, Address(None, "Patient"), Address("north", "Bundle"))]

    assert told == [True, True, False]
    assert routes.allow(version) == ["GET", "HEAD"]
    assert not HUB.tells_versions(version)
