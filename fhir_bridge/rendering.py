"""An answer in FHIR becomes an answer over HTTP: its format, its headers, its request id."""

from __future__ import annotations

import re
from collections.abc import Mapping

from starlette.responses import Response

from fhir_bridge.fhir.elements import Version
from fhir_bridge.fhir.interaction import FhirResponse
from fhir_bridge.fhir.presentation import Presentation

REQUEST_ID = re.compile(r"[A-Za-z0-9\-._~:/+=]{1,128}")

NOT_KEPT: Mapping[str, str] = {"Cache-Control": "no-store", "Vary": "Accept"}
"""Patients' data is not for any cache to keep. RFC 9111, section 5.2.2.5"""


def request_id_of(header: str | None, uuid: str) -> str:
    """Return the client's request id, where it is one that may stand in a log and a header; else the new one."""
    return header if header is not None and REQUEST_ID.fullmatch(header) else uuid


def render(response: FhirResponse, presentation: Presentation, version: Version | None, request_id: str) -> Response:
    """Return the answer over HTTP; its `version` is None where the request was not understood as far as that."""
    headers = {**response.headers, **NOT_KEPT, "X-Request-Id": request_id}
    if response.resource is None:
        return Response(status_code=response.status_code, headers=headers)
    headers["Content-Type"] = presentation.content_type(version)
    return Response(presentation.write(response.resource, version or "4.0"), response.status_code, headers)
