"""Operations by GET: parameters in the address, pages whose links lead back; answers of bare text."""

from typing import Any

import pytest

from fhir_bridge.fhir.interaction import Preferences
from fhir_bridge.outcome import Issue, Json
from tests.mapping.lab import URL, Done, answer, ask, handle, load, operation, parameters, problems, profile

FILE = """\
partner: northlab
title: Northlab
connection: {base_url: $NORTHLAB_URL}
interactions:
  $results Patient:
    definition: OperationDefinition/results
    call: GET /clients/{id}/results
    receive: {as_it_is: page, links: true}
  $portal-link Patient:
    definition: OperationDefinition/portal-link
    call: POST /portal
    send: {map: portal-request}
    receive: {map: portal, text: link.url}
maps:
  page: {resource: Bundle}
  portal-request:
    resource: Parameters
    rows:
      parameter[client].valueString: {at: client, otherwise: "{id}"}
  portal:
    resource: Parameters
    rows:
      parameter[url].valueUrl: {at: link.url, as: https}
"""
TYPES = {"_count": "integer", "limit": "decimal", "latest": "boolean", "_type": "code", "_since": "instant"}


def results(**also: Any) -> Json:
    of_query = [{"name": name, "use": "in", "min": 0, "max": "*", "type": type_} for name, type_ in TYPES.items()]
    out = {"name": "return", "use": "out", "min": 1, "max": "1", "type": "Bundle"}
    return {**operation("results"), "affectsState": False, "parameter": [*of_query, out], **also}


ROUTES = load(FILE, results(), operation("portal-link"))


def page(*links: Json) -> Json:
    return {"resourceType": "Bundle", "type": "searchset", **({"link": list(links)} if links else {})}


def link(relation: str, url: str) -> Json:
    return {"relation": relation, "url": url}


def get(*query: tuple[str, str], body: Json = None, answered: Json = None, name: str = "results") -> Done:
    interaction = ask(
        "operation", operation=name, query=query, method="GET", base_url="http://bridge.test/fhir/northlab"
    )
    return handle(ROUTES, interaction, *([] if answered is None else [answer(200, answered)]))


def test_the_parameters_of_the_address_are_passed_on_by_their_names() -> None:
    query = (("_count", "2"), ("_type", "Patient,Person"), ("_since", "2026-01-01T00:00:00Z"), ("latest", "true"))

    done = get(*query, ("limit", "0.50"), ("_format", "json"), ("_pretty", "true"), answered=page())

    path = "/clients/42/results?_count=2&_type=Patient%2CPerson&_since=2026-01-01T00%3A00%3A00Z&latest=true&limit=0.50"
    assert done.sent == [("GET", path, None)]
    assert done.requests[0].headers == {"Accept": "application/json"}
    assert done.resource == page()


def test_parameters_that_are_posted_are_passed_on_in_the_address_a_repeated_one_as_a_list() -> None:
    body = parameters(_count={"valueInteger": 2}, latest={"valueBoolean": False})
    body["parameter"] += [{"name": "_type", "valueCode": "Patient"}, {"name": "_type", "valueCode": "Person"}]

    done = handle(ROUTES, ask("operation", operation="results", body=body), answer(200, page()))

    assert done.sent == [("GET", "/clients/42/results?_count=2&latest=false&_type=Patient%2CPerson", None)]


def test_without_any_parameters_there_is_no_query() -> None:
    assert get(answered=page()).sent == [("GET", "/clients/42/results", None)]
    assert handle(ROUTES, ask("operation", operation="results"), answer(200, page())).sent == [
        ("GET", "/clients/42/results", None)
    ]


def test_nothing_of_such_parameters_is_left_behind_and_there_is_no_body_to_complete() -> None:
    preferences = Preferences(strict=True)
    body = parameters(_count={"valueInteger": 2})

    done = handle(ROUTES, ask("operation", operation="results", body=body, preferences=preferences), answer(403, {}))

    assert done.error is not None
    assert (done.error.status_code, len(done.requests)) == (403, 1)
    sender = next(route.call.sender for route in ROUTES.partners["northlab"].routes if route.operation == "results")
    assert sender is not None
    assert sender.complete({}, ask("operation")) == {}


