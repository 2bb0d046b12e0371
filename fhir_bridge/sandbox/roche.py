"""The simulator of Roche Diabetes Care: patients in messages, practitioners as they are, in FHIR STU3.

"Patient Creation v2", "Patient Update v2", "Patient Read", "Practitioner Creation v2" and "Practitioner Update v2" of
the RDC EMR implementation guide: statuses and bodies are the guide's. Records and switches are listed in
docs/sandbox.md. The app itself knows nothing of TLS: whoever serves it demands a client certificate (see
`certificates`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Literal

import anyio
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fhir_bridge.sandbox._roche_http import (
    Refusal,
    authorize_read,
    authorize_write,
    check_content_type,
    check_origin_request_id,
    json_object,
    json_response,
    no_route,
    provoke,
    refuse,
    refused,
)
from fhir_bridge.sandbox._roche_message import envelope_problems, message_problems, practitioner_problems, resources
from fhir_bridge.sandbox._roche_registry import (
    CLIENT_ID,
    CLIENT_SECRET,
    FAULT_IDS,
    LATE_ID,
    LATE_S,
    ORG_ID,
    PATIENTS,
    PRACTITIONERS,
    Json,
    Registry,
    email_addresses,
    identifier_values,
)

SETTINGS: dict[str, str] = {
    "ROCHE_CLIENT_ID": CLIENT_ID,
    "ROCHE_CLIENT_SECRET": CLIENT_SECRET,
    "ROCHE_ORG_ID": ORG_ID,
}
"""The environment variables that let the bridge in."""

BASE_PATH = "/partners/fhir/stu3/api"

READ_FAULTS = (403, 500)  # the table of answers of "Patient Read" has no others

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Switches:
    """The arguments of `create_app`."""

    sleep: Sleep
    echo_previous_state: bool
    empty_answer: bool
    created_status_code: int
    origin_request_id_required: bool
    duplicate_status_code: int
    identifier_systems: Collection[str] | None
    email_required: bool
    practitioner_as_in_r5: bool


def create_app(
    *,
    sleep: Sleep = anyio.sleep,
    echo_previous_state: bool = False,
    empty_answer: bool = False,
    created_status_code: Literal[201, 200] = 201,
    origin_request_id_required: bool = True,
    duplicate_status_code: Literal[400, 409] = 400,
    identifier_systems: Collection[str] | None = None,
    email_required: bool = False,
    practitioner_as_in_r5: bool = False,
) -> Starlette:
    """Return the simulator with its records as they are at the start.

    `sleep` waits for seconds.
    `echo_previous_state`: an update answers with the patient as it was before, as the guide's sample does.
    `empty_answer`: an update answers 200 without a body, as version 1 did.
    `created_status_code`: the status of a creation; version 1 said 200.
    `origin_request_id_required`: a change without `x-origin-request-id` is refused; the sample has none.
    `duplicate_status_code`: the status of a clash, which no page states.
    `identifier_systems`: the only systems of identifiers that are accepted; None accepts any.
    `email_required`: a patient is created with an e-mail address only, as in Roche's R5 guide.
    `practitioner_as_in_r5`: the profile of practitioners is the one of Roche's R5 guide.
    """
    switches = _Switches(
        sleep=sleep,
        echo_previous_state=echo_previous_state,
        empty_answer=empty_answer,
        created_status_code=created_status_code,
        origin_request_id_required=origin_request_id_required,
        duplicate_status_code=duplicate_status_code,
        identifier_systems=identifier_systems,
        email_required=email_required,
        practitioner_as_in_r5=practitioner_as_in_r5,
    )
    app = Starlette(routes=_routes(switches), exception_handlers={Refusal: refused, HTTPException: no_route})
    app.router.redirect_slashes = False
    return app


def _routes(switches: _Switches) -> Sequence[Route]:
    patients, practitioners = _Patients(switches), _Practitioners(switches)
    return [
        Route(f"{BASE_PATH}/v2/Bundle", patients.create, methods=["POST"]),
        Route(f"{BASE_PATH}/v2/Bundle/{{id}}", patients.update, methods=["PUT"]),
        Route(f"{BASE_PATH}/Patient/{{id}}", patients.read, methods=["GET"]),
        Route(f"{BASE_PATH}/Patient", _no_id, methods=["GET"]),
        Route(f"{BASE_PATH}/Patient/", _no_id, methods=["GET"]),
        Route(f"{BASE_PATH}/v2/Practitioner", practitioners.create, methods=["POST"]),
        Route(f"{BASE_PATH}/v2/Practitioner/{{id}}", practitioners.update, methods=["PUT"]),
        # Version 1, which this simulator leaves out. INFERRED: that the 501 of the table is for such.
        Route(f"{BASE_PATH}/Bundle", _not_implemented, methods=["POST"]),
        Route(f"{BASE_PATH}/Bundle/{{id}}", _not_implemented, methods=["PUT"]),
        Route(f"{BASE_PATH}/Practitioner", _not_implemented, methods=["POST"]),
        Route(f"{BASE_PATH}/Practitioner/{{id}}", _not_implemented, methods=["PUT"]),
    ]


@dataclass(frozen=True, slots=True)
class _Patients:
    """The calls about patients: messages that create and update them, and the read."""

    switches: _Switches
    registry: Registry = field(default_factory=lambda: Registry("Patient", PATIENTS))

    async def create(self, request: Request) -> Response:
        """Answer `POST v2/Bundle`."""
        org_id, bundle = await _written(request, self.switches)
        patient = self._patient(bundle, id=None)
        created = _create(patient, org_id, self.registry, self.switches)
        await _wait(self.switches, identifier_values(patient))
        return json_response(_answer(bundle, created), self.switches.created_status_code)

    async def update(self, request: Request) -> Response:
        """Answer `PUT v2/Bundle/{id}`; the id is the patient's."""
        org_id, bundle = await _written(request, self.switches)
        patient = self._patient(bundle, id=request.path_params["id"])
        before = _replace(patient, org_id, self.registry, self.switches)
        await _wait(self.switches, [patient["id"]])
        if self.switches.empty_answer:
            return Response(status_code=200)
        return json_response(_answer(bundle, before if self.switches.echo_previous_state else patient))

    async def read(self, request: Request) -> Response:
        """Answer `GET Patient/{id}`; unlike a change, bad credentials of the client are 403 here."""
        org_id = authorize_read(request)
        id: str = request.path_params["id"]
        provoke(FAULT_IDS.get(id), table=READ_FAULTS)
        patient = _found(self.registry, id, org_id)
        await _wait(self.switches, [id])
        return json_response(patient)

    def _patient(self, bundle: Json, *, id: str | None) -> Json:
        """Return the one patient of the message; raises all that is wrong with the message."""
        refuse(envelope_problems(bundle))
        refuse(message_problems(bundle, patient_id=id, systems=self.switches.identifier_systems))
        (patient,) = resources(bundle, "Patient")
        if id is None and self.switches.email_required and not email_addresses(patient):
            raise Refusal(400, ("required", "An e-mail address in Patient.telecom is mandatory"))
        return patient


