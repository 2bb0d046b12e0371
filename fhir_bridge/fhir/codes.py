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

# ISO 4217, with what is no longer money: amounts of the past are told in it. HL7 lists four of the Crown as well.
_CURRENCIES = """ADP AED AFA AFN ALL AMD ANG AOA ARS ATS AUD AWG AYM AZM AZN BAM BBD BDT BEF BGL BGN BHD BIF BMD BND
    BOB BOV BRL BSD BTN BWP BYB BYN BYR BZD CAD CDF CHE CHF CHW CLF CLP CNY COP COU CRC CSD CUC CUP CVE CYP CZK DEM
    DJF DKK DOP DZD EEK EGP ERN ESP ETB EUR FIM FJD FKP FRF GBP GEL GGP GHC GHS GIP GMD GNF GRD GTQ GWP GYD HKD HNL
    HRK HTG HUF IDR IEP ILS IMP INR IQD IRR ISK ITL JEP JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR
    LRD LSL LTL LUF LVL LYD MAD MDL MGA MGF MKD MMK MNT MOP MRO MRU MTL MUR MVR MWK MXN MXV MYR MZM MZN NAD NGN NIO
    NLG NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PTE PYG QAR ROL RON RSD RUB RUR RWF SAR SBD SCR SDD SDG SEK SGD SHP
    SIT SKK SLE SLL SOS SRD SRG SSP STD STN SVC SYP SZL THB TJS TMM TMT TND TOP TPE TRL TRY TTD TVD TWD TZS UAH UGX
    USD USN USS UYI UYU UYW UZS VEB VED VEF VES VND VUV WST XAF XAG XAU XBA XBB XBC XBD XCD XCG XDR XFO XFU XOF XPD
    XPF XPT XSU XTS XUA XXX YER YUM ZAR ZMK ZMW ZWD ZWG ZWL ZWN ZWR"""

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
    "Money.currency": _CURRENCIES,
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

Left open although the binding is required: FHIR's versions, media types and SPDX licences, which are long, or grow
after FHIR's publication.
"""

# https://hl7.org/fhir/R4/valueset-resource-types.html
_NAMING = """ActivityDefinition.kind CapabilityStatementMessagingEvent.focus CapabilityStatementRestResource.type
    CompartmentDefinitionResource.code ExampleScenarioInstance.resourceType GraphDefinition.start
    GraphDefinitionLinkTarget.type ImplementationGuideGlobal.type ImplementationGuidePage.type
    MessageDefinitionFocus.code OperationDefinition.resource Questionnaire.subjectType SearchParameter.base
    SearchParameter.target"""
NAMES_OF_RESOURCES = frozenset(_NAMING.split())
"""Elements whose codes are the names of resources."""

ABSTRACT_RESOURCES = frozenset({"DomainResource", "Resource"})

_ABSTRACT = frozenset({"Any", "Type"})

# https://hl7.org/fhir/R4/valueset-all-types.html and https://hl7.org/fhir/R4/valueset-defined-types.html
NAMES_OF_TYPES: Mapping[str, frozenset[str]] = {
    "DataRequirement.type": _ABSTRACT,
    "OperationDefinitionParameter.type": _ABSTRACT,
    "ParameterDefinition.type": _ABSTRACT,
    "TestScriptSetupActionAssert.resource": frozenset(),
    "TestScriptSetupActionOperation.resource": frozenset(),
}
"""Elements whose codes are the names of resources and data types; what else is allowed."""

_DATA_TYPES = """Address Age Annotation Attachment BackboneElement CodeableConcept Coding ContactDetail ContactPoint
    Contributor Count DataRequirement Distance Dosage Duration Element ElementDefinition Extension HumanName Identifier
    Meta Money Narrative ParameterDefinition Period Quantity Range Ratio Reference RelatedArtifact SampledData
    Signature SimpleQuantity Timing TriggerDefinition UsageContext base64Binary boolean code date dateTime decimal id
    instant integer markdown oid positiveInt string time unsignedInt uri uuid xhtml"""
_DATA_TYPES_R4 = """Expression MarketingStatus MoneyQuantity Population ProdCharacteristic ProductShelfLife
    SubstanceAmount canonical url"""

DATA_TYPES: Mapping[str, frozenset[str]] = {
    "3.0": frozenset(_DATA_TYPES.split()),
    "4.0": frozenset(f"{_DATA_TYPES} {_DATA_TYPES_R4}".split()),
}
