"""Operations on a Patient: `$update-data` at one partner, `$update-search-status` at another, both simulated."""

from collections.abc import AsyncIterator, Mapping
from uuid import UUID

import httpx
import pytest

from fhir_bridge.mapping.routes import Routes
from fhir_bridge.outcome import Json
from fhir_bridge.sandbox import healthex, wmda
from tests.outcomes import issue, outcome, parameters
from tests.serving import SANDBOX, serving, shipped, simulated

pytestmark = pytest.mark.anyio

COUNTS = (
    "skippedExistingFacilities",
    "changedExistingFacilities",
    "unchangedExistingFacilities",
    "retrievedNewFacilities",
    "skippedNewFacilities",
)
RUNS = issue(
    "done", "informational", "The update runs by itself; wait for the data to be delivered.", severity="information"
)


def counts(*numbers: int) -> Json:
    """Return the parameter `counts`, its numbers in the order of the contract."""
    parts = [{"name": name, "valueInteger": number} for name, number in zip(COUNTS, numbers, strict=True)]
    return {"name": "counts", "part": parts}


def says(told: Json) -> Json:
    """Return the parameter `outcome` with one issue."""
    return {"name": "outcome", "resource": outcome(told)}


def boolean(name: str, value: bool) -> Json:
    return {"name": name, "valueBoolean": value}


def code(name: str, value: str) -> Json:
    return {"name": name, "valueCode": value}


def text(name: str, value: str) -> Json:
    return {"name": name, "valueString": value}


async def update_data(
    client: httpx.AsyncClient, patient: str, *parameter: Json, name: str = "update-data"
) -> httpx.Response:
    """Call the operation; without parameters, without a body."""
    content = {"json": parameters(*parameter)} if parameter else {}
    return await client.post(f"/fhir/healthex/Patient/{patient}/${name}", **content)


def without_retrieval_id(body: Json) -> Json:
    """Return Parameters without the id of the retrieval, which is new each time; it must be one."""
    (found,) = [each["valueString"] for each in body["parameter"] if each["name"] == "retrievalId"]
    assert str(UUID(found)) == found
    return parameters(*(each for each in body["parameter"] if each["name"] != "retrievalId"))


@pytest.mark.parametrize(
    ("patient", "skipped", "numbers"),
    [
        ("17d4513f-73e8", 0, (0, 2, 1, 0, 0)),
        ("person-17d4513f-73e8", 0, (0, 2, 1, 0, 0)),
        ("new-facility-found", 0, (0, 1, 1, 2, 0)),
        ("facility-unreachable", 1, (1, 1, 0, 0, 0)),
    ],
)
async def test_an_update_that_runs_by_itself(
    client: httpx.AsyncClient, patient: str, skipped: int, numbers: tuple[int, ...]
) -> None:
    """The partner's 201 is a success like any 2xx: the client gets 200, the numbers, and nothing to do."""
    response = await update_data(client, patient)

    assert response.status_code == 200
    assert without_retrieval_id(response.json()) == parameters(
        code("message", "IN_PROGRESS_NO_ACTION_NEEDED"),
        {"name": "skippedFacilitiesCount", "valueInteger": skipped},
        counts(*numbers),
        says(RUNS),
    )


ACTIONS = {
    "no-consent-record": (
        "CONSENT_NOT_FOUND",
        "The patient has not consented yet. Send the patient the HealthEx link.",
    ),
    "consent-revoked": (
        "CONSENT_REVOKED",
        "The patient has withdrawn the consent. "
        "Data can be updated only if the patient consents again through the HealthEx link.",
    ),
    "consent-expired": (
        "CONSENT_EXPIRED",
        "The patient's consent has expired. Send the patient the HealthEx link again and ask for a new consent.",
    ),
    "no-targeted-list": (
        "UNLOCKED_OR_NO_TARGETED_LIST",
        "The patient's list of facilities is missing or not locked. "
        "Ask the patient to finish the list through the HealthEx link.",
    ),
    "unlocked-targeted-list": (
        "UNLOCKED_OR_NO_TARGETED_LIST",
        "The patient's list of facilities is missing or not locked. "
        "Ask the patient to finish the list through the HealthEx link.",
    ),
    "sign-in-expired": (
        "AUTHENTICATION_EXPIRED",
        "The patient must sign in again at a facility. Send the HealthEx link, "
        "or repeat with skipInteractive = true to leave that facility out.",
    ),
    "new-facility-sign-in": (
        "AUTHENTICATION_NEEDED_NEW_FACILITY",
        "The patient must sign in at a new facility. Send the HealthEx link, "
        "or repeat with skipInteractive = true to leave that facility out.",
    ),
    "both-sign-ins": (
        "AUTHENTICATION_EXPIRED",
        "The patient must sign in again at a facility. Send the HealthEx link, "
        "or repeat with skipInteractive = true to leave that facility out.",
    ),
}