@dataclass(frozen=True, slots=True)
class _Practitioners:
    """The calls about practitioners, who come in no message. None reads one."""

    switches: _Switches
    registry: Registry = field(default_factory=lambda: Registry("Practitioner", PRACTITIONERS))

    async def create(self, request: Request) -> Response:
        """Answer `POST v2/Practitioner`."""
        org_id, practitioner = await _written(request, self.switches)
        self._check(practitioner, id=None)
        created = _create(practitioner, org_id, self.registry, self.switches)
        await _wait(self.switches, identifier_values(practitioner))
        return json_response(created, self.switches.created_status_code)

    async def update(self, request: Request) -> Response:
        """Answer `PUT v2/Practitioner/{id}`."""
        # INFERRED: its table of answers, which is the one of "Patient Update v2".
        org_id, practitioner = await _written(request, self.switches)
        self._check(practitioner, id=request.path_params["id"])
        _replace(practitioner, org_id, self.registry, self.switches)
        await _wait(self.switches, [practitioner["id"]])
        return Response(status_code=200) if self.switches.empty_answer else json_response(practitioner)

    def _check(self, practitioner: Json, *, id: str | None) -> None:
        systems, as_in_r5 = self.switches.identifier_systems, self.switches.practitioner_as_in_r5
        refuse(practitioner_problems(practitioner, id=id, systems=systems, as_in_r5=as_in_r5))


async def _written(request: Request, switches: _Switches) -> tuple[str, Json]:
    """Return the caller's organisation and the JSON object of a change."""
    # INFERRED: the order of the checks.
    body = await request.body()
    check_content_type(request)
    org_id = authorize_write(request)
    check_origin_request_id(request, required=switches.origin_request_id_required)
    return org_id, json_object(body)


def _create(resource: Json, org_id: str, registry: Registry, switches: _Switches) -> Json:
    """Return the resource with the id that it is kept by from now on."""
    for value in identifier_values(resource):
        provoke(FAULT_IDS.get(value))
    _refuse_duplicate(resource, registry, switches)
    return registry.create(resource, org_id)


def _replace(resource: Json, org_id: str, registry: Registry, switches: _Switches) -> Json:
    """Keep the resource in the place of the one with its id, which is returned."""
    id = str(resource["id"])
    provoke(FAULT_IDS.get(id))
    before = _found(registry, id, org_id)
    _refuse_duplicate(resource, registry, switches)
    registry.replace(resource)
    return before


def _found(registry: Registry, id: str, org_id: str) -> Json:
    resource = registry.find(id, org_id)
    if resource is None:
        raise Refusal(404, ("not-found", f"{registry.resource_type} not found"))
    return resource


def _refuse_duplicate(resource: Json, registry: Registry, switches: _Switches) -> None:
    if registry.clashes(resource):
        text = f"Another {registry.resource_type.lower()} has this identifier or e-mail address"
        raise Refusal(switches.duplicate_status_code, ("duplicate", text))


async def _wait(switches: _Switches, names: Collection[object]) -> None:
    if LATE_ID in names:
        await switches.sleep(LATE_S)


def _answer(bundle: Json, patient: Json) -> Json:
    """Return the message again: without the Bundle's id, with the patient in this state."""
    entries = bundle["entry"]
    assert isinstance(entries, list)
    entry = [
        {**each, "resource": patient} if each["resource"]["resourceType"] == "Patient" else each for each in entries
    ]
    return {"resourceType": "Bundle", "type": "message", "entry": entry}


async def _not_implemented(request: Request) -> Response:
    return Response(status_code=501)


async def _no_id(request: Request) -> Response:
    raise Refusal(400, ("not-supported", "The FHIR id is missing"))
