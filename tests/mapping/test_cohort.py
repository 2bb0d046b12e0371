"""An operation on several records: who is named, what each gets, and what is told of each."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_bridge.fhir.interaction import FhirResponse, Interaction
from fhir_bridge.mapping.plans.cohort import Cohort
from fhir_bridge.mapping.routes import Routes
from fhir_bridge.outcome import FhirError, Issue, Json
from tests.mapping.lab import ask, load, operation, problems, profile

FILE = """\
partner: northlab
title: Northlab
connection: {base_url: $NORTHLAB_URL}
identity: {systems: [sid/client], id: positive-integer}
interactions:
  $order-kit Patient:
    also: [$orderKit]
    definition: OperationDefinition/order-kit
    call: POST /programmes/{programme}/kits
    send: {map: order, id: {at: client, as: digits}}
    receive: {map: kit}
    cohort: {most: 3, definition: OperationDefinition/order-kits}
maps:
  order:
    resource: Parameters
    rows:
      parameter[programme].valueString: {path: programme}
      parameter[quantity].valueInteger: {at: quantity}
  kit:
    resource: Parameters
    rows:
      parameter[kit].valueString: {at: kit}
"""
KIT = operation("order-kit")
KITS = {**operation("order-kits"), "type": True, "instance": False}
ROUTES = load(FILE, KIT, KITS)
BASE = "http://bridge.test/fhir/northlab"
PROGRAMME = {"name": "programme", "valueString": "colon"}
CLIENTS = "https://fhir-bridge.example/fhir/sid/client"


def parameters(*parts: Json) -> Json:
    return {"resourceType": "Parameters", "parameter": list(parts)}


def patient(id_: str) -> Json:
    return {"name": "patient", "valueReference": {"reference": f"Patient/{id_}"}}


def group(*members: Json) -> Json:
    entities = [member if "entity" in member else {"entity": member} for member in members]
    members_ = {"member": entities} if entities else {}
    return {"name": "group", "resource": {"resourceType": "Group", "type": "person", "actual": True, **members_}}


def asked(body: Json, routes: Routes = ROUTES) -> tuple[Cohort, Interaction]:
    interaction = ask("operation", id_=None, operation="order-kit", body=body, base_url=BASE, request_id="r")
    route, interaction = routes.match(interaction)
    assert route.cohort is not None
    return route.cohort, interaction


def each(body: Json, routes: Routes = ROUTES) -> list[tuple[str, Json]]:
    """Return id and body of the operation on each record."""
    cohort, interaction = asked(body, routes)
    return [(one.id, one.body) for one in cohort.each(interaction)]


def refused(body: Json, routes: Routes = ROUTES) -> tuple[int, list[Issue]]:
    with pytest.raises(FhirError) as error:
        each(body, routes)
    return error.value.status_code, list(error.value.issues)


def test_each_record_gets_the_other_parameters() -> None:
    body = parameters(patient("1"), PROGRAMME, patient("2"), {"name": "quantity", "valueInteger": 3})

    expected = parameters(PROGRAMME, {"name": "quantity", "valueInteger": 3})
    assert each(body) == [("1", expected), ("2", expected)]


def test_the_operation_on_one_record_is_one_of_its_own() -> None:
    cohort, interaction = asked(parameters(patient("1"), patient("2"), PROGRAMME))

    first, second = cohort.each(interaction)

    assert (first.request_id, second.request_id) == ("r#0", "r#1")
    assert len({first.uuid, second.uuid, interaction.uuid}) == 3
    route, _ = ROUTES.match(first)
    assert (route.cohort, route.definition) == (None, "https://fhir-bridge.example/fhir/OperationDefinition/order-kit")


LARGE = FILE.replace("most: 3", "most: 10")
PERIODS = [
    {"start": "1999-01-01"},
    {"end": "2999-12-31T12:00:00Z"},
    {"end": "2026-02-03"},
    {"end": "2026"},
    {"end": "2026-02-02"},
    {"end": "2026-01"},
    {"end": "2025"},
]
LEFT = ["50", "51", "52", "53"]
"""Those whose time is not over on 2026-02-03."""


def test_members_of_a_group_are_named_in_their_order_and_who_left_it_is_not() -> None:
    members = [
        {"reference": "Patient/3"},
        {"entity": {"reference": "Patient/4"}, "inactive": True},
        {"entity": {"reference": f"{BASE}/Patient/1"}, "inactive": False},
        *({"entity": {"reference": f"Patient/{n}"}, "period": period} for n, period in enumerate(PERIODS, 50)),
    ]

    assert [id_ for id_, _ in each(parameters(PROGRAMME, group(*members)), load(LARGE, KIT, KITS))] == ["3", "1", *LEFT]


def test_a_record_may_be_named_by_the_identifier_that_is_its_id_and_counts_once() -> None:
    by_identifier = {"name": "patient", "valueReference": {"identifier": {"system": CLIENTS, "value": "2"}}}

    body = parameters(PROGRAMME, patient("2"), by_identifier, group({"reference": "Patient/2"}))

    assert [id_ for id_, _ in each(body)] == ["2"]


@pytest.mark.parametrize(
    ("part", "place"),
    [
        (patient("1/2"), "Parameters.parameter[1].value"),
        (patient(""), "Parameters.parameter[1].value"),
        ({"name": "patient", "valueReference": {"reference": "Person/1"}}, "Parameters.parameter[1].value"),
        ({"name": "patient", "valueReference": {"display": "Ann"}}, "Parameters.parameter[1].value"),
        (
            {"name": "patient", "valueReference": {"identifier": {"system": CLIENTS}}},
            "Parameters.parameter[1].value",
        ),
        ({"name": "patient", "valueString": "1"}, "Parameters.parameter[1].value"),
        (
            group({"reference": "Patient/1"}, {"reference": "http://elsewhere.example/Patient/1"}),
            "Parameters.parameter[1].resource.member[1].entity",
        ),
    ],
)
def test_what_names_no_record_here_is_refused_at_its_place(part: Json, place: str) -> None:
    text = f"A Patient is named here by a reference, Patient/<id>, or by an identifier of {CLIENTS}."

    assert refused(parameters(PROGRAMME, part)) == (422, [Issue("value-not-allowed", "value", text, place)])


def test_without_an_identity_a_reference_is_the_only_way() -> None:
    routes = load(FILE.replace("systems: [sid/client], ", ""), KIT, KITS)
    part = {"name": "patient", "valueReference": {"identifier": {"system": CLIENTS, "value": "2"}}}

    _, (issue,) = refused(parameters(PROGRAMME, part), routes)

    assert issue.text == "A Patient is named here by a reference, Patient/<id>."


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        parameters(PROGRAMME),
        parameters(PROGRAMME, group()),
        parameters(PROGRAMME, {"name": "group", "resource": {"resourceType": "Patient"}}),
        parameters(PROGRAMME, {"name": "group", "valueReference": {"reference": "Group/1"}}),
    ],
)
def test_somebody_must_be_named(body: Json) -> None:
    text = "Name the records: `patient`, a reference for each, or `group`, a Group that has members."

    assert refused(body) == (400, [Issue("element-missing", "required", text, "Parameters.parameter")])


def test_an_id_that_no_record_can_have_harms_no_other() -> None:
    """What becomes of it, its own result tells."""
    body = parameters(patient("abc"), patient("1"), PROGRAMME)

    assert [id_ for id_, _ in each(body)] == ["abc", "1"]
    assert [id_ for id_, _ in each(parameters(patient("abc"), PROGRAMME))] == ["abc"]


def test_no_more_than_may_be() -> None:
    text = "The operation takes 3 records at once; ask for the others by another request."

    assert refused(parameters(*map(patient, "1234"), PROGRAMME)) == (
        422,
        [Issue("too-many", "too-costly", text, "Parameters.parameter")],
    )


def test_what_is_wrong_for_all_is_told_before_any_call_at_the_clients_place() -> None:
    wrong = {"name": "programme", "valueString": "a/b"}
    place = "Parameters.parameter[2].value"

    status, (issue,) = refused(parameters(patient("1"), patient("2"), wrong))

    assert (status, issue.error, issue.expression) == (422, "cannot-be-sent", place)


def test_what_is_missing_for_all_is_told_once() -> None:
    text = "`programme` is needed: send it, or have a default configured."

    assert refused(parameters(patient("1"), patient("2"))) == (
        400,
        [Issue("element-missing", "required", text, "Parameters.parameter.value")],
    )


def test_the_body_must_be_parameters_and_fhir() -> None:
    assert refused({"resourceType": "Patient"})[1][0].error == "wrong-resource-type"
    assert refused(parameters({"name": "patient", "valueReference": "Patient/1"}))[1][0].error == "wrong-type"


def test_the_profile_of_the_definition_is_kept_to() -> None:
    canonical = "https://fhir-bridge.example/fhir/StructureDefinition/two"
    two = profile("two", "Parameters", {"id": "Parameters.parameter", "path": "Parameters.parameter", "max": "2"})
    routes = load(FILE, KIT, {**KITS, "inputProfile": canonical}, two)

    assert refused(parameters(patient("1"), patient("2"), PROGRAMME), routes)[1][0].error == "too-many"


def test_each_result_tells_the_record_the_status_and_what_came_of_it() -> None:
    cohort, interaction = asked(parameters(*map(patient, "123"), PROGRAMME))
    done = {"resourceType": "Parameters", "parameter": [{"name": "kit", "valueString": "K"}]}
    failed = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "not-found"}]}

    answers = [FhirResponse(200, done), FhirResponse(404, failed), FhirResponse(200, None)]
    response = cohort.answer(interaction, cohort.each(interaction), answers)

    def result(id_: str, status: int, *told: Json) -> Json:
        return {"name": "result", "part": [patient(id_), {"name": "status", "valueInteger": status}, *told]}

    assert response.status_code == 200
    assert response.resource == parameters(
        result("1", 200, {"name": "return", "resource": done}),
        result("2", 404, {"name": "outcome", "resource": failed}),
        result("3", 200),
    )


@pytest.mark.parametrize("name", ["order-kit", "orderKit"])
def test_it_is_one_of_the_type_under_each_of_its_names(name: str) -> None:
    interaction = ask("operation", id_=None, operation=name)

    assert ROUTES.match(interaction)[0].definition == "https://fhir-bridge.example/fhir/OperationDefinition/order-kits"
    assert ROUTES.allow(interaction.address) == ["POST"]


def test_without_a_cohort_there_is_none_of_the_type_and_the_others_are_named() -> None:
    interaction = ask("operation", id_=None, operation="kit")

    with pytest.raises(FhirError) as error:
        ROUTES.match(interaction)

    text = "Northlab has no operation `$kit` at this address. It has Patient/[id]/$order-kit, Patient/$order-kit."
    assert error.value.issues[0].text == text


@pytest.mark.parametrize(
    ("was", "becomes", "found"),
    [
        ("most: 3", "most: 0", "12:20: 'most' must be a number above zero"),
        (
            "OperationDefinition/order-kits",
            "OperationDefinition/order-kist",
            "12:35: OperationDefinition/order-kist is not among the definitions; "
            "did you mean OperationDefinition/order-kit?",
        ),
        (
            "OperationDefinition/order-kits",
            "OperationDefinition/order-kit",
            "12:35: 'OperationDefinition/order-kit' is not of a type; say `type`: true, or name the definition "
            "for several records",
        ),
    ],
)
def test_a_mistake_is_told_at_its_place(was: str, becomes: str, found: str) -> None:
    assert problems(FILE.replace(was, becomes), KIT, KITS) == [f"t.yaml:{found}"]


def test_only_an_operation_of_one_record_has_a_cohort() -> None:
    text = FILE.replace("$order-kit Patient", "$order-kit")
    lines: Any = problems(text, KIT, KITS)

    assert "t.yaml:12:13: a cohort is for an operation of one record; remove 'cohort'" in lines
