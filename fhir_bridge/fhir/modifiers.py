"""Elements that change the meaning of what holds them, by HL7's StructureDefinitions (`isModifier`).

fhir.resources does not tell them. https://hl7.org/fhir/R4/conformance-rules.html#isModifier
"""

from __future__ import annotations

from collections.abc import Mapping

# Written by `make modifiers`.
_STU3 = """
    Account.status ActivityDefinition.experimental ActivityDefinition.status Address.use Age.comparator
    AllergyIntolerance.clinicalStatus AllergyIntolerance.verificationStatus Appointment.status
    AppointmentResponse.participantStatus Basic.code BodySite.active CapabilityStatement.experimental
    CapabilityStatement.status CarePlan.intent CarePlan.status CarePlanActivityDetail.prohibited
    CarePlanActivityDetail.status CareTeam.status ChargeItem.status Claim.status ClaimResponse.status
    ClinicalImpression.status CodeSystem.experimental CodeSystem.status Communication.notDone Communication.status
    CommunicationRequest.status CompartmentDefinition.experimental CompartmentDefinition.status
    Composition.confidentiality Composition.status CompositionSection.mode ConceptMap.experimental ConceptMap.status
    ConceptMapGroupElementTarget.equivalence Condition.clinicalStatus Condition.verificationStatus Consent.status
    ContactPoint.use Contract.status Count.comparator Coverage.status DataElement.experimental DataElement.status
    DetectedIssue.status Device.status DeviceRequest.intent DeviceRequest.status DeviceUseStatement.status
    DiagnosticReport.status Distance.comparator DocumentManifest.status DocumentReference.relatesTo
    DocumentReference.status Duration.comparator EligibilityRequest.status EligibilityResponse.status Encounter.status
    Endpoint.status EnrollmentRequest.status EnrollmentResponse.status EpisodeOfCare.status
    ExpansionProfile.experimental ExpansionProfile.status ExplanationOfBenefit.status FamilyMemberHistory.estimatedAge
    FamilyMemberHistory.notDone FamilyMemberHistory.status Flag.status Goal.status GraphDefinition.experimental
    GraphDefinition.status GroupCharacteristic.exclude GuidanceResponse.status HealthcareService.active HumanName.use
    Identifier.use Immunization.notGiven Immunization.status ImplementationGuide.experimental ImplementationGuide.status
    Library.experimental Library.status List.mode List.status ListEntry.deleted Location.mode Location.status
    Measure.experimental Measure.status MeasureReport.status MedicationAdministration.notGiven
    MedicationAdministration.status MedicationDispense.status MedicationRequest.intent MedicationRequest.status
    MedicationRequestSubstitution.allowed MedicationStatement.status MedicationStatement.taken
    MessageDefinition.experimental MessageDefinition.status Money.comparator NamingSystem.status NutritionOrder.status
    Observation.status OperationDefinition.experimental OperationDefinition.status OperationOutcomeIssue.severity
    Organization.active Patient.active Patient.animal Patient.deceased Patient.link PaymentNotice.status
    PaymentReconciliation.status Person.active PlanDefinition.experimental PlanDefinition.status Procedure.notDone
    Procedure.status ProcedureRequest.doNotPerform ProcedureRequest.intent ProcedureRequest.status ProcessRequest.status
    ProcessResponse.status Quantity.comparator Questionnaire.experimental Questionnaire.status
    QuestionnaireItem.enableWhen QuestionnaireResponse.status ReferralRequest.intent ReferralRequest.status
    RelatedPerson.active RequestGroup.intent RequestGroup.status ResearchStudy.status ResearchSubject.status
    Schedule.active SearchParameter.experimental SearchParameter.status ServiceDefinition.experimental
    ServiceDefinition.status Specimen.status StructureDefinition.experimental StructureDefinition.status
    StructureMap.experimental StructureMap.status Subscription.status SupplyDelivery.status SupplyRequest.status
    TestReport.status TestScript.experimental TestScript.status ValueSet.experimental ValueSet.status
    ValueSetComposeInclude.filter VisionPrescription.status
"""
_R4 = """
    Account.status ActivityDefinition.doNotPerform ActivityDefinition.status Address.use AdverseEvent.actuality
    Age.comparator AllergyIntolerance.clinicalStatus AllergyIntolerance.verificationStatus Appointment.status
    AppointmentResponse.participantStatus Basic.code BodyStructure.active CapabilityStatement.status CarePlan.intent
    CarePlan.status CarePlanActivityDetail.doNotPerform CarePlanActivityDetail.status CareTeam.status ChargeItem.status
    ChargeItemDefinition.status Claim.status ClaimResponse.status ClinicalImpression.status CodeSystem.status
    Communication.status CommunicationRequest.doNotPerform CommunicationRequest.status CompartmentDefinition.status
    Composition.status ConceptMap.status ConceptMapGroupElementTarget.equivalence Condition.clinicalStatus
    Condition.verificationStatus Consent.scope Consent.status ContactPoint.use Contract.status
    ContractTermAction.doNotPerform Count.comparator Coverage.status CoverageEligibilityRequest.status
    CoverageEligibilityResponse.status DetectedIssue.status Device.status DeviceRequest.intent DeviceRequest.status
    DeviceUseStatement.status DiagnosticReport.status Distance.comparator DocumentManifest.status
    DocumentReference.status Duration.comparator EffectEvidenceSynthesis.status Encounter.status Endpoint.status
    EnrollmentRequest.status EnrollmentResponse.status EpisodeOfCare.status EventDefinition.status Evidence.status
    EvidenceVariable.status ExampleScenario.status ExplanationOfBenefit.status FamilyMemberHistory.status Flag.status
    Goal.lifecycleStatus GraphDefinition.status GuidanceResponse.status HealthcareService.active HumanName.use
    Identifier.use ImagingStudy.status Immunization.isSubpotent Immunization.status ImmunizationEvaluation.status
    ImmunizationRecommendationRecommendation.forecastStatus ImplementationGuide.status InsurancePlan.status
    Invoice.status Library.status List.mode List.status ListEntry.deleted Location.status Measure.status
    MeasureReport.improvementNotation MeasureReport.status Media.status Medication.status
    MedicationAdministration.status MedicationDispense.status MedicationKnowledge.status MedicationRequest.doNotPerform
    MedicationRequest.intent MedicationRequest.status MedicationStatement.status
    MedicinalProductIngredientSpecifiedSubstanceStrength.concentrationLowLimit
    MedicinalProductIngredientSpecifiedSubstanceStrength.presentationLowLimit MessageDefinition.status
    NamingSystem.status NutritionOrder.intent NutritionOrder.status Observation.status OperationDefinition.status
    Organization.active Patient.active Patient.deceased Patient.link PaymentNotice.status PaymentReconciliation.status
    Person.active PlanDefinition.status Procedure.status Quantity.comparator Questionnaire.status
    QuestionnaireItem.enableWhen QuestionnaireResponse.status RelatedPerson.active RequestGroup.intent
    RequestGroup.status ResearchDefinition.status ResearchElementDefinition.status ResearchStudy.status
    ResearchSubject.status RiskEvidenceSynthesis.status Schedule.active SearchParameter.status
    ServiceRequest.doNotPerform ServiceRequest.intent ServiceRequest.status Specimen.status StructureDefinition.status
    StructureMap.status Subscription.status Substance.status SupplyDelivery.status SupplyRequest.status Task.status
    TerminologyCapabilities.status TestReport.status TestScript.status ValueSet.status VisionPrescription.status
"""
# End of what `make modifiers` writes.

_EVERYWHERE = frozenset({"implicitRules", "modifierExtension"})
_LISTED: Mapping[str, frozenset[str]] = {"3.0": frozenset(_STU3.split()), "4.0": frozenset(_R4.split())}


def is_modifier(version: str, type_name: str, path: str) -> bool:
    """Whether the element is a modifier: `path` is its FHIRPath step, such as `deceased` for deceasedDateTime."""
    return path in _EVERYWHERE or f"{type_name}.{path}" in _LISTED[version]
