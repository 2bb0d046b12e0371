"""All mapping files of a folder become routes, or all that is wrong with any of them is told."""

from pathlib import Path

import orjson
import pytest

from fhir_bridge.canonical import CANONICAL
from fhir_bridge.cli import main
from fhir_bridge.mapping.compile import load_routes
from fhir_bridge.mapping.source import MappingFileError
from fhir_bridge.outcome import Json
from tests.mapping.lab import HEAD, URL, load, operation, problems, profile

SMALL = "partner: {}\nconnection: {{base_url: ${}}}\n"
ONE, TWO = SMALL.format("one", "NORTHLAB_URL"), SMALL.format("two", "UNSET")

CALLS = """\
interactions:
  read Patient:
    call: GET /clients/{id}
    receive: {map: client, at: data}
    repeat: safe
  update Patient:
    call: PUT /clients/{id}
    send: {map: client}
    receive: {map: client, at: data}
  patch Patient: {reads: read Patient, writes: update Patient}
  create Patient: {as: update Patient}
  $order Patient:
    also: [$orderKit, order-kit]
    definition: OperationDefinition/order
    call: POST /kits/{id}
    send: {map: order}
    receive: {map: order}
"""
MAPS = """\
maps:
  client:
    resource: Patient
    profile: StructureDefinition/client
    rows: {birthDate: {at: born}}
  order:
    resource: Parameters
    rows: {'parameter[n].valueString': {at: n}}
"""
ROWS = "    rows: {birthDate: {at: born}}\n"
CLIENT = profile("client", "Patient")


def test_every_file_of_the_folder_is_a_partner_in_the_order_of_their_names() -> None:
    routes = load({"b.yaml": ONE, "a.yaml": TWO, "c.yml": "no mapping file: its name ends in yml"})

    assert list(routes.partners) == ["two", "one"]
    assert [partner.name for partner in routes.configured()] == ["one"]


def test_a_file_says_who_a_partner_is() -> None:
    text = f"""\
partner: northlab
title: Northlab
fhir: ["3.0", "4.0"]
connection: {{base_url: $NORTHLAB_URL}}
identity:
  systems: [sid/client, "urn:oid:1.2.3", "http://lab.example/id"]
  events: ["http://lab.example/events#new"]
  id: positive-integer
interactions:
  update Bundle:
    call: PUT /b/{{id}}
    send: {{as_it_is: message}}
    receive: {{as_it_is: message}}
  read Patient: {{call: "GET /p/{{id}}", receive: {{as_it_is: spare}}}}
maps:
  message: {{resource: Bundle, profile: StructureDefinition/message}}
  spare: {{resource: Patient, profile: "{CANONICAL}/StructureDefinition/client"}}
"""

    partner = load(text, profile("message", "Bundle"), CLIENT).partners["northlab"]

    assert (partner.title, partner.versions, partner.id_like) == ("Northlab", ("3.0", "4.0"), "positive-integer")
    assert partner.systems == {f"{CANONICAL}/sid/client", "urn:oid:1.2.3", "http://lab.example/id"}
    assert {(route.code, route.resource_type, route.system) for route in partner.routes} == {
        ("update", "Bundle", None),
        ("read", "Patient", f"{CANONICAL}/sid/client"),
        ("search-type", "Patient", f"{CANONICAL}/sid/client"),
    }
    assert partner.events == {"http://lab.example/events#new"}
    assert partner.profiles == {f"{CANONICAL}/StructureDefinition/message", f"{CANONICAL}/StructureDefinition/client"}


def test_a_file_that_says_little_means_the_usual() -> None:
    partner = load(ONE).partners["one"]

    assert (partner.title, partner.versions, partner.id_like) == ("one", ("4.0",), None)
    assert partner.routes == ()
    assert partner.systems == partner.events == frozenset()


def test_each_interaction_is_a_route_and_what_can_be_read_can_be_searched_for() -> None:
    partner = load(ONE + CALLS + MAPS, CLIENT, operation("order")).partners["one"]

    assert [(route.code, route.resource_type, route.names(), route.of_system) for route in partner.routes] == [
        ("read", "Patient", (), False),
        ("update", "Patient", (), False),
        ("patch", "Patient", (), False),
        ("create", "Patient", (), False),
        ("operation", "Patient", ("order", "orderKit", "order-kit"), False),
        ("search-type", "Patient", (), False),
    ]
    read, update, patch, create, order, search = partner.routes
    assert (read.call.method, read.call.path, read.call.repeat) == ("GET", "/clients/{id}", "safe")
    assert (update.call.method, update.call.repeat, update.profile) == (
        "PUT",
        "unsent",
        f"{CANONICAL}/StructureDefinition/client",
    )
    assert patch.call is create.call is update.call
    assert search.call is read.call
    assert (order.definition, order.profile) == (f"{CANONICAL}/OperationDefinition/order", None)
    assert (str(read.mark), str(order.mark)) == ("mappings/t.yaml:4:3", "mappings/t.yaml:14:3")


