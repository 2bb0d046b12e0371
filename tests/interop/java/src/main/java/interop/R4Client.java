package interop;

import static interop.Report.same;
import static interop.Report.thrown;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.rest.api.MethodOutcome;
import ca.uhn.fhir.rest.api.SearchStyleEnum;
import ca.uhn.fhir.rest.client.api.IGenericClient;
import ca.uhn.fhir.rest.gclient.ICriterion;
import ca.uhn.fhir.rest.server.exceptions.BaseServerResponseException;
import ca.uhn.fhir.rest.server.exceptions.MethodNotAllowedException;
import ca.uhn.fhir.rest.server.exceptions.PreconditionFailedException;
import ca.uhn.fhir.rest.server.exceptions.ResourceNotFoundException;
import ca.uhn.fhir.rest.server.exceptions.UnprocessableEntityException;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.hl7.fhir.r4.model.Bundle;
import org.hl7.fhir.r4.model.CapabilityStatement;
import org.hl7.fhir.r4.model.CodeType;
import org.hl7.fhir.r4.model.Condition;
import org.hl7.fhir.r4.model.DateType;
import org.hl7.fhir.r4.model.Enumerations.AdministrativeGender;
import org.hl7.fhir.r4.model.IdType;
import org.hl7.fhir.r4.model.OperationOutcome;
import org.hl7.fhir.r4.model.OperationOutcome.OperationOutcomeIssueComponent;
import org.hl7.fhir.r4.model.Parameters;
import org.hl7.fhir.r4.model.Patient;
import org.hl7.fhir.r4.model.Reference;
import org.hl7.fhir.r4.model.StringType;

/** HAPI's client for R4 at the hub and at the bases of the partners that speak R4. */
final class R4Client {

    private static final String SYSTEM = "https://fhir-bridge.example/fhir/sid/ehealth-preperson";
    private static final String PREPERSON = "7c3da506-804d-4550-8993-bf17f9ee0402";
    private static final String NOBODY = "00000000-0000-4000-8000-000000000404";
    private static final IdType PATIENT_OF_HEALTHEX = new IdType("Patient", "17d4513f-73e8");

    private final FhirContext context;
    private final IGenericClient hub;
    private final IGenericClient ehealth;
    private final IGenericClient healthex;
    private final String message;

    R4Client(FhirContext context, Function<String, IGenericClient> clientOf, String message) {
        this.context = context;
        this.hub = clientOf.apply("");
        this.ehealth = clientOf.apply("/ehealth");
        this.healthex = clientOf.apply("/healthex");
        this.message = message;
    }

    void use(Report report) {
        report.trying("capability statement", "read before every first call, too", this::capabilities);
        report.trying("read", "with If-None-Match, and of a version, too", this::read);
        report.trying("search", "GET, and POST to _search", this::search);
        report.trying("update", "with If-Match, too", this::update);
        report.trying("patch", "JSON Patch and FHIRPath Patch", this::patch);
        report.trying("conditional update", "", this::conditionalUpdate);
        report.trying("operation", "", this::operation);
        report.trying("validate", "", this::validate);
        report.trying("batch", "", this::batch);
        report.trying("message", "", this::message);
        report.trying("create", "at the hub, by its profile", this::create);
        report.trying("error", "the OperationOutcome is in HAPI's own exception", this::error);
    }

    private void capabilities() {
        CapabilityStatement statement = ehealth.capabilities().ofType(CapabilityStatement.class).execute();
        same(statement.getFhirVersion().toCode(), "4.0.1");
        same(statement.getRestFirstRep().getResourceFirstRep().getType(), "Patient");
    }

    private Patient preperson() {
        return ehealth.read().resource(Patient.class).withId(PREPERSON).execute();
    }

