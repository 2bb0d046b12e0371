"""Carries out a TestScript: setup, tests, teardown.

https://hl7.org/fhir/R4/testscript.html. What fails in the setup keeps all tests from running; what fails in a test
keeps the rest of that test from running; the teardown always runs, whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import httpx

from tests.testscript.asserts import decide
from tests.testscript.content import Content, ContentError, Exchange, Message, ScriptError, media_of
from tests.testscript.fhir_xml import Json, listed
from tests.testscript.memory import Memory
from tests.testscript.operations import Call, Identity, identity, prepare
from tests.testscript.results import ActionResult, ScriptResult, TestResult, broken, titled
from tests.testscript.script import Script, read_fixtures, read_script


@dataclass(frozen=True, slots=True)
class Servers:
    """Base URLs by the number of the destination; 1 is where an operation goes that names none."""

    urls: Mapping[int, str]
    client: httpx.AsyncClient


async def run_file(path: Path, servers: Servers, given: Mapping[str, str]) -> ScriptResult:
    """Return what came of the script in a file; `given` are values of variables. It raises nothing."""
    try:
        return await _Run(read_script(path), servers, given).whole()
    except ScriptError as error:
        message = str(error)
    except _MALFORMED as error:
        message = f"{path.name} is no valid TestScript: {_described(error)}"
    return ScriptResult(path.stem, "", path.stem, setup=(ActionResult("operation", "error", message),))


# What comes up where a script, or an answer, has a shape that FHIR does not allow.
_MALFORMED = (AttributeError, KeyError, TypeError, ValueError, RecursionError)


def _described(error: Exception) -> str:
    return f"{type(error).__name__} {error}"


class _Run:
    """One script while it runs."""

    def __init__(self, script: Script, servers: Servers, given: Mapping[str, str]) -> None:
        variables = {variable.get("name", ""): variable for variable in listed(script.resource.get("variable"))}
        self.script = script
        self.servers = servers
        self.memory = Memory(variables=variables, given=given)
        self.created: dict[str, Identity] = {}

    async def whole(self) -> ScriptResult:
        resource = self.script.resource
        setup = await self._setup()
        why = "not run: the setup failed" if broken(setup) else None
        tests = [await self._test(number, test, why) for number, test in enumerate(listed(resource.get("test")), 1)]
        return ScriptResult(
            self.script.path.stem,
            resource.get("id", ""),
            resource.get("name", self.script.path.stem),
            setup,
            tuple(tests),
            await self._teardown(),
        )

    async def _setup(self) -> tuple[ActionResult, ...]:
        actions = listed(self.script.resource.get("setup", {}).get("action"))
        try:
            self.memory.fixtures = read_fixtures(self.script)
        except ScriptError as error:
            problem = ActionResult("operation", "error", str(error))
            return (problem, *_not_run(actions, "not run: a fixture is missing"))
        created = [await self._create(fixture) for fixture in self._fixtures("autocreate")]
        why = "not run: a fixture could not be created" if broken(created) else None
        return (*created, *await self._actions(actions, why))

    async def _test(self, number: int, test: Json, why: str | None) -> TestResult:
        name = test.get("name") or test.get("id") or f"test {number}"
        return TestResult(name, test.get("description", ""), await self._actions(listed(test.get("action")), why))

    async def _actions(self, actions: list[Json], why: str | None) -> tuple[ActionResult, ...]:
        """Return the results, up to the first that fails; `why` is given where none is to run at all."""
        results: list[ActionResult] = []
        for place, action in enumerate(actions):
            if why is not None:
                return (*results, *_not_run(actions[place:], why))
            results.append(await self._action(action))
            why = "not run: an action before it failed" if broken(results) else None
        return tuple(results)

    async def _teardown(self) -> tuple[ActionResult, ...]:
        actions = listed(self.script.resource.get("teardown", {}).get("action"))
        results = [await self._action(action) for action in actions]
        deleted = [await self._delete(fixture) for fixture in self._fixtures("autodelete")]
        return (*results, *deleted)

    async def _action(self, action: Json) -> ActionResult:
        """Return what became of one action; an odd one is its own error, and not the end of the script."""
        try:
            return await self._carried_out(action)
        except _MALFORMED as error:
            kind: Literal["operation", "assert"] = "assert" if "assert" in action else "operation"
            return ActionResult(kind, "error", f"this cannot be carried out: {_described(error)}")

    async def _carried_out(self, action: Json) -> ActionResult:
        if ("operation" in action) == ("assert" in action):
            return ActionResult("operation", "error", "an action is either an operation or an assert")
        if "assert" in action:
            return decide(action["assert"], self.memory)
        return await self._operation(action["operation"])

    async def _operation(self, operation: Json) -> ActionResult:
        try:
            exchange = await self._send(prepare(operation, self.memory, self.servers.urls))
        except (ScriptError, ContentError) as error:
            return ActionResult("operation", "error", titled(operation, str(error)))
        self._remember(operation, exchange)
        did = f"{exchange.method} {exchange.url} answered {exchange.status_code}"
        return ActionResult("operation", "pass", titled(operation, did))

    def _remember(self, operation: Json, exchange: Exchange) -> None:
        self.memory.last = exchange
        if "requestId" in operation:
            self.memory.messages[operation["requestId"]] = exchange.request
        if "responseId" in operation:
            self.memory.messages[operation["responseId"]] = exchange.response

    async def _send(self, call: Call) -> Exchange:
        """Return what was asked and answered; raises ScriptError where no answer came."""
        content = call.body.text.encode() if call.body else None
        try:
            request = self.servers.client.build_request(call.method, call.url, headers=call.headers, content=content)
            response = await self.servers.client.send(request)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            reason = str(error) or type(error).__name__
            raise ScriptError(f"{call.method} {call.url} got no answer: {reason}") from error
        asked = Message(call.body, {name.lower(): value for name, value in request.headers.items()})
        return Exchange(call.method, str(request.url), asked, response.status_code, _received(response))

    def _fixtures(self, flag: str) -> list[str]:
        """Return the ids of the fixtures that are to be created, or deleted, without being asked."""
        return [fixture["id"] for fixture in listed(self.script.resource.get("fixture")) if fixture.get(flag)]

    async def _create(self, fixture_id: str) -> ActionResult:
        """An update where the fixture has an id, so that the script knows it; else a create."""
        has_id = self._has_id(fixture_id)
        operation = {"type": {"code": "update" if has_id else "create"}, "sourceId": fixture_id}
        result = await self._implicit("autocreate", fixture_id, operation)
        if result.result == "pass":
            answered = self.memory.exchange().response
            self.created[fixture_id] = identity(self.memory.message(fixture_id) if has_id else answered)
            self.memory.last = None
        return result

    def _has_id(self, fixture_id: str) -> bool:
        try:
            identity(self.memory.message(fixture_id))
        except (ScriptError, ContentError):
            return False
        return True

    async def _delete(self, fixture_id: str) -> ActionResult:
        if fixture_id in self.created:
            operation = {"type": {"code": "delete"}, "url": str(self.created[fixture_id])}
        else:
            operation = {"type": {"code": "delete"}, "targetId": fixture_id}
        return await self._implicit("autodelete", fixture_id, operation)

    async def _implicit(self, what: str, fixture_id: str, operation: Json) -> ActionResult:
        """Carry out what the script does not spell out, and so cannot assert: its status must be a success."""
        result = await self._operation({**operation, "label": f"{what} {fixture_id}"})
        if result.result == "pass" and not 200 <= self.memory.exchange().status_code < 300:
            return ActionResult("operation", "fail", result.message)
        return result


def _not_run(actions: list[Json], why: str) -> list[ActionResult]:
    return [ActionResult("assert" if "assert" in action else "operation", "skip", why) for action in actions]


def _received(response: httpx.Response) -> Message:
    headers = {name.lower(): value for name, value in response.headers.items()}
    body = Content(media_of(headers.get("content-type", "")), response.text) if response.content else None
    return Message(body, headers)