def test_an_operation_that_is_carried_out_as_an_update_is_one_of_the_whole_base() -> None:
    calls = CALLS.replace(
        "create Patient: {as: update Patient}",
        "$new Patient: {as: update Patient, definition: OperationDefinition/order}",
    )

    partner = load(ONE + calls + MAPS, CLIENT, operation("order")).partners["one"]

    (new,) = [route for route in partner.routes if route.operation == "new"]
    assert (new.of_system, new.call.path) == (True, "/clients/{id}")


def test_problems_of_several_files_come_in_one_list() -> None:
    """Also where one of them is no YAML, and together with those of the definitions."""
    files = {
        "b.yaml": "partner: b\nconection: {}\n",
        "a.yaml": "partner: a\nconnection: {base_url: $U}\ntitle: [",
        "c.yaml": SMALL.format("c", "U") + "maps: {m: {resource: Patien}}\n",
    }
    broken = {"resourceType": "ValueSet", "url": "http://x.example/v"}

    assert problems(files, broken) == [
        "profiles/0.json: ValueSet.status: `status` is missing; ValueSet requires it.",
        "a.yaml:3:9: not YAML: expected the node content, but found '<stream end>'; mend the text here",
        "b.yaml:1:1: the mapping file has no 'connection'; add it",
        "b.yaml:2:1: unknown key 'conection' in the mapping file; did you mean 'connection'?",
        "c.yaml:3:22: 'Patien' is no resource type; did you mean 'Patient'?",
    ]


def test_two_files_of_one_partner() -> None:
    assert problems({"a.yaml": ONE, "b.yaml": ONE}) == ["b.yaml:1:1: partner 'one' has a file already"]


def test_a_folder_without_mapping_files() -> None:
    assert problems({}) == ["mappings: there is no mapping file (*.yaml) in this folder; name one that has some"]


def test_folders_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(MappingFileError) as caught:
        load_routes(tmp_path / "maps", tmp_path / "profs", URL)

    assert caught.value.problems == (
        "profs: there is no such folder; name the right one",
        "maps: there is no mapping file (*.yaml) in this folder; name one that has some",
    )


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (
            "profile: StructureDefinition/clint",
            "11:14: StructureDefinition/clint is not among the definitions; did you mean StructureDefinition/client?",
        ),
        (
            "profile: OperationDefinition/order",
            (
                f"11:14: {CANONICAL}/OperationDefinition/order: is not a profile; name a "
                f"StructureDefinition whose derivation is constraint"
            ),
        ),
        (
            "profile: StructureDefinition/message",
            "11:14: 'StructureDefinition/message' is a profile of Bundle, not of Patient; name one of that",
        ),
        (
            "tolerated: {Patient.nmae: list}",
            (
                '11:17: "Patient.nmae": "list" cannot be tolerated: FHIR 4.0 has no such '
                "element, or no such rule; correct the path, or write list or text"
            ),
        ),
        (
            "tolerated: {Patient.name: any, Patient.birthDate: text}",
            (
                '11:17: "Patient.name": "any" cannot be tolerated: FHIR 4.0 has no such '
                "element, or no such rule; correct the path, or write list or text"
            ),
        ),
    ],
)
def test_what_a_map_names_must_be_there(said: str, found: str) -> None:
    lines = problems(f"{HEAD}    {said}\n{ROWS}", CLIENT, operation("order"), profile("message", "Bundle"))

    assert [line.replace("profiles/1.json: ", "") for line in lines] == [f"t.yaml:{found}"]


def test_a_profile_that_cannot_be_compiled_is_told_with_its_file() -> None:
    element = {"id": "Patient.nmae", "path": "Patient.nmae", "min": 1}

    lines = problems(f"{HEAD}    profile: StructureDefinition/client\n{ROWS}", profile("client", "Patient", element))

    assert lines == ["t.yaml:11:14: profiles/0.json: Patient.nmae: Patient has no element `nmae`; did you mean `name`?"]


def test_the_profile_of_what_is_only_received_must_be_there_too() -> None:
    text = """\
partner: northlab
connection: {base_url: $NORTHLAB_URL}
interactions:
  read Patient: {call: "GET /{id}", receive: {map: client, at: the.record}}
maps:
  client: {resource: Patient, profile: StructureDefinition/clint, rows: {id: {at: id}}}
"""

    assert problems(text, CLIENT) == [
        "t.yaml:6:40: StructureDefinition/clint is not among the definitions; did you mean StructureDefinition/client?"
    ]


