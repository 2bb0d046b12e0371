"""What R4 has otherwise than R4B, whose classes fhir.resources offers in its place.

Found by comparing those classes with R4's own StructureDefinitions, element by element; a test repeats it.
https://hl7.org/fhir/R4/downloads.html
"""

from __future__ import annotations

from collections.abc import Mapping

# R4 (4.0.1) does not know these.
_NEW = """AdministrableProductDefinition Citation ClinicalUseDefinition EvidenceReport Ingredient
    ManufacturedItemDefinition MedicinalProductDefinition NutritionProduct PackagedProductDefinition
    RegulatedAuthorization SubscriptionStatus SubscriptionTopic SubstanceDefinition"""
NEW_RESOURCES = frozenset(_NEW.split())
NEW_DATA_TYPES = frozenset({"CodeableReference", "RatioRange"})

# `subjectCanonical` was added for pharmaceutical quality; R4 has subject[x] as CodeableConcept or Reference only.
NEW_ELEMENTS: Mapping[str, frozenset[str]] = {
    "ActivityDefinition": frozenset({"subjectCanonical"}),
    "PlanDefinition": frozenset({"subjectCanonical"}),
    "PlanDefinitionAction": frozenset({"subjectCanonical"}),
}

# R4B made them optional.
REQUIRED: Mapping[str, frozenset[str]] = {"MarketingStatus": frozenset({"country", "dateRange"})}

# R4B lets them refer to these too.
_SUBJECTS = frozenset({"Medication", "Organization", "Practitioner", "Procedure", "Substance"})
NEW_TARGETS: Mapping[str, frozenset[str]] = {
    "DiagnosticReport.subject": _SUBJECTS,
    "GroupMember.entity": frozenset({"RelatedPerson"}),
    "Observation.subject": _SUBJECTS,
}