@pytest.mark.parametrize("patient", ACTIONS)
async def test_a_patient_who_must_act(client: httpx.AsyncClient, patient: str) -> None:
    """Each of the partner's reasons is a warning that says what to do next; no retrieval was started."""
    reason, next_step = ACTIONS[patient]

    response = await update_data(client, patient)

    assert response.status_code == 200
    assert response.json() == parameters(
        code("message", "PATIENT_ACTION_NEEDED"),
        code("patientActionNeededReason", reason),
        {"name": "skippedFacilitiesCount", "valueInteger": 0},
        counts(0, 0, 0, 0, 0),
        says(issue("done", "business-rule", next_step, severity="warning")),
    )


@pytest.mark.parametrize(
    ("patient", "skipped", "numbers"),
    [
        ("sign-in-expired", 1, (1, 1, 1, 0, 0)),
        ("new-facility-sign-in", 2, (0, 1, 0, 1, 2)),
        ("both-sign-ins", 2, (1, 0, 0, 0, 1)),
    ],
)
async def test_skip_interactive_leaves_out_the_facilities_that_need_a_sign_in(
    client: httpx.AsyncClient, patient: str, skipped: int, numbers: tuple[int, ...]
) -> None:
    """So the update runs by itself."""
    response = await update_data(client, patient, boolean("skipInteractive", True))

    assert response.status_code == 200
    assert without_retrieval_id(response.json()) == parameters(
        code("message", "IN_PROGRESS_NO_ACTION_NEEDED"),
        {"name": "skippedFacilitiesCount", "valueInteger": skipped},
        counts(*numbers),
        says(RUNS),
    )


async def test_skip_interactive_may_be_said_to_be_false(client: httpx.AsyncClient) -> None:
    """`false` is sent, and is what the partner does anyway."""
    response = await update_data(client, "both-sign-ins", boolean("skipInteractive", False))

    assert response.json()["parameter"][1] == code("patientActionNeededReason", "AUTHENTICATION_EXPIRED")


@pytest.mark.parametrize("body", ["", " ", "{}", '{"resourceType": "Parameters"}'])
async def test_a_call_without_parameters_needs_no_body(client: httpx.AsyncClient, body: str) -> None:
    """Parameters without any, an empty object, and nothing at all are the same."""
    response = await client.post(
        "/fhir/healthex/Patient/17d4513f-73e8/$update-data",
        content=body,
        headers={"Content-Type": "application/fhir+json"},
    )

    assert response.status_code == 200
    assert response.json()["parameter"][0] == code("message", "IN_PROGRESS_NO_ACTION_NEEDED")


async def test_the_partners_own_spelling_of_the_operation_is_taken(client: httpx.AsyncClient) -> None:
    """`$updateData`."""
    response = await update_data(client, "consent-expired", name="updateData")

    assert response.json()["parameter"][1] == code("patientActionNeededReason", "CONSENT_EXPIRED")


async def test_another_project_can_be_named(client: httpx.AsyncClient) -> None:
    """The one that is configured is only the default."""
    response = await update_data(client, "in-second-study", text("project", "second-study"))

    assert response.status_code == 200
    assert response.json()["parameter"][0] == code("message", "IN_PROGRESS_NO_ACTION_NEEDED")


