"""Codes of required bindings, where the list in fhir.resources is cut short, wrong or not there.

Its lists come from the short texts of FHIR's pages, many of which end in `+` or name no code at all. Found by
comparing them with FHIR's own value sets; a test repeats it. https://hl7.org/fhir/R4/terminologies.html#required
"""

from __future__ import annotations

from collections.abc import Mapping

_COMPARATORS = "< <= >= >"
_PRIORITY = "routine urgent asap stat"
_OBSERVATION = "registered preliminary final amended corrected cancelled entered-in-error unknown"
_REQUEST = "draft active suspended completed entered-in-error cancelled unknown"
_INTENT = "proposal plan order original-order reflex-order filler-order instance-order option"
_ENCOUNTER = "planned arrived triaged in-progress onleave finished cancelled entered-in-error unknown"
_UDI_ENTRY = "barcode rfid manual card self-reported unknown"
_ISSUE = """invalid structure required value invariant security login unknown expired forbidden suppressed processing
    not-supported duplicate not-found too-long code-invalid extension too-costly business-rule conflict incomplete
    transient lock-error no-store exception timeout throttled informational"""
_WHEN = "MORN AFT EVE NIGHT PHS HS WAKE C CM CD CV AC ACM ACD ACV PC PCM PCD PCV"

_BOTH = {
    "Age.comparator": _COMPARATORS,
    "Count.comparator": _COMPARATORS,
    "Distance.comparator": _COMPARATORS,
    "Duration.comparator": _COMPARATORS,
    "Quantity.comparator": _COMPARATORS,
    "AuditEvent.action": "C R U D E",
    "AuditEvent.outcome": "0 4 8 12",
    "AuditEventAgentNetwork.type": "1 2 3 4 5",
    "Composition.confidentiality": "U L M N R V",
    "DetectedIssue.status": _OBSERVATION,
    "DeviceUseStatement.status": "active completed entered-in-error intended stopped on-hold",
    "DiagnosticReport.status": (
        "registered partial preliminary final amended corrected appended cancelled entered-in-error unknown"
    ),
    "Encounter.status": _ENCOUNTER,
    "EncounterStatusHistory.status": _ENCOUNTER,
    "Observation.status": _OBSERVATION,
    "QuestionnaireItem.type": (
        "group display question boolean decimal integer date dateTime time string text url choice open-choice"
        " attachment reference quantity"
    ),
    "RiskAssessment.status": _OBSERVATION,
    "StructureMapGroupRuleTarget.transform": (
        "create copy truncate escape cast append translate reference dateOp uuid pointer evaluate cc c qty id cp"
    ),
    "SupplyRequest.status": _REQUEST,
    "Task.status": (
        "draft requested received accepted rejected ready cancelled in-progress on-hold failed completed"
        " entered-in-error"
    ),
}

_STU3 = {
    "AppointmentResponse.participantStatus": "accepted declined tentative needs-action",
    "CodeSystemFilter.operator": "= is-a descendent-of is-not-a regex in not-in generalizes exists",
    "Communication.status": "preparation in-progress suspended aborted completed entered-in-error unknown",
    "CommunicationRequest.priority": _PRIORITY,
    "DeviceComponent.measurementPrinciple": (
        "other chemical electrical impedance nuclear optical thermal biological mechanical acoustical manual"
    ),
    "DeviceRequest.priority": _PRIORITY,
    "DeviceRequest.status": _REQUEST,
    "DeviceUdi.entryType": _UDI_ENTRY,
    "DocumentReference.docStatus": "preliminary final amended entered-in-error",
    "GraphDefinitionLinkTargetCompartment.code": "Patient Encounter RelatedPerson Practitioner Device",
    "Money.comparator": _COMPARATORS,
    "OperationOutcomeIssue.code": _ISSUE,
    "ProcedureRequest.intent": _INTENT,
    "ProcedureRequest.status": _REQUEST,
    "ReferralRequest.intent": _INTENT,
    "ReferralRequest.priority": _PRIORITY,
    "RequestGroup.intent": _INTENT,
    "Task.intent": _INTENT,
    "Task.priority": _PRIORITY,
    "TimingRepeat.when": _WHEN,
    # extensible or an example in STU3, so that any code will do
    "Sequence.type": "",
    # media types: any of RFC 6838, not the words of the short text
    "CapabilityStatement.format": "",
}

_R4 = {
    "ActivityDefinition.kind": (
        "Appointment AppointmentResponse CarePlan Claim CommunicationRequest Contract DeviceRequest EnrollmentRequest"
        " ImmunizationRecommendation MedicationRequest NutritionOrder ServiceRequest SupplyRequest Task"
        " VisionPrescription"
    ),
    "DeviceUdiCarrier.entryType": _UDI_ENTRY,
    "OperationOutcomeIssue.code": f"{_ISSUE} multiple-matches deleted",
    "TimingRepeat.when": f"{_WHEN} MORN.early MORN.late NOON AFT.early AFT.late EVE.early EVE.late",
    # extensible, so that any code will do
    "Expression.language": "",
    # media types: any of RFC 6838, not the words of the short text
    "CapabilityStatement.format": "",
}

CODES: Mapping[str, Mapping[str, frozenset[str]]] = {
    version: {path: frozenset(codes.split()) for path, codes in (_BOTH | own).items()}
    for version, own in (("3.0", _STU3), ("4.0", _R4))
}
"""By version, then by type and element (`Quantity.comparator`); an empty set says that any code will do.

Left open although the binding is required: names of resource and data types, FHIR's versions, media types,
currencies and SPDX licences, which are long, or grow after FHIR's publication.
"""
