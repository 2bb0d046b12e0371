package interop;

import static interop.Report.same;
import static interop.Report.thrown;

import ca.uhn.fhir.rest.api.MethodOutcome;
import ca.uhn.fhir.rest.client.api.IGenericClient;
import ca.uhn.fhir.rest.server.exceptions.InvalidRequestException;
import ca.uhn.fhir.rest.server.exceptions.ResourceNotFoundException;
import java.util.Date;
import java.util.List;
import org.hl7.fhir.dstu3.model.Bundle;
import org.hl7.fhir.dstu3.model.CapabilityStatement;
import org.hl7.fhir.dstu3.model.Coding;
import org.hl7.fhir.dstu3.model.Condition;
import org.hl7.fhir.dstu3.model.ContactPoint.ContactPointSystem;
import org.hl7.fhir.dstu3.model.IdType;
import org.hl7.fhir.dstu3.model.MessageHeader;
import org.hl7.fhir.dstu3.model.OperationOutcome;
import org.hl7.fhir.dstu3.model.Patient;
import org.hl7.fhir.dstu3.model.Practitioner;
import org.hl7.fhir.dstu3.model.Reference;

/** HAPI's client for DSTU3 at Roche's base: patients in messages and by themselves, and practitioners. */
final class Stu3Client {

    private static final String PATIENT = "Bj6.1Lq-hvb-28";

    private final IGenericClient roche;

    Stu3Client(IGenericClient roche) {
        this.roche = roche;
    }

    void use(Report report) {
        report.trying("capability statement", "read before every first call, too", this::capabilities);
        report.trying("read", "", this::read);
        report.trying("search", "by `_id`", this::search);
        for (String capability : List.of("patch", "operation")) {
            report.cannot(capability, "Roche's base offers nothing of the kind");
        }
        report.trying("update", "a Bundle, under its patient's id, and a Patient", this::update);
        report.trying("create", "a Bundle, a Patient, a Practitioner", this::create);
        report.trying("conditional update", "by `_id`", this::conditionalUpdate);
        report.trying("message", "$process-message", this::message);
        report.trying("validate", "", this::validate);
        report.trying("batch", "", this::batch);
        report.trying("error", "the OperationOutcome is in HAPI's own exception", this::error);
    }

    private void capabilities() {
        CapabilityStatement statement = roche.capabilities().ofType(CapabilityStatement.class).execute();
        same(statement.getFhirVersion(), "3.0.2");
        same(statement.getRestFirstRep().getResourceFirstRep().getType(), "Bundle");
    }

    /** Returns a message that gives a patient of Roche this telephone number. */
    private static Bundle message(String patientId, String telephone) {
        MessageHeader header = new MessageHeader();
        header.setId("88a37162-3d7c-41c3-89ab-6e25fd68ba00");
        header.setEvent(new Coding("http://roche.com/fhir/rdc/message-type", "new-bundle", null));
        header.setTimestamp(new Date()).getSource().setEndpoint("urn:oid:2.16.724.4.2");
        Patient patient = new Patient();
        patient.setId(patientId);
        patient.addIdentifier().setSystem("urn:oid:2.16.724.4.41").setValue("12345678Z");
        patient.addName().setFamily("Doe").addGiven("John");
        patient.addTelecom().setSystem(ContactPointSystem.PHONE).setValue(telephone);
        Bundle bundle = new Bundle().setType(Bundle.BundleType.MESSAGE);
        bundle.addEntry().setFullUrl("urn:uuid:88a37162-3d7c-41c3-89ab-6e25fd68ba00").setResource(header);
        bundle.addEntry().setFullUrl("http://clinic.example/fhir/Patient/" + patientId).setResource(patient);
        return bundle;
    }

    private static String telephone(Bundle answer) {
        return ((Patient) answer.getEntry().get(1).getResource()).getTelecomFirstRep().getValue();
    }

    private void update() {
        Bundle sent = message(PATIENT, "123456780");
        Bundle answer = (Bundle) roche.update().resource(sent).withId(PATIENT).execute().getResource();
        same(telephone(answer), "123456780");
        updatePatient();
    }

    private void read() {
        same(roche.read().resource(Patient.class).withId(PATIENT).execute().getNameFirstRep().getFamily(), "Doe");
    }

    private void search() {
        Bundle found = roche.search().forResource(Patient.class).where(Patient.RES_ID.exactly().code(PATIENT))
                .returnBundle(Bundle.class).execute();
        same(found.getEntry().stream().map(each -> each.getResource().getIdElement().getIdPart()).toList(),
                List.of(PATIENT));
    }

    private static String fresh() {
        return "F" + System.nanoTime();
    }