def test_what_is_tolerated_of_a_resource_is_tolerated_when_it_is_sent() -> None:
    routes = load(f"{HEAD}    tolerated: {{Patient.managingOrganization: list}}\n    rows: {{id: {{at: id}}}}\n")
    (route,) = routes.partners["northlab"].routes
    resource: Json = {"resourceType": "Patient", "managingOrganization": [{"display": "a"}, {"display": "b"}]}

    assert route.call.sender is not None
    assert route.call.sender.check(resource, None) == []  # type: ignore[arg-type]  # a map's check asks nothing of it


def test_everything_that_ships_compiles() -> None:
    root = Path(__file__).parents[2]

    routes = load_routes(root / "mappings", root / "profiles", {})

    assert sorted(f"{name}.yaml" for name in routes.partners) == sorted(
        path.name for path in (root / "mappings").iterdir()
    )
    assert (
        orjson.loads((root / "profiles" / "CodeSystem-bridge-error.json").read_bytes())["url"]
        in routes.definitions.resources
    )


def test_the_check_command_prints_every_problem_of_every_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mappings").mkdir()
    (tmp_path / "profiles").mkdir()
    (tmp_path / "mappings" / "a.yaml").write_text("partner: a\nconection: {}\ntitle: [x]\n", encoding="utf-8")
    (tmp_path / "mappings" / "b.yaml").write_text(
        "partner: b\nconnection: {base_url: $B, at_once: 0}\n", encoding="utf-8"
    )

    status = main(["check", str(tmp_path / "mappings")])

    assert (status, capsys.readouterr().out.splitlines()) == (
        1,
        [
            "mappings/a.yaml:1:1: the mapping file has no 'connection'; add it",
            "mappings/a.yaml:2:1: unknown key 'conection' in the mapping file; did you mean 'connection'?",
            "mappings/a.yaml:3:8: text is expected here; write a word, quoted where YAML needs it",
            "mappings/b.yaml:2:37: 'at_once' must be a number above zero",
        ],
    )


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        (
            "clint",
            [
                "t.yaml:13:19: 'Patien' is no resource type; did you mean 'Patient'?",
                "t.yaml:6:17: there is no map 'clint'; did you mean 'client'?",
            ],
        ),
        (
            "odd",
            [
                "t.yaml:13:19: 'Patien' is no resource type; did you mean 'Patient'?",
                "t.yaml:6:17: map 'odd' is of Patien, and 'update Patient' takes Patient; name another map",
            ],
        ),
    ],
)
def test_a_header_looks_for_its_element_only_in_a_map_that_is_there(sent: str, found: list[str]) -> None:
    text = f"""\
partner: northlab
connection: {{base_url: $NORTHLAB_URL}}
interactions:
  update Patient:
    call: PUT /{{id}}
    send: {{map: {sent}}}
    receive: {{map: client}}
    headers: {{X-A: {{element: gender}}}}
maps:
  client:
    resource: Patient
    rows: {{birthDate: {{at: born}}}}
  odd: {{resource: Patien, rows: {{birthDate: {{at: born}}}}}}
"""

    assert sorted(problems(text)) == found


NEEDY = """\
partner: northlab
connection: {base_url: $NORTHLAB_URL}
interactions:
  read Patient: {call: "GET /clients/{id}", receive: {map: client}}
  update Patient:
    needs: [$APP, $APP_SECRET]
    call: PUT /clients/{id}
    send: {map: client, with: {app: $APP}}
    receive: {map: client}
maps:
  client: {resource: Patient, rows: {birthDate: {at: born}}}
"""


@pytest.mark.parametrize(
    ("environment", "codes"),
    [
        ({"APP": "a", "APP_SECRET": "s"}, ["read", "update", "search-type"]),
        ({"APP": "a"}, ["read", "search-type"]),
        ({}, ["read", "search-type"]),
    ],
)
def test_what_needs_variables_is_offered_where_they_are_set(environment: dict[str, str], codes: list[str]) -> None:
    """And where they are not, nothing that it names is missed."""
    routes = load(NEEDY, environment={**URL, **environment})

    assert [route.code for route in routes.partners["northlab"].routes] == codes


def test_what_needs_variables_is_there_where_the_partner_is_not_configured() -> None:
    """So that it is checked, and can be explained."""
    codes = [route.code for route in load(NEEDY, environment={}).partners["northlab"].routes]

    assert codes == ["read", "update", "search-type"]


@pytest.mark.parametrize(
    ("needs", "found"),
    [
        ("[APP]", ["t.yaml:6:13: 'APP' is no variable; write $NAME"]),
        ("['']", ["t.yaml:6:13: text is expected here; write a word, quoted where YAML needs it"]),
        ("$APP", ["t.yaml:6:12: 'needs' must be a list; start each item with '- '"]),
    ],
)
def test_what_is_needed_is_a_list_of_variables(needs: str, found: list[str]) -> None:
    text = NEEDY.replace("[$APP, $APP_SECRET]", needs)

    assert problems(text, environment={**URL, "APP": "a"}) == found