@pytest.mark.parametrize(
    ("project", "words"),
    [
        ("paused-study", "Study is paused"),
        ("draft-study", "Study is not active"),
        ("completed-study", "Study is not active"),
        ("withdrawn-study", "Study is not active"),
    ],
)
@pytest.mark.parametrize(
    ("status", "phrase", "said"),
    [
        (400, "Bad Request", "HealthEx refused the request."),
        (403, "Forbidden", "HealthEx does not allow this."),
        (409, "Conflict", "HealthEx refused the request."),
    ],
)
async def test_a_study_that_takes_no_updates_is_a_business_rule(
    routes: Routes, project: str, words: str, status: int, phrase: str, said: str
) -> None:
    """422, whichever status the partner has for it: its guide names none."""
    app = healthex.create_app(study_refusal_status=status)  # type: ignore[arg-type]
    async with serving(routes, simulated(healthex=app)) as client:
        response = await update_data(client, "17d4513f-73e8", text("project", project))

    assert response.status_code == 422
    assert response.json() == outcome(
        issue(
            "partner-refused",
            "business-rule",
            said,
            partner=("healthex", phrase),
            diagnostics=words,
        )
    )


def not_found(words: str | None, code: str | None) -> Json:
    """Return the outcome for what the partner does not know."""
    named = None if code is None else ("healthex", code)
    text = "HealthEx does not know this."
    return outcome(issue("partner-refused", "not-found", text, partner=named, diagnostics=words))


@pytest.mark.parametrize(
    ("patient", "project", "words"),
    [
        ("17d4513f-73e8", "no-such-study", "Project not found"),
        ("17d4513f-73e8", "study-of-another-organisation", "Project not found"),
        ("17d4513f-73e8", "second-study", "Patient not found"),
        ("never-added", "694d61c2-3f1b", "Patient not found"),
    ],
)
async def test_what_the_partner_does_not_know_is_not_found(
    client: httpx.AsyncClient, patient: str, project: str, words: str
) -> None:
    """The partner's words tell which of the two it does not know."""
    response = await update_data(client, patient, text("project", project))

    assert response.status_code == 404
    assert response.json() == not_found(words, "Not Found")


async def test_a_patient_of_another_organisation_is_forbidden(client: httpx.AsyncClient) -> None:
    """The partner knows the patient, and not the caller's right."""
    response = await update_data(client, "not-your-organisation")

    assert response.status_code == 403
    assert response.json() == outcome(
        issue(
            "partner-refused",
            "forbidden",
            "HealthEx does not allow this.",
            partner=("healthex", "Forbidden"),
            diagnostics="Forbidden resource",
        )
    )


@pytest.mark.parametrize("success_status", [200, 201])
@pytest.mark.parametrize("with_code", [False, True])
async def test_any_success_is_one(routes: Routes, success_status: int, with_code: bool) -> None:
    """The guide says 201 and the reference 200; `code`, which the guide speaks of, is not needed."""
    app = healthex.create_app(success_status=success_status, with_code=with_code)  # type: ignore[arg-type]
    async with serving(routes, simulated(healthex=app)) as client:
        response = await update_data(client, "17d4513f-73e8")

    assert response.status_code == 200
    assert response.json()["parameter"][0] == code("message", "IN_PROGRESS_NO_ACTION_NEEDED")


@pytest.mark.parametrize(
    ("answer", "skipped"),
    [("older", [{"name": "skippedFacilitiesCount", "valueInteger": 0}]), ("guide", [])],
)
async def test_an_older_answer_has_less_in_it(routes: Routes, answer: str, skipped: list[Json]) -> None:
    """Only `message` has to be there."""
    app = healthex.create_app(answer=answer)  # type: ignore[arg-type]
    async with serving(routes, simulated(healthex=app)) as client:
        response = await update_data(client, "17d4513f-73e8")

    assert response.json() == parameters(code("message", "IN_PROGRESS_NO_ACTION_NEEDED"), *skipped, says(RUNS))


@pytest.mark.parametrize(("errors_as", "words"), [("text", "Patient not found"), ("empty", None)])
async def test_an_error_need_not_be_json(routes: Routes, errors_as: str, words: str | None) -> None:
    """ "In most cases" there is a text, the guide says."""
    app = healthex.create_app(errors_as=errors_as)  # type: ignore[arg-type]
    async with serving(routes, simulated(healthex=app)) as client:
        response = await update_data(client, "never-added")

    assert response.status_code == 404
    assert response.json() == not_found(words, None)


async def status(client: httpx.AsyncClient, wmda_id: int | str, *parameter: Json) -> httpx.Response:
    """Call `$update-search-status`."""
    return await client.post(f"/fhir/wmda/Patient/{wmda_id}/$update-search-status", json=parameters(*parameter))