def test_what_else_such_parameters_have_is_left_behind_or_refused() -> None:
    preferences = Preferences(strict=True)
    body = {**parameters(_count={"valueInteger": 2, "id": "a"}), "meta": {"tag": [{"code": "x"}]}}
    modified = parameters(
        _count={"valueInteger": 2, "modifierExtension": [{"url": "http://x.example", "valueCode": "a"}]}
    )
    ruled = {**parameters(_count={"valueInteger": 2}), "implicitRules": "http://x.example"}

    def refused(body: Json) -> list[tuple[str, str | None]]:
        done = handle(ROUTES, ask("operation", operation="results", body=body, preferences=preferences))
        assert done.error is not None
        return [(issue.error, issue.expression) for issue in done.error.issues]

    assert refused(body) == [("left-behind", "Parameters.parameter[0].id"), ("left-behind", "Parameters.meta")]
    assert refused(modified) == [("unknown-modifier", "Parameters.parameter[0].modifierExtension[0]")]
    assert refused(ruled) == [("changes-meaning", "Parameters.implicitRules")]


@pytest.mark.parametrize(
    ("query", "place", "text"),
    [
        (("_count", "x"), "http._count", "`valueInteger` must be a number, not a string."),
        (
            ("_count", "1.5"),
            "http._count",
            "`valueInteger` must be a whole number from -2,147,483,648 to 2,147,483,647.",
        ),
        (("latest", "yes"), "http.latest", "`valueBoolean` must be true or false, not a string."),
    ],
)
def test_a_value_of_another_type_is_refused_at_its_place_in_the_address(
    query: tuple[str, str], place: str, text: str
) -> None:
    done = get(("_type", "Patient"), query)

    assert done.error is not None
    assert (done.requests, done.error.status_code) == ([], 400)
    assert [(issue.text, issue.expression) for issue in done.error.issues] == [(text, place)]


def test_a_parameter_that_the_operation_has_not_is_refused() -> None:
    done = get(("_cuont", "2"), ("_offset", "2"))

    text = "This search parameter is not known here; leave it out."
    assert done.error is not None
    assert (done.requests, done.error.status_code) == ([], 400)
    assert list(done.error.issues) == [
        Issue("no-such-search", "not-supported", text, "http._cuont"),
        Issue("no-such-search", "not-supported", text, "http._offset"),
    ]


def test_the_profile_of_the_definition_is_kept_to() -> None:
    closed = {
        "id": "Parameters.parameter",
        "path": "Parameters.parameter",
        "max": "1",
    }
    definition = results(inputProfile="https://fhir-bridge.example/fhir/StructureDefinition/one")
    routes = load(FILE, definition, operation("portal-link"), profile("one", "Parameters", closed))
    query = (("latest", "true"), ("_count", "2"))

    done = handle(routes, ask("operation", operation="results", query=query, method="GET"))

    assert done.error is not None
    assert [issue.expression for issue in done.error.issues] == ["http._count"]


def test_links_lead_to_the_same_operation_of_the_bridge() -> None:
    links = (
        link("self", "https://api.northlab.example/clients/7/results?_count=2&trace=1"),
        link("next", "https://api.northlab.example/clients/7/results?_count=2&_type=A%2CB&_since=2026-01-01T00:00:00Z"),
        link("first", "/clients/7/results"),
    )

    base = "http://bridge.test/fhir/northlab/Patient/42/$results"
    assert get(answered=page(*links)).resource == page(
        link("self", f"{base}?_count=2"),
        link("next", f"{base}?_count=2&_type=A,B&_since=2026-01-01T00:00:00Z"),
        link("first", base),
    )


@pytest.mark.parametrize(
    ("links", "why"),
    [
        ("next", "`link`: a list is expected here"),
        ([{"relation": "next"}], "`link[0]`: a link with its `url` is expected here"),
        ([link("next", "http://[::1")], "`link[0]`: its `url` is none"),
        (["next"], "`link[0]`: a link with its `url` is expected here"),
        (
            [link("next", "https://api.northlab.example/clients/7/results?_count=2&cursor=x")],
            "`link[0]`: it leads to a page that cannot be asked for through the bridge",
        ),
        (
            [link("self", "x"), link("next", "https://api.northlab.example/pages/7")],
            "`link[1]`: it leads to a page that cannot be asked for through the bridge",
        ),
    ],
)
def test_a_page_that_could_not_be_followed_is_not_handed_out(links: Json, why: str) -> None:
    done = get(answered={**page(), "link": links})

    assert done.error is not None
    text = f"Northlab answered with status 200, but its answer cannot be read: {why}."
    assert list(done.error.issues) == [Issue("partner-answer-unreadable", "exception", text)]


