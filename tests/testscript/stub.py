"""A tiny FHIR server for the tests of the runner: Patients in memory, as HL7's example TestScripts expect them.

It takes an update whose id differs from that of the address, and refuses an id with capitals, because the examples ask
for both. `spoil` may change any answer, so that a script has something to find.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.testscript.content import MIME, Content, dumps, media_of
from tests.testscript.runner import Servers

BASE = "http://stub.test/fhir"
OTHER = "http://other.test/fhir"

Spoil = Callable[[Request, Response], Response]


@dataclass(slots=True)
class Stub:
    """The patients by id, each with all its versions, and every request that came: `GET /Patient/example`."""

    spoil: Spoil = lambda request, response: response
    patients: dict[str, list[Content]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    def servers(self) -> Servers:
        """Return the stub as destinations 1 and 2."""
        transport = httpx.ASGITransport(self.app())
        return Servers({1: BASE, 2: OTHER}, httpx.AsyncClient(transport=transport))

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/fhir/{path:path}", self._answer, methods=_METHODS)])

    async def _answer(self, request: Request) -> Response:
        query = f"?{request.url.query}" if request.url.query else ""
        self.requests.append(f"{request.method} /{request.path_params['path']}{query}")
        return self.spoil(request, self._respond(request, (await request.body()).decode()))

    def _respond(self, request: Request, body: str) -> Response:
        content = Content(media_of(request.headers.get("content-type", "")), body) if body else None
        match request.method, request.path_params["path"].split("/"):
            case "GET", ["Patient"]:
                return self._search(request)
            case "POST", ["Patient"] if content:
                return self._store(request, "created-1", content)
            case "PUT", ["Patient", id_] if content:
                return self._store(request, id_, content)
            case "DELETE", ["Patient", id_]:
                self.patients.pop(id_, None)
                return Response(status_code=204)
            case "GET", ["Patient", id_]:
                return self._read(request, id_)
            case "GET", ["Patient", id_, "_history"]:
                entries = [{"resource": content.value()} for content in self.patients[id_]]
                return _body(request, _bundle({"type": "history", "entry": entries}), 200)
            case "GET", ["Patient", id_, "_history", version]:
                return _body(request, self.patients[id_][int(version) - 1], 200)
        return Response(status_code=404)

    def _search(self, request: Request) -> Response:
        links = [{"relation": relation, "url": str(request.url)} for relation in ("self", "first", "last", "next")]
        found = [versions[-1].value() for versions in self._matching(request)]
        entries = {"entry": [{"resource": resource} for resource in found]} if found else {}
        return _body(request, _bundle({"type": "searchset", "total": len(found), "link": links, **entries}), 200)

    def _matching(self, request: Request) -> list[list[Content]]:
        family = request.query_params.get("family", "")
        return [versions for versions in self.patients.values() if family in versions[-1].text]

    def _store(self, request: Request, id_: str, content: Content) -> Response:
        versions = self.patients.setdefault(id_, [])
        versions.append(content)
        response = _body(request, content, 200 if len(versions) > 1 else 201)
        response.headers["Location"] = f"{BASE}/Patient/{id_}/_history/{len(versions)}"
        return response

    def _read(self, request: Request, id_: str) -> Response:
        if id_ not in self.patients:
            return Response(status_code=400 if id_ != id_.lower() else 404)
        return _body(request, self.patients[id_][-1], 200)


_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


def _bundle(members: dict[str, object]) -> Content:
    return Content("json", dumps({"resourceType": "Bundle", **members}))


def _body(request: Request, content: Content, status_code: int) -> Response:
    """Return the content in the format that the request asks for."""
    sent = content.as_media(media_of(request.headers["accept"]))
    headers = {"Last-Modified": "Thu, 20 Apr 2017 19:14:13 GMT", "ETag": 'W/"1"'}
    return Response(sent.text, status_code, headers, f"{MIME[sent.media]}; charset=utf-8")