    private void read() {
        Patient read = preperson();
        same(read.getNameFirstRep().getFamily(), "Іванов");
        String version = read.getIdElement().getVersionIdPart();
        String etag = "W/\"" + version + "\"";
        same(ehealth.read().resource(Patient.class).withId(PREPERSON).ifVersionMatches(etag).returnNull().execute(), null);
        Patient present = ehealth.read().resource(Patient.class).withIdAndVersion(PREPERSON, version).execute();
        same(present.getMeta().getVersionId(), version);
    }

    private static ICriterion<?> isPreperson() {
        return Patient.IDENTIFIER.exactly().systemAndIdentifier(SYSTEM, PREPERSON);
    }

    private void search() {
        for (SearchStyleEnum style : List.of(SearchStyleEnum.GET, SearchStyleEnum.POST)) {
            Bundle found = ehealth.search().forResource(Patient.class).where(isPreperson())
                    .usingStyle(style).returnBundle(Bundle.class).execute();
            same(found.getEntry().stream().map(each -> each.getResource().getIdPart()).toList(), List.of(PREPERSON));
        }
    }

    private void update() throws Exception {
        Patient read = preperson();
        read.getNameFirstRep().setGiven(List.of(new StringType("Петро"), new StringType(fresh("Степанович"))));
        Patient updated = (Patient) ehealth.update().resource(read).execute().getResource();
        same(updated.getNameFirstRep().getGivenAsSingleString(), read.getNameFirstRep().getGivenAsSingleString());
        Patient stale = read.setGender(AdministrativeGender.FEMALE);
        stale.setId(new IdType("Patient", PREPERSON, "long-ago"));
        PreconditionFailedException refused =
                thrown(PreconditionFailedException.class, () -> ehealth.update().resource(stale).execute());
        same(issue(refused).getCode().toCode(), "conflict");
    }

    private static String fresh(String name) {
        return name + "-" + System.nanoTime();
    }

    private void patch() {
        String body = "[{\"op\": \"replace\", \"path\": \"/birthDate\", \"value\": \"1981-02-03\"}]";
        MethodOutcome patched = ehealth.patch().withBody(body).withId(new IdType("Patient", PREPERSON)).execute();
        same(((Patient) patched.getResource()).getBirthDateElement().getValueAsString(), "1981-02-03");
        Parameters steps = new Parameters();
        steps.addParameter().setName("operation")
                .addPart(part("type", new CodeType("replace")))
                .addPart(part("path", new StringType("Patient.birthDate")))
                .addPart(part("value", new DateType("1980-01-01")));
        patched = ehealth.patch().withFhirPatch(steps).withId(new IdType("Patient", PREPERSON)).execute();
        same(((Patient) patched.getResource()).getBirthDateElement().getValueAsString(), "1980-01-01");
    }

    private static Parameters.ParametersParameterComponent part(String name, org.hl7.fhir.r4.model.Type value) {
        return new Parameters.ParametersParameterComponent().setName(name).setValue(value);
    }

    private void conditionalUpdate() {
        Patient change = new Patient().setGender(AdministrativeGender.FEMALE);
        MethodOutcome updated = ehealth.update().resource(change).conditional().where(isPreperson()).execute();
        Patient patient = (Patient) updated.getResource();
        same(List.of(patient.getIdPart(), patient.getGender()), List.of(PREPERSON, AdministrativeGender.FEMALE));
    }

    private void operation() {
        Parameters answer = healthex.operation().onInstance(PATIENT_OF_HEALTHEX).named("$update-data")
                .withParameter(Parameters.class, "skipInteractive", new org.hl7.fhir.r4.model.BooleanType(true))
                .execute();
        same(answer.getParameterValue("message").primitiveValue(), "IN_PROGRESS_NO_ACTION_NEEDED");
    }

    private void validate() {
        Patient wrong = new Patient().setBirthDateElement(new DateType("1980"));
        OperationOutcome checked = (OperationOutcome) ehealth.validate().resource(wrong).execute().getOperationOutcome();
        same(expressions(checked), List.of("Patient.birthDate"));
    }