# Resources that R4B dropped (the drafts of evidence synthesis, medicinal products and substances) with their data
# type SubstanceAmount, and the two that it wrote anew (Evidence, EvidenceVariable). One line per type, its base in
# brackets: `name:type`, in brackets the types that a Reference leads to, then `*` for a list, `!` for required, `^` for
# the summary, `=` and codes of the binding.
_ONLY_R4 = """
EffectEvidenceSynthesis(DomainResource) url:uri^ identifier:Identifier*^ version:string^ name:string^ title:string^
  status:code!^=active|draft|retired|unknown date:dateTime^ publisher:string^ contact:ContactDetail*^
  description:markdown^ note:Annotation* useContext:UsageContext*^ jurisdiction:CodeableConcept*^ copyright:markdown
  approvalDate:date lastReviewDate:date effectivePeriod:Period^ topic:CodeableConcept* author:ContactDetail*
  editor:ContactDetail* reviewer:ContactDetail* endorser:ContactDetail* relatedArtifact:RelatedArtifact*
  synthesisType:CodeableConcept studyType:CodeableConcept population:Reference(EvidenceVariable)!^
  exposure:Reference(EvidenceVariable)!^ exposureAlternative:Reference(EvidenceVariable)!^
  outcome:Reference(EvidenceVariable)!^ sampleSize:EffectEvidenceSynthesisSampleSize
  resultsByExposure:EffectEvidenceSynthesisResultsByExposure* effectEstimate:EffectEvidenceSynthesisEffectEstimate*^
  certainty:EffectEvidenceSynthesisCertainty*
EffectEvidenceSynthesisSampleSize(BackboneElement) description:string numberOfStudies:integer
  numberOfParticipants:integer
EffectEvidenceSynthesisResultsByExposure(BackboneElement) description:string
  exposureState:code=exposure|exposure-alternative variantState:CodeableConcept
  riskEvidenceSynthesis:Reference(RiskEvidenceSynthesis)!
EffectEvidenceSynthesisEffectEstimate(BackboneElement) description:string type:CodeableConcept
  variantState:CodeableConcept value:decimal unitOfMeasure:CodeableConcept
  precisionEstimate:EffectEvidenceSynthesisEffectEstimatePrecisionEstimate*
EffectEvidenceSynthesisEffectEstimatePrecisionEstimate(BackboneElement) type:CodeableConcept level:decimal from:decimal
  to:decimal
EffectEvidenceSynthesisCertainty(BackboneElement) rating:CodeableConcept* note:Annotation*
  certaintySubcomponent:EffectEvidenceSynthesisCertaintyCertaintySubcomponent*
EffectEvidenceSynthesisCertaintyCertaintySubcomponent(BackboneElement) type:CodeableConcept rating:CodeableConcept*
  note:Annotation*
Evidence(DomainResource) url:uri^ identifier:Identifier*^ version:string^ name:string^ title:string^ shortTitle:string
  subtitle:string status:code!^=active|draft|retired|unknown date:dateTime^ publisher:string^ contact:ContactDetail*^
  description:markdown^ note:Annotation* useContext:UsageContext*^ jurisdiction:CodeableConcept*^ copyright:markdown
  approvalDate:date lastReviewDate:date effectivePeriod:Period^ topic:CodeableConcept* author:ContactDetail*
  editor:ContactDetail* reviewer:ContactDetail* endorser:ContactDetail* relatedArtifact:RelatedArtifact*
  exposureBackground:Reference(EvidenceVariable)!^ exposureVariant:Reference(EvidenceVariable)*^
  outcome:Reference(EvidenceVariable)*^
EvidenceVariable(DomainResource) url:uri^ identifier:Identifier*^ version:string^ name:string^ title:string^
  shortTitle:string^ subtitle:string status:code!^=active|draft|retired|unknown date:dateTime^ publisher:string^
  contact:ContactDetail*^ description:markdown^ note:Annotation* useContext:UsageContext*^
  jurisdiction:CodeableConcept*^ copyright:markdown approvalDate:date lastReviewDate:date effectivePeriod:Period^
  topic:CodeableConcept* author:ContactDetail* editor:ContactDetail* reviewer:ContactDetail* endorser:ContactDetail*
  relatedArtifact:RelatedArtifact* type:code^=continuous|descriptive|dichotomous
  characteristic:EvidenceVariableCharacteristic*!^
EvidenceVariableCharacteristic(BackboneElement) description:string
  definition[x]:Reference|canonical|CodeableConcept|Expression|DataRequirement|TriggerDefinition(Group)!^
  usageContext:UsageContext* exclude:boolean participantEffective[x]:dateTime|Period|Duration|Timing
  timeFromStart:Duration groupMeasure:code=mean|mean-of-mean|mean-of-median|median|median-of-mean|median-of-median
MedicinalProduct(DomainResource) identifier:Identifier*^ type:CodeableConcept^ domain:Coding^
  combinedPharmaceuticalDoseForm:CodeableConcept^ legalStatusOfSupply:CodeableConcept^
  additionalMonitoringIndicator:CodeableConcept^ specialMeasures:string*^ paediatricUseIndicator:CodeableConcept^
  productClassification:CodeableConcept*^ marketingStatus:MarketingStatus*^
  pharmaceuticalProduct:Reference(MedicinalProductPharmaceutical)*^
  packagedMedicinalProduct:Reference(MedicinalProductPackaged)*^ attachedDocument:Reference(DocumentReference)*^
  masterFile:Reference(DocumentReference)*^ contact:Reference(Organization|PractitionerRole)*^
  clinicalTrial:Reference(ResearchStudy)*^ name:MedicinalProductName*!^ crossReference:Identifier*^
  manufacturingBusinessOperation:MedicinalProductManufacturingBusinessOperation*^
  specialDesignation:MedicinalProductSpecialDesignation*^
MedicinalProductName(BackboneElement) productName:string!^ namePart:MedicinalProductNameNamePart*^
  countryLanguage:MedicinalProductNameCountryLanguage*^
MedicinalProductNameNamePart(BackboneElement) part:string!^ type:Coding!^
MedicinalProductNameCountryLanguage(BackboneElement) country:CodeableConcept!^ jurisdiction:CodeableConcept^
  language:CodeableConcept!^
MedicinalProductManufacturingBusinessOperation(BackboneElement) operationType:CodeableConcept^
  authorisationReferenceNumber:Identifier^ effectiveDate:dateTime^ confidentialityIndicator:CodeableConcept^
  manufacturer:Reference(Organization)*^ regulator:Reference(Organization)^
MedicinalProductSpecialDesignation(BackboneElement) identifier:Identifier*^ type:CodeableConcept^
  intendedUse:CodeableConcept^ indication[x]:CodeableConcept|Reference(MedicinalProductIndication)^
  status:CodeableConcept^ date:dateTime^ species:CodeableConcept^
MedicinalProductAuthorization(DomainResource) identifier:Identifier*^
  subject:Reference(MedicinalProduct|MedicinalProductPackaged)^ country:CodeableConcept*^ jurisdiction:CodeableConcept*^
  status:CodeableConcept^ statusDate:dateTime^ restoreDate:dateTime^ validityPeriod:Period^
  dataExclusivityPeriod:Period^ dateOfFirstAuthorization:dateTime^ internationalBirthDate:dateTime^
  legalBasis:CodeableConcept^ jurisdictionalAuthorization:MedicinalProductAuthorizationJurisdictionalAuthorization*^
  holder:Reference(Organization)^ regulator:Reference(Organization)^ procedure:MedicinalProductAuthorizationProcedure^
MedicinalProductAuthorizationJurisdictionalAuthorization(BackboneElement) identifier:Identifier*^
  country:CodeableConcept^ jurisdiction:CodeableConcept*^ legalStatusOfSupply:CodeableConcept^ validityPeriod:Period^
MedicinalProductAuthorizationProcedure(BackboneElement) identifier:Identifier^ type:CodeableConcept!^
  date[x]:Period|dateTime^ application:MedicinalProductAuthorizationProcedure*^
MedicinalProductContraindication(DomainResource) subject:Reference(Medication|MedicinalProduct)*^
  disease:CodeableConcept^ diseaseStatus:CodeableConcept^ comorbidity:CodeableConcept*^
  therapeuticIndication:Reference(MedicinalProductIndication)*^
  otherTherapy:MedicinalProductContraindicationOtherTherapy*^ population:Population*^
MedicinalProductContraindicationOtherTherapy(BackboneElement) therapyRelationshipType:CodeableConcept!^
  medication[x]:CodeableConcept|Reference(Medication|MedicinalProduct|Substance|SubstanceSpecification)!^
MedicinalProductIndication(DomainResource) subject:Reference(Medication|MedicinalProduct)*^
  diseaseSymptomProcedure:CodeableConcept^ diseaseStatus:CodeableConcept^ comorbidity:CodeableConcept*^
  intendedEffect:CodeableConcept^ duration:Quantity^ otherTherapy:MedicinalProductIndicationOtherTherapy*^
  undesirableEffect:Reference(MedicinalProductUndesirableEffect)*^ population:Population*^
MedicinalProductIndicationOtherTherapy(BackboneElement) therapyRelationshipType:CodeableConcept!^
  medication[x]:CodeableConcept|Reference(Medication|MedicinalProduct|Substance|SubstanceSpecification)!^
MedicinalProductIngredient(DomainResource) identifier:Identifier^ role:CodeableConcept!^ allergenicIndicator:boolean^
  manufacturer:Reference(Organization)*^ specifiedSubstance:MedicinalProductIngredientSpecifiedSubstance*^
  substance:MedicinalProductIngredientSubstance^
MedicinalProductIngredientSpecifiedSubstance(BackboneElement) code:CodeableConcept!^ group:CodeableConcept!^
  confidentiality:CodeableConcept^ strength:MedicinalProductIngredientSpecifiedSubstanceStrength*^
MedicinalProductIngredientSpecifiedSubstanceStrength(BackboneElement) presentation:Ratio!^ presentationLowLimit:Ratio^
  concentration:Ratio^ concentrationLowLimit:Ratio^ measurementPoint:string^ country:CodeableConcept*^
  referenceStrength:MedicinalProductIngredientSpecifiedSubstanceStrengthReferenceStrength*^
MedicinalProductIngredientSpecifiedSubstanceStrengthReferenceStrength(BackboneElement) substance:CodeableConcept^
  strength:Ratio!^ strengthLowLimit:Ratio^ measurementPoint:string^ country:CodeableConcept*^
MedicinalProductIngredientSubstance(BackboneElement) code:CodeableConcept!^
  strength:MedicinalProductIngredientSpecifiedSubstanceStrength*^
MedicinalProductInteraction(DomainResource) subject:Reference(Medication|MedicinalProduct|Substance)*^
  description:string^ interactant:MedicinalProductInteractionInteractant*^ type:CodeableConcept^ effect:CodeableConcept^
  incidence:CodeableConcept^ management:CodeableConcept^
MedicinalProductInteractionInteractant(BackboneElement)
  item[x]:Reference|CodeableConcept(Medication|MedicinalProduct|ObservationDefinition|Substance)!^
MedicinalProductManufactured(DomainResource) manufacturedDoseForm:CodeableConcept!^ unitOfPresentation:CodeableConcept^
  quantity:Quantity!^ manufacturer:Reference(Organization)*^ ingredient:Reference(MedicinalProductIngredient)*^
  physicalCharacteristics:ProdCharacteristic^ otherCharacteristics:CodeableConcept*^
MedicinalProductPackaged(DomainResource) identifier:Identifier*^ subject:Reference(MedicinalProduct)*^
  description:string^ legalStatusOfSupply:CodeableConcept^ marketingStatus:MarketingStatus*^
  marketingAuthorization:Reference(MedicinalProductAuthorization)^ manufacturer:Reference(Organization)*^
  batchIdentifier:MedicinalProductPackagedBatchIdentifier*^ packageItem:MedicinalProductPackagedPackageItem*!^
MedicinalProductPackagedBatchIdentifier(BackboneElement) outerPackaging:Identifier!^ immediatePackaging:Identifier^
MedicinalProductPackagedPackageItem(BackboneElement) identifier:Identifier*^ type:CodeableConcept!^ quantity:Quantity!^
  material:CodeableConcept*^ alternateMaterial:CodeableConcept*^ device:Reference(DeviceDefinition)*^
  manufacturedItem:Reference(MedicinalProductManufactured)*^ packageItem:MedicinalProductPackagedPackageItem*^
  physicalCharacteristics:ProdCharacteristic^ otherCharacteristics:CodeableConcept*^ shelfLifeStorage:ProductShelfLife*^
  manufacturer:Reference(Organization)*^
MedicinalProductPharmaceutical(DomainResource) identifier:Identifier*^ administrableDoseForm:CodeableConcept!^
  unitOfPresentation:CodeableConcept^ ingredient:Reference(MedicinalProductIngredient)*^
  device:Reference(DeviceDefinition)*^ characteristics:MedicinalProductPharmaceuticalCharacteristics*^
  routeOfAdministration:MedicinalProductPharmaceuticalRouteOfAdministration*!^
MedicinalProductPharmaceuticalCharacteristics(BackboneElement) code:CodeableConcept!^ status:CodeableConcept^
MedicinalProductPharmaceuticalRouteOfAdministration(BackboneElement) code:CodeableConcept!^ firstDose:Quantity^
  maxSingleDose:Quantity^ maxDosePerDay:Quantity^ maxDosePerTreatmentPeriod:Ratio^ maxTreatmentPeriod:Duration^
  targetSpecies:MedicinalProductPharmaceuticalRouteOfAdministrationTargetSpecies*^
MedicinalProductPharmaceuticalRouteOfAdministrationTargetSpecies(BackboneElement) code:CodeableConcept!^
  withdrawalPeriod:MedicinalProductPharmaceuticalRouteOfAdministrationTargetSpeciesWithdrawalPeriod*^
MedicinalProductPharmaceuticalRouteOfAdministrationTargetSpeciesWithdrawalPeriod(BackboneElement)
  tissue:CodeableConcept!^ value:Quantity!^ supportingInformation:string^
MedicinalProductUndesirableEffect(DomainResource) subject:Reference(Medication|MedicinalProduct)*^
  symptomConditionEffect:CodeableConcept^ classification:CodeableConcept^ frequencyOfOccurrence:CodeableConcept^
  population:Population*^
RiskEvidenceSynthesis(DomainResource) url:uri^ identifier:Identifier*^ version:string^ name:string^ title:string^
  status:code!^=active|draft|retired|unknown date:dateTime^ publisher:string^ contact:ContactDetail*^
  description:markdown^ note:Annotation* useContext:UsageContext*^ jurisdiction:CodeableConcept*^ copyright:markdown
  approvalDate:date lastReviewDate:date effectivePeriod:Period^ topic:CodeableConcept* author:ContactDetail*
  editor:ContactDetail* reviewer:ContactDetail* endorser:ContactDetail* relatedArtifact:RelatedArtifact*
  synthesisType:CodeableConcept studyType:CodeableConcept population:Reference(EvidenceVariable)!^
  exposure:Reference(EvidenceVariable)^ outcome:Reference(EvidenceVariable)!^ sampleSize:RiskEvidenceSynthesisSampleSize
  riskEstimate:RiskEvidenceSynthesisRiskEstimate^ certainty:RiskEvidenceSynthesisCertainty*
RiskEvidenceSynthesisSampleSize(BackboneElement) description:string numberOfStudies:integer numberOfParticipants:integer
RiskEvidenceSynthesisRiskEstimate(BackboneElement) description:string type:CodeableConcept value:decimal
  unitOfMeasure:CodeableConcept denominatorCount:integer numeratorCount:integer
  precisionEstimate:RiskEvidenceSynthesisRiskEstimatePrecisionEstimate*
RiskEvidenceSynthesisRiskEstimatePrecisionEstimate(BackboneElement) type:CodeableConcept level:decimal from:decimal
  to:decimal
RiskEvidenceSynthesisCertainty(BackboneElement) rating:CodeableConcept* note:Annotation*
  certaintySubcomponent:RiskEvidenceSynthesisCertaintyCertaintySubcomponent*
RiskEvidenceSynthesisCertaintyCertaintySubcomponent(BackboneElement) type:CodeableConcept rating:CodeableConcept*
  note:Annotation*
SubstanceAmount(BackboneElement) amount[x]:Quantity|Range|string^ amountType:CodeableConcept^ amountText:string^
  referenceRange:SubstanceAmountReferenceRange^
SubstanceAmountReferenceRange(Element) lowLimit:Quantity^ highLimit:Quantity^
SubstanceNucleicAcid(DomainResource) sequenceType:CodeableConcept^ numberOfSubunits:integer^ areaOfHybridisation:string^
  oligoNucleotideType:CodeableConcept^ subunit:SubstanceNucleicAcidSubunit*^
SubstanceNucleicAcidSubunit(BackboneElement) subunit:integer^ sequence:string^ length:integer^
  sequenceAttachment:Attachment^ fivePrime:CodeableConcept^ threePrime:CodeableConcept^
  linkage:SubstanceNucleicAcidSubunitLinkage*^ sugar:SubstanceNucleicAcidSubunitSugar*^
SubstanceNucleicAcidSubunitLinkage(BackboneElement) connectivity:string^ identifier:Identifier^ name:string^
  residueSite:string^
SubstanceNucleicAcidSubunitSugar(BackboneElement) identifier:Identifier^ name:string^ residueSite:string^
SubstancePolymer(DomainResource) class:CodeableConcept^ geometry:CodeableConcept^
  copolymerConnectivity:CodeableConcept*^ modification:string*^ monomerSet:SubstancePolymerMonomerSet*^
  repeat:SubstancePolymerRepeat*^
SubstancePolymerMonomerSet(BackboneElement) ratioType:CodeableConcept^
  startingMaterial:SubstancePolymerMonomerSetStartingMaterial*^
SubstancePolymerMonomerSetStartingMaterial(BackboneElement) material:CodeableConcept^ type:CodeableConcept^
  isDefining:boolean^ amount:SubstanceAmount^
SubstancePolymerRepeat(BackboneElement) numberOfUnits:integer^ averageMolecularFormula:string^
  repeatUnitAmountType:CodeableConcept^ repeatUnit:SubstancePolymerRepeatRepeatUnit*^
SubstancePolymerRepeatRepeatUnit(BackboneElement) orientationOfPolymerisation:CodeableConcept^ repeatUnit:string^
  amount:SubstanceAmount^ degreeOfPolymerisation:SubstancePolymerRepeatRepeatUnitDegreeOfPolymerisation*^
  structuralRepresentation:SubstancePolymerRepeatRepeatUnitStructuralRepresentation*^
SubstancePolymerRepeatRepeatUnitDegreeOfPolymerisation(BackboneElement) degree:CodeableConcept^ amount:SubstanceAmount^
SubstancePolymerRepeatRepeatUnitStructuralRepresentation(BackboneElement) type:CodeableConcept^ representation:string^
  attachment:Attachment^
SubstanceProtein(DomainResource) sequenceType:CodeableConcept^ numberOfSubunits:integer^ disulfideLinkage:string*^
  subunit:SubstanceProteinSubunit*^
SubstanceProteinSubunit(BackboneElement) subunit:integer^ sequence:string^ length:integer^
  sequenceAttachment:Attachment^ nTerminalModificationId:Identifier^ nTerminalModification:string^
  cTerminalModificationId:Identifier^ cTerminalModification:string^
SubstanceReferenceInformation(DomainResource) comment:string^ gene:SubstanceReferenceInformationGene*^
  geneElement:SubstanceReferenceInformationGeneElement*^ classification:SubstanceReferenceInformationClassification*^
  target:SubstanceReferenceInformationTarget*^
SubstanceReferenceInformationGene(BackboneElement) geneSequenceOrigin:CodeableConcept^ gene:CodeableConcept^
  source:Reference(DocumentReference)*^
SubstanceReferenceInformationGeneElement(BackboneElement) type:CodeableConcept^ element:Identifier^
  source:Reference(DocumentReference)*^
SubstanceReferenceInformationClassification(BackboneElement) domain:CodeableConcept^ classification:CodeableConcept^
  subtype:CodeableConcept*^ source:Reference(DocumentReference)*^
SubstanceReferenceInformationTarget(BackboneElement) target:Identifier^ type:CodeableConcept^
  interaction:CodeableConcept^ organism:CodeableConcept^ organismType:CodeableConcept^ amount[x]:Quantity|Range|string^
  amountType:CodeableConcept^ source:Reference(DocumentReference)*^
SubstanceSourceMaterial(DomainResource) sourceMaterialClass:CodeableConcept^ sourceMaterialType:CodeableConcept^
  sourceMaterialState:CodeableConcept^ organismId:Identifier^ organismName:string^ parentSubstanceId:Identifier*^
  parentSubstanceName:string*^ countryOfOrigin:CodeableConcept*^ geographicalLocation:string*^
  developmentStage:CodeableConcept^ fractionDescription:SubstanceSourceMaterialFractionDescription*^
  organism:SubstanceSourceMaterialOrganism^ partDescription:SubstanceSourceMaterialPartDescription*^
SubstanceSourceMaterialFractionDescription(BackboneElement) fraction:string^ materialType:CodeableConcept^
SubstanceSourceMaterialOrganism(BackboneElement) family:CodeableConcept^ genus:CodeableConcept^ species:CodeableConcept^
  intraspecificType:CodeableConcept^ intraspecificDescription:string^ author:SubstanceSourceMaterialOrganismAuthor*^
  hybrid:SubstanceSourceMaterialOrganismHybrid^ organismGeneral:SubstanceSourceMaterialOrganismOrganismGeneral^
SubstanceSourceMaterialOrganismAuthor(BackboneElement) authorType:CodeableConcept^ authorDescription:string^
SubstanceSourceMaterialOrganismHybrid(BackboneElement) maternalOrganismId:string^ maternalOrganismName:string^
  paternalOrganismId:string^ paternalOrganismName:string^ hybridType:CodeableConcept^
SubstanceSourceMaterialOrganismOrganismGeneral(BackboneElement) kingdom:CodeableConcept^ phylum:CodeableConcept^
  class:CodeableConcept^ order:CodeableConcept^
SubstanceSourceMaterialPartDescription(BackboneElement) part:CodeableConcept^ partLocation:CodeableConcept^
SubstanceSpecification(DomainResource) identifier:Identifier^ type:CodeableConcept^ status:CodeableConcept^
  domain:CodeableConcept^ description:string^ source:Reference(DocumentReference)*^ comment:string^
  moiety:SubstanceSpecificationMoiety*^ property:SubstanceSpecificationProperty*^
  referenceInformation:Reference(SubstanceReferenceInformation)^ structure:SubstanceSpecificationStructure^
  code:SubstanceSpecificationCode*^ name:SubstanceSpecificationName*^
  molecularWeight:SubstanceSpecificationStructureIsotopeMolecularWeight*^
  relationship:SubstanceSpecificationRelationship*^ nucleicAcid:Reference(SubstanceNucleicAcid)^
  polymer:Reference(SubstancePolymer)^ protein:Reference(SubstanceProtein)^
  sourceMaterial:Reference(SubstanceSourceMaterial)^
SubstanceSpecificationMoiety(BackboneElement) role:CodeableConcept^ identifier:Identifier^ name:string^
  stereochemistry:CodeableConcept^ opticalActivity:CodeableConcept^ molecularFormula:string^ amount[x]:Quantity|string^
SubstanceSpecificationProperty(BackboneElement) category:CodeableConcept^ code:CodeableConcept^ parameters:string^
  definingSubstance[x]:Reference|CodeableConcept(Substance|SubstanceSpecification)^ amount[x]:Quantity|string^
SubstanceSpecificationStructure(BackboneElement) stereochemistry:CodeableConcept^ opticalActivity:CodeableConcept^
  molecularFormula:string^ molecularFormulaByMoiety:string^ isotope:SubstanceSpecificationStructureIsotope*^
  molecularWeight:SubstanceSpecificationStructureIsotopeMolecularWeight^ source:Reference(DocumentReference)*^
  representation:SubstanceSpecificationStructureRepresentation*^
SubstanceSpecificationStructureIsotope(BackboneElement) identifier:Identifier^ name:CodeableConcept^
  substitution:CodeableConcept^ halfLife:Quantity^
  molecularWeight:SubstanceSpecificationStructureIsotopeMolecularWeight^
SubstanceSpecificationStructureIsotopeMolecularWeight(BackboneElement) method:CodeableConcept^ type:CodeableConcept^
  amount:Quantity^
SubstanceSpecificationStructureRepresentation(BackboneElement) type:CodeableConcept^ representation:string^
  attachment:Attachment^
SubstanceSpecificationCode(BackboneElement) code:CodeableConcept^ status:CodeableConcept^ statusDate:dateTime^
  comment:string^ source:Reference(DocumentReference)*^
SubstanceSpecificationName(BackboneElement) name:string!^ type:CodeableConcept^ status:CodeableConcept^
  preferred:boolean^ language:CodeableConcept*^ domain:CodeableConcept*^ jurisdiction:CodeableConcept*^
  synonym:SubstanceSpecificationName*^ translation:SubstanceSpecificationName*^
  official:SubstanceSpecificationNameOfficial*^ source:Reference(DocumentReference)*^
SubstanceSpecificationNameOfficial(BackboneElement) authority:CodeableConcept^ status:CodeableConcept^ date:dateTime^
SubstanceSpecificationRelationship(BackboneElement) substance[x]:Reference|CodeableConcept(SubstanceSpecification)^
  relationship:CodeableConcept^ isDefining:boolean^ amount[x]:Quantity|Range|Ratio|string^ amountRatioLowLimit:Ratio^
  amountType:CodeableConcept^ source:Reference(DocumentReference)*^
"""


def _definitions() -> Mapping[str, tuple[str, str]]:
    """Return the base of each type and the notation of its own elements."""
    lines = _ONLY_R4.replace("\n  ", " ").strip().splitlines()
    heads = (line.partition(") ") for line in lines)
    return {head.split("(")[0]: (head.split("(")[1], elements) for head, _, elements in heads}


DEFINITIONS = _definitions()
OLD_RESOURCES = frozenset(name for name, (base, _) in DEFINITIONS.items() if base == "DomainResource")
