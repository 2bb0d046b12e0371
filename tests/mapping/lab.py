"""Northlab, an invented partner: small mapping files written in a test, loaded as the bridge loads its own."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import orjson

from fhir_bridge.canonical import CANONICAL
from fhir_bridge.exchange import PartnerRequest, PartnerResponse
from fhir_bridge.fhir.interaction import Address, Code, FhirResponse, Interaction
from fhir_bridge.mapping.compile import load_routes
from fhir_bridge.mapping.maps import Map
from fhir_bridge.mapping.plans.steps import Plan
from fhir_bridge.mapping.routes import Routes
from fhir_bridge.mapping.senders import MapSender
from fhir_bridge.mapping.source import MappingFileError
from fhir_bridge.outcome import FhirError, Json

URL = {"NORTHLAB_URL": "https://northlab.example/api"}
UUID = "6ba7b810-9dad-41d1-80b4-00c04fd430c8"
NOW = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)

HEAD = """\
partner: northlab
connection: {base_url: $NORTHLAB_URL}
interactions:
  update Patient:
    call: PATCH /clients/{id}
    send: {map: client}
    receive: {map: client}
maps:
  client:
    resource: Patient
"""


def concept_map(name: str, *pairs: tuple[str, str] | tuple[str, str, str]) -> Json:
    """Return the ConceptMap of (FHIR's code, the partner's code[, equivalence]); without a third, `equal`."""
    elements = [
        {"code": code, "target": [{"code": other, "equivalence": equivalence[0] if equivalence else "equal"}]}
        for code, other, *equivalence in pairs
    ]
    url = f"{CANONICAL}/ConceptMap/{name}"
    return {"resourceType": "ConceptMap", "url": url, "status": "active", "group": [{"element": elements}]}


def profile(name: str, of_type: str, *elements: Json) -> Json:
    """Return a profile whose differential is `elements`."""
    return {
        "resourceType": "StructureDefinition",
        "url": f"{CANONICAL}/StructureDefinition/{name}",
        "name": "AProfile",
        "status": "active",
        "kind": "resource",
        "abstract": False,
        "type": of_type,
        "derivation": "constraint",
        "baseDefinition": f"http://hl7.org/fhir/StructureDefinition/{of_type}",
        "differential": {"element": [{"id": of_type, "path": of_type}, *elements]},
    }


def operation(name: str) -> Json:
    """Return an OperationDefinition of which only the name counts."""
    return {
        "resourceType": "OperationDefinition",
        "url": f"{CANONICAL}/OperationDefinition/{name}",
        "name": "AnOperation",
        "status": "active",
        "kind": "operation",
        "code": "op",
        "system": False,
        "type": False,
        "instance": True,
    }


SEX = concept_map("sex", ("male", "M"), ("female", "F"))


def load(files: str | Mapping[str, str], *definitions: Json, environment: Mapping[str, str] = URL) -> Routes:
    """Return the routes of mapping files (one text is `t.yaml`); raises MappingFileError."""
    texts = {"t.yaml": files} if isinstance(files, str) else files
    with tempfile.TemporaryDirectory() as folder:
        mappings, profiles = Path(folder, "mappings"), Path(folder, "profiles")
        mappings.mkdir()
        profiles.mkdir()
        for name, text in texts.items():
            (mappings / name).write_text(text, encoding="utf-8")
        for number, definition in enumerate(definitions):
            (profiles / f"{number}.json").write_bytes(orjson.dumps(definition))
        return load_routes(mappings, profiles, environment)


def problems(files: str | Mapping[str, str], *definitions: Json, environment: Mapping[str, str] = URL) -> list[str]:
    """Return the problems of mapping files, without the folder's name: `t.yaml:1:26: what; what to do`."""
    try:
        load(files, *definitions, environment=environment)
    except MappingFileError as error:
        return [line.removeprefix("mappings/") for line in error.problems]
    return []


def below(key: str, text: str, *, before: str = "", after: str = "") -> str:
    """Return a mapping file of an updated Patient with `text` below the `key` of its map."""
    parts = [part for part in (before, f"{key}:\n{indent(dedent(text), '  ')}\n", after) if part]
    return HEAD + "".join(indent(dedent(part), "    ") for part in parts)