def linked(body: bytes, parameters: Json = None) -> Done:
    return handle(ROUTES, ask("operation", operation="portal-link", body=parameters), answer(201, body))


@pytest.mark.parametrize("body", [b"https://portal.example/#/a?b=c.d\n", b'"https://portal.example/#/a?b=c.d"'])
def test_an_answer_of_bare_text_is_one_field(body: bytes) -> None:
    assert linked(body).resource == parameters(url={"valueUrl": "https://portal.example/#/a?b=c.d"})


def test_a_field_may_be_the_id_in_the_address_where_its_element_is_absent() -> None:
    body = b"https://portal.example"

    assert linked(body).sent == [("POST", "/portal", {"client": "42"})]
    assert linked(body, parameters(client={"valueString": "7"})).sent == [("POST", "/portal", {"client": "7"})]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"http://portal.example", "`link.url`: an address that begins with https:// is expected here"),
        (b"<html>Please sign in</html>", "`link.url`: an address that begins with https:// is expected here"),
        (b"https://portal.example <b>", "`link.url`: an address that begins with https:// is expected here"),
        (b'{"url": "https://portal.example"}', "`link.url`: an address that begins with https:// is expected here"),
        (b"\xff", "it is no text in UTF-8"),
        (b"", "nothing in it is known"),
    ],
)
def test_an_answer_that_is_no_address_is_unreadable(body: bytes, why: str) -> None:
    done = linked(body)

    assert done.error is not None
    text = f"Northlab accepted the call (status 201), but its answer cannot be read: {why}."
    assert (done.error.status_code, list(done.error.issues)) == (
        502,
        [Issue("partner-answer-unreadable", "exception", text)],
    )


@pytest.mark.parametrize(
    ("was", "becomes", "found"),
    [
        (
            "call: GET /clients/{id}/results",
            "call: GET /clients/{id}/results\n    send: {map: portal-request}",
            "8:11: an operation that is called by GET sends nothing; remove 'send'",
        ),
        (
            "receive: {as_it_is: page, links: true}",
            "receive: {map: portal, links: true}",
            "8:14: 'links' are those of a Bundle that an operation called by GET receives as it is; remove it",
        ),
        (
            "receive: {map: portal, text: link.url}",
            "receive: {as_it_is: portal, text: link.url}",
            "13:39: 'text' is the field of a record that a 'map' reads; add the map",
        ),
        (
            'otherwise: "{id}"',
            "otherwise: someone",
            "19:62: 'otherwise' beside 'at' is '{id}', the id in the address, in a map of Parameters; write that",
        ),
    ],
)
def test_a_mistake_is_told_at_its_place(was: str, becomes: str, found: str) -> None:
    assert f"t.yaml:{found}" in problems(FILE.replace(was, becomes), results(), operation("portal-link"))


@pytest.mark.parametrize(
    ("definition", "found"),
    [
        (
            results(affectsState=True),
            "'$results Patient' is called by GET, but its definition does not say that `affectsState` is false; say so",
        ),
        (
            results(parameter=[{"name": "who", "use": "in", "min": 0, "max": "1", "type": "Group"}]),
            "parameter 'who' is a Group, and cannot stand in a query; call the operation by POST",
        ),
        (
            results(parameter=[{"name": "who", "use": "in", "min": 0, "max": "1", "part": []}]),
            "parameter 'who' is a part, and cannot stand in a query; call the operation by POST",
        ),
    ],
)
def test_a_definition_must_let_its_operation_be_called_by_get(definition: Json, found: str) -> None:
    definition["parameter"] = [
        {name: value for name, value in each.items() if value != []} for each in definition["parameter"]
    ]

    assert problems(FILE, definition, operation("portal-link")) == [f"t.yaml:6:17: {found}"]


def test_a_profile_that_cannot_be_compiled_is_told_once() -> None:
    definition = results(inputProfile="https://fhir-bridge.example/fhir/StructureDefinition/one")
    broken = profile("one", "Parameters", {"id": "Parameters.nothing", "path": "Parameters.nothing"})

    (line,) = problems(FILE, definition, operation("portal-link"), broken)

    assert line.startswith("t.yaml:6:17: profiles/2.json: Parameters.nothing")


def test_an_operation_without_its_definition_is_told_once() -> None:
    text = FILE.replace("    definition: OperationDefinition/results\n", "")

    assert problems(text, operation("portal-link"), environment=URL) == [
        "t.yaml:5:3: '$results Patient' is an operation; add 'definition', its OperationDefinition"
    ]