    private void batch() {
        Bundle batch = new Bundle().setType(Bundle.BundleType.BATCH);
        batch.addEntry().getRequest().setMethod(Bundle.HTTPVerb.GET).setUrl("ehealth/Patient/" + PREPERSON);
        Parameters suspend = new Parameters();
        suspend.addParameter("status", new CodeType("SUS"));
        batch.addEntry().setResource(suspend).getRequest()
                .setMethod(Bundle.HTTPVerb.POST).setUrl("wmda/Patient/123456/$update-search-status");
        batch.addEntry().getRequest().setMethod(Bundle.HTTPVerb.GET).setUrl("ehealth/Patient/" + NOBODY);
        Bundle answer = hub.transaction().withBundle(batch).execute();
        same(answer.getEntry().stream().map(each -> each.getResponse().getStatus()).toList(),
                List.of("200 OK", "200 OK", "404 Not Found"));
        OperationOutcome outcome = (OperationOutcome) answer.getEntry().get(2).getResponse().getOutcome();
        same(outcome.getIssueFirstRep().getCode().toCode(), "not-found");
    }

    private void message() {
        Bundle answer = hub.operation().processMessage()
                .setMessageBundle(context.newJsonParser().parseResource(Bundle.class, message))
                .synchronous(Bundle.class).execute();
        Patient patient = (Patient) answer.getEntry().get(1).getResource();
        same(patient.getTelecomFirstRep().getValue(), "123456789");
    }

    /** What goes to Roche in a message: the client knows nothing of it, nor of STU3. */
    private void create() {
        Patient patient = new Patient();
        patient.getMeta().addProfile("https://fhir-bridge.example/fhir/StructureDefinition/roche-patient");
        patient.addIdentifier().setSystem("urn:oid:2.16.724.4.41").setValue(fresh("F"));
        patient.addName().setFamily("Roe").addGiven("Ana");
        MethodOutcome made = hub.create().resource(patient).execute();
        same(made.getCreated(), true);

        Condition condition = new Condition();
        condition.getClinicalStatus().addCoding()
                .setSystem("http://terminology.hl7.org/CodeSystem/condition-clinical").setCode("active");
        condition.getCode().addCoding().setSystem("http://snomed.info/sct").setCode("46635009");
        condition.setSubject(new Reference("#")).setId("diabetes");
        patient.addContained(condition).setId(made.getId().getIdPart());
        Patient updated = (Patient) hub.update().resource(patient).execute().getResource();
        same(updated.getNameFirstRep().getFamily(), "Roe");
        same(((Condition) updated.getContained().get(0)).getCode().getCodingFirstRep().getCode(), "46635009");
    }

    private void error() throws Exception {
        Patient wrong = new Patient().setGender(AdministrativeGender.OTHER).setBirthDateElement(new DateType("1980"));
        wrong.setId(PREPERSON);
        UnprocessableEntityException refused =
                thrown(UnprocessableEntityException.class, () -> ehealth.update().resource(wrong).execute());
        same(expressions((OperationOutcome) refused.getOperationOutcome()), List.of("Patient.gender", "Patient.birthDate"));
        ResourceNotFoundException missing = thrown(ResourceNotFoundException.class,
                () -> ehealth.read().resource(Patient.class).withId(NOBODY).execute());
        same(issue(missing).getCode().toCode(), "not-found");
        MethodNotAllowedException never = thrown(MethodNotAllowedException.class,
                () -> ehealth.delete().resourceById("Patient", PREPERSON).execute());
        same(Map.of(issue(never).getCode().toCode(), never.getStatusCode()), Map.of("not-supported", 405));
    }

    private static OperationOutcomeIssueComponent issue(BaseServerResponseException error) {
        return ((OperationOutcome) error.getOperationOutcome()).getIssueFirstRep();
    }

    private static List<String> expressions(OperationOutcome outcome) {
        return outcome.getIssue().stream().map(issue -> issue.getExpression().get(0).getValue()).toList();
    }
}