MEANINGS: Mapping[str, Json] = {
    "PRE": issue("done", "informational", "Searched once; the results are not refreshed.", severity="information"),
    "ACT": issue("done", "informational", "Searching; the results are refreshed every night.", severity="information"),
    "SUS": issue(
        "done",
        "informational",
        "Suspended; the results are no longer refreshed and are kept for 42 days.",
        severity="information",
    ),
    "STP": issue("done", "deleted", "Stopped; the search and all its results are deleted.", severity="warning"),
}
"""What each new status means to the client."""

PATIENTS = {"NEW": 100001, "PRE": 100002, "ACT": 100003, "SUS": 100004, "STP": 100005, "STP, never searched": 100006}
ALLOWED = {
    "NEW": {"STP"},
    "PRE": {"PRE", "ACT", "SUS", "STP"},
    "ACT": {"ACT", "SUS", "STP"},
    "SUS": {"ACT", "SUS", "STP"},
    "STP": {"ACT", "SUS", "STP"},
    "STP, never searched": {"STP"},
}
"""The diagram of the partner's page "Patient Administration", as docs/sandbox.md has it."""


@pytest.mark.parametrize("new", ["PRE", "ACT", "SUS", "STP"])
@pytest.mark.parametrize("state", PATIENTS)
async def test_every_transition(client: httpx.AsyncClient, state: str, new: str) -> None:
    """What the diagram allows is answered with the new status and its meaning; all else is a business rule."""
    response = await status(client, PATIENTS[state], code("status", new), code("reason", "OTH"))

    if new in ALLOWED[state]:
        assert response.status_code == 200
        assert response.json() == parameters(code("status", new), code("reason", "OTH"), says(MEANINGS[new]))
    else:
        assert response.status_code == 422
        assert response.json() == outcome(
            issue(
                "partner-refused",
                "business-rule",
                "WMDA Search & Match refused the request.",
                diagnostics=f"Status change from {state[:3]} to {new} is not allowed.",
            )
        )


@pytest.mark.parametrize("refused", [400, 409, 422])
async def test_a_transition_is_refused_with_422_whatever_the_partner_says(routes: Routes, refused: int) -> None:
    """Its pages name no status for it."""
    app = wmda.create_app(refused_transition_status=refused)  # type: ignore[arg-type]
    async with serving(routes, simulated(wmda=app)) as client:
        response = await status(client, 100001, code("status", "ACT"))

    assert response.status_code == 422
    assert response.json() == outcome(
        issue(
            "partner-refused",
            "business-rule",
            "WMDA Search & Match refused the request.",
            diagnostics="Status change from NEW to ACT is not allowed.",
        )
    )


async def test_a_patient_without_a_look_for_42_days_is_stopped(client: httpx.AsyncClient) -> None:
    """The partner's own doing; the patient may be made active again."""
    response = await status(client, 100042, code("status", "ACT"))

    assert response.json() == parameters(code("status", "ACT"), says(MEANINGS["ACT"]))


@pytest.mark.parametrize("reason", sorted(wmda.REASONS))
async def test_every_reason_is_taken_and_answered(client: httpx.AsyncClient, reason: str) -> None:
    """The twenty that are known."""
    response = await status(client, 123456, code("status", "STP"), code("reason", reason))

    assert response.status_code == 200
    assert response.json() == parameters(code("status", "STP"), code("reason", reason), says(MEANINGS["STP"]))


@pytest.mark.parametrize("status_key", ["status", "newStatus"])
async def test_the_new_status_is_read_under_either_name(routes: Routes, status_key: str) -> None:
    """An older partner answers with `newStatus`."""
    app = wmda.create_app(status_key=status_key)  # type: ignore[arg-type]
    async with serving(routes, simulated(wmda=app)) as client:
        response = await status(client, 123456, code("status", "SUS"))

    assert response.json() == parameters(code("status", "SUS"), says(MEANINGS["SUS"]))


async def test_to_stop_needs_a_reason(client: httpx.AsyncClient) -> None:
    """A rule of the profile, named before any call."""
    response = await status(client, 123456, code("status", "STP"))

    assert response.status_code == 422
    assert response.json() == outcome(
        issue(
            "rule-broken",
            "invariant",
            "Stopping a search (STP) needs a reason: add the parameter `reason` with one of WMDA's codes.",
            "Parameters.parameter[0]",
        )
    )