    /** What is made has the address of a record that can be read; of a message, that is its patient. */
    private void create() {
        Bundle message = message(null, "123456786");
        Patient patient = (Patient) message.getEntry().get(1).setFullUrl(null).getResource();
        patient.getIdentifierFirstRep().setValue(fresh());
        readable(roche.create().resource(message).execute(), "123456786");
        patient.getIdentifierFirstRep().setValue(fresh());
        patient.getTelecomFirstRep().setValue("123456787");
        readable(roche.create().resource(patient).execute(), "123456787");

        Practitioner practitioner = new Practitioner();
        practitioner.addIdentifier().setSystem("urn:oid:2.16.724.4.305").setValue(fresh());
        practitioner.addName().setFamily("Gil").addGiven("Luz");
        MethodOutcome made = roche.create().resource(practitioner).execute();
        same(made.getCreated(), true);
        practitioner.setActive(true).setId(made.getId().getIdPart());
        same(((Practitioner) roche.update().resource(practitioner).execute().getResource()).getActive(), true);
    }

    private void readable(MethodOutcome made, String telephone) {
        same(List.of(made.getCreated(), made.getId().getResourceType()), List.of(true, "Patient"));
        Patient read = roche.read().resource(Patient.class).withId(made.getId().getIdPart()).execute();
        same(read.getTelecomFirstRep().getValue(), telephone);
    }

    /** The Condition is contained in the patient, and comes back so. */
    private void updatePatient() {
        Condition condition = new Condition().setClinicalStatus(Condition.ConditionClinicalStatus.ACTIVE);
        condition.getCode().addCoding().setSystem("http://snomed.info/sct").setCode("46635009");
        condition.setSubject(new Reference("#")).setId("diabetes");
        Patient patient = (Patient) message(PATIENT, "123456788").getEntry().get(1).getResource();
        patient.addContained(condition);
        Patient updated = (Patient) roche.update().resource(patient).execute().getResource();
        same(updated.getTelecomFirstRep().getValue(), "123456788");
        same(((Condition) updated.getContained().get(0)).getCode().getCodingFirstRep().getCode(), "46635009");
    }

    private void conditionalUpdate() {
        Bundle answer = (Bundle) roche.update().resource(message(PATIENT, "123456785"))
                .conditional().where(Bundle.RES_ID.exactly().code(PATIENT)).execute().getResource();
        same(telephone(answer), "123456785");
    }

    private void message() {
        Bundle answer = roche.operation().processMessage().setMessageBundle(message(PATIENT, "123456781"))
                .synchronous(Bundle.class).execute();
        same(telephone(answer), "123456781");
    }

    private void validate() {
        Bundle wrong = message(PATIENT, "123456782");
        ((Patient) wrong.getEntry().get(1).getResource()).setName(null);
        OperationOutcome checked = (OperationOutcome) roche.validate().resource(wrong).execute().getOperationOutcome();
        same(expressions(checked), List.of("Bundle.entry[1].resource.name"));
    }

    private void batch() {
        Bundle batch = new Bundle().setType(Bundle.BundleType.BATCH);
        batch.addEntry().setResource(message(PATIENT, "123456783")).getRequest()
                .setMethod(Bundle.HTTPVerb.PUT).setUrl("Bundle/" + PATIENT);
        batch.addEntry().setResource(message("Unknown-404", "123456783")).getRequest()
                .setMethod(Bundle.HTTPVerb.PUT).setUrl("Bundle/Unknown-404");
        Bundle answer = roche.transaction().withBundle(batch).execute();
        same(answer.getEntry().stream().map(each -> each.getResponse().getStatus()).toList(),
                List.of("200 OK", "404 Not Found"));
        same(telephone((Bundle) answer.getEntryFirstRep().getResource()), "123456783");
    }

    private void error() throws Exception {
        Bundle wrong = message(PATIENT, "123456784");
        ((MessageHeader) wrong.getEntryFirstRep().getResource()).setTimestamp(null);
        InvalidRequestException refused = thrown(InvalidRequestException.class,
                () -> roche.update().resource(wrong).withId(PATIENT).execute());
        same(expressions((OperationOutcome) refused.getOperationOutcome()),
                List.of("Bundle.entry[0].resource.timestamp"));
        ResourceNotFoundException missing = thrown(ResourceNotFoundException.class, () -> roche.update()
                .resource(message("Unknown-404", "1")).withId(new IdType("Bundle", "Unknown-404")).execute());
        OperationOutcome outcome = (OperationOutcome) missing.getOperationOutcome();
        same(outcome.getIssueFirstRep().getCode().toCode(), "not-found");
    }

    private static List<String> expressions(OperationOutcome outcome) {
        return outcome.getIssue().stream().map(issue -> issue.getExpression().get(0).getValue()).toList();
    }
}
