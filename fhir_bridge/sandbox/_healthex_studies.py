"""What the simulated HealthEx says of a study, and the link by which patients come to it.

Follows https://docs.healthex.io/api/get-study-by-id and the guide "Add patients by unique link".
"""

from __future__ import annotations

import hashlib
from urllib.parse import quote

from fhir_bridge.sandbox._healthex_answers import Json
from fhir_bridge.sandbox._healthex_patients import Project


def enrollment_link(project: Project, external_id: str | None) -> str:
    """The address of the page on which a patient consents; its signature means nothing outside the simulator."""
    address = f"https://app.healthex.io/#/patient-consent/{project.id}/enrollment/link"
    if external_id is None:
        return address  # INFERRED: what the link for everybody looks like
    signature = hashlib.sha256(f"{project.id} {external_id}".encode()).hexdigest()[:32]
    return f"{address}?xid={quote(external_id, safe='')}.{signature}"


def study(project: Project) -> Json:
    reason = {} if project.pause_reason is None else {"pauseReason": project.pause_reason}
    return {
        "id": project.id,
        "addedByOrganization": project.organisation,
        "owner": project.organisation,
        "studyVersionId": f"{project.id}-1",
        "title": project.title,
        "status": project.status,
        "versionStatus": "DRAFT" if project.status == "DRAFT" else "ACTIVE",
        "paused": project.paused,
        **reason,
        "studyType": project.study_type,
        "accessData": "FULL_RECORD_IDENTIFIED",
        "consentDataResourceScopes": [],
        "consentDataSensitivityScopes": [],
        "selectedLanguages": ["en", "es"],
        "patientEnrollmentUrl": enrollment_link(project, None),
    }