@pytest.mark.parametrize("wmda_id", [999999, 100183])
async def test_a_patient_who_is_not_there_any_more(client: httpx.AsyncClient, wmda_id: int) -> None:
    """Never was, or was made anonymous six months after the stop."""
    response = await status(client, wmda_id, code("status", "SUS"))

    assert response.status_code == 404
    assert response.json() == outcome(
        issue(
            "partner-refused",
            "not-found",
            "WMDA Search & Match does not know this.",
            diagnostics=f"Patient {wmda_id} was not found.",
        )
    )


async def test_an_operation_that_a_base_does_not_have_is_named_with_those_that_it_has(
    client: httpx.AsyncClient,
) -> None:
    """So that a client sees what to call instead."""
    response = await client.post("/fhir/healthex/Patient/17d4513f-73e8/$update-search-status")

    assert response.status_code == 404
    assert response.json() == outcome(
        issue(
            "unknown-path",
            "not-supported",
            "HealthEx has no operation `$update-search-status` at this address. It has Patient/[id]/$update-data, "
            "Patient/$update-data, Patient/[id]/$enrollment-link, Person/[id]/$everything.",
        )
    )


@pytest.mark.parametrize("path", ["/fhir/healthex/$enrollment-link", "/fhir/healthex/Patient/$enrollment-link"])
async def test_an_operation_of_a_patient_needs_the_patient(client: httpx.AsyncClient, path: str) -> None:
    """It is one of the instance."""
    response = await client.post(path)

    assert response.status_code == 404
    assert response.json() == outcome(
        issue(
            "unknown-path",
            "not-supported",
            "HealthEx has no operation `$enrollment-link` at this address. It has Patient/[id]/$update-data, "
            "Patient/$update-data, Patient/[id]/$enrollment-link, Person/[id]/$everything.",
        )
    )


async def test_an_operation_that_changes_something_is_not_called_with_get(client: httpx.AsyncClient) -> None:
    """https://hl7.org/fhir/R4/operations.html#executing"""
    response = await client.get("/fhir/healthex/Patient/17d4513f-73e8/$update-data")

    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert response.json() == outcome(
        issue(
            "method-not-allowed",
            "not-supported",
            "GET means nothing at this address; OPTIONS tells the methods that do.",
        )
    )


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    ("url", "text"),
    [
        (
            "/fhir/ehealth/Patient/1/$nope",
            "eHealth Ukraine has no operation `$nope` at this address. It has [base]/$exchange-code, "
            "[base]/$refresh-token.",
        ),
        (
            "/fhir/ValueSet/wmda-search-status/$expand",
            "A ValueSet can be read and searched for here, and nothing else.",
        ),
    ],
)
async def test_an_operation_that_is_not_there_is_unknown_by_every_method(
    client: httpx.AsyncClient, method: str, url: str, text: str
) -> None:
    """405 would have to name the methods that are allowed, and none is."""
    response = await client.request(method, url)

    assert response.status_code == 404
    assert response.json() == outcome(issue("unknown-path", "not-supported", text))


async def test_an_operation_by_another_method_is_refused_with_those_that_it_has(client: httpx.AsyncClient) -> None:
    """Those of this operation, not all that an operation could have."""
    response = await client.put("/fhir/healthex/Patient/17d4513f-73e8/$update-data")

    text = "PUT means nothing at this address; OPTIONS tells the methods that do."
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert response.json() == outcome(issue("method-not-allowed", "not-supported", text))


@pytest.fixture
async def without_project() -> AsyncIterator[httpx.AsyncClient]:
    """The bridge without a default project."""
    environment = {name: value for name, value in SANDBOX.items() if name != "HEALTHEX_PROJECT_ID"}
    async with serving(shipped(environment), simulated()) as client:
        yield client


async def test_without_a_default_the_project_is_required(without_project: httpx.AsyncClient) -> None:
    """400: the call cannot be made without it."""
    response = await update_data(without_project, "17d4513f-73e8")

    assert response.status_code == 400
    assert response.json() == outcome(
        issue(
            "element-missing",
            "required",
            "`project` is needed: send it, or have a default configured.",
            "Parameters.parameter.value",
        )
    )


async def test_without_a_default_the_project_can_be_sent(without_project: httpx.AsyncClient) -> None:
    """Then nothing is missing."""
    response = await update_data(without_project, "17d4513f-73e8", text("project", "694d61c2-3f1b"))

    assert response.status_code == 200