def problems_below(key: str, text: str, *definitions: Json, before: str = "", after: str = "") -> list[str]:
    """Return the problems with their places in `text`, as if it stood alone in t.yaml."""
    file = below(key, text, before=before, after=after)
    first = file[: file.index(indent(dedent(text), " " * 6))].count("\n")

    def moved(line: str) -> str:
        found = re.fullmatch(r"t\.yaml:(\d+):(\d+): (.*)", line)
        assert found, line
        what = re.sub(r"\bline (\d+)", lambda line: f"line {int(line[1]) - first}", found[3])
        return f"t.yaml:{int(found[1]) - first}:{int(found[2]) - 6}: {what}"

    return [moved(line) for line in problems(file, *definitions)]


def row_problems(rows: str, *definitions: Json, slices: str = "", after: str = "") -> list[str]:
    """Return the problems of a map's rows, with their places in `rows`."""
    before = f"slices:\n{indent(dedent(slices), '  ')}\n" if slices else ""
    return problems_below("rows", rows, *definitions, before=before, after=after)


def mapped(rows: str, *definitions: Json, slices: str = "", after: str = "", resource: str = "Patient") -> Map:
    """Return the compiled map of these rows."""
    before = f"slices:\n{indent(dedent(slices), '  ')}\n" if slices else ""
    text = below("rows", rows, before=before, after=after)
    text = text.replace("resource: Patient", f"resource: {resource}").replace("update Patient", f"update {resource}")
    return map_of(load(text, *definitions))


def map_of(routes: Routes, partner: str = "northlab") -> Map:
    """Return the map that the partner's first call sends."""
    sender = next(route.call.sender for route in routes.partners[partner].routes if route.call.sender is not None)
    assert isinstance(sender, MapSender)
    return sender.map


def ask(code: Code, resource_type: str | None = "Patient", id_: str | None = "42", **also: Any) -> Interaction:
    """Return an interaction at Northlab's own base; `operation` and `base` are of the address."""
    address = Address(also.pop("base", "northlab"), resource_type, id_, also.pop("operation", None))
    return Interaction(code, address, also.pop("version", "4.0"), uuid=UUID, now=NOW, **also)


@dataclass
class Done:
    """What a plan did: the calls that it made, and how it ended."""

    requests: list[PartnerRequest]
    response: FhirResponse | None = None
    error: FhirError | None = None

    @property
    def resource(self) -> Json:
        assert self.response is not None, self.error
        return self.response.resource

    @property
    def sent(self) -> list[Json]:
        """Method, path and body of each call."""
        return [
            (request.method, request.path, orjson.loads(request.body) if request.body else None)
            for request in self.requests
        ]


def carry_out(plan: Plan, *answers: PartnerResponse | FhirError) -> Done:
    """Drive a plan by hand: each call it makes gets the next answer, or fails with it."""
    done, left = Done([]), list(answers)
    try:
        done.requests.append(next(plan))
        while True:
            one = left.pop(0)
            done.requests.append(plan.throw(one) if isinstance(one, FhirError) else plan.send(one))
    except StopIteration as stop:
        done.response = stop.value
    except FhirError as error:
        done.error = error
    assert not left, "the plan ended before it had all answers"
    return done


def handle(routes: Routes, interaction: Interaction, *answers: PartnerResponse | FhirError) -> Done:
    """Carry out an interaction, from its route to its end."""
    route, interaction = routes.match(interaction)
    return carry_out(route.plan(interaction), *answers)


def answer(status_code: int, body: Json | bytes = b"", **headers: str) -> PartnerResponse:
    """Return a partner's answer; `retry_after="3"` is the header retry-after."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return PartnerResponse(status_code, named, body if isinstance(body, bytes) else orjson.dumps(body))


def parameters(**values: Json) -> Json:
    """Return Parameters whose names are the keys: `status={"valueCode": "ACT"}`."""
    return {"resourceType": "Parameters", "parameter": [{"name": name, **value} for name, value in values.items()]}


def extension(reason: str) -> Json:
    """Return what stands beside a primitive without a value."""
    return {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": reason}]}


def texts(issues: Iterable[Any]) -> list[tuple[str, str | None]]:
    """Return the text and the place of each issue."""
    return [(issue.text, issue.expression) for issue in issues]
