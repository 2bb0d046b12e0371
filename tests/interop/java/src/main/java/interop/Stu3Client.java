package interop;

import static interop.Report.same;
import static interop.Report.thrown;

import ca.uhn.fhir.rest.client.api.IGenericClient;
import ca.uhn.fhir.rest.server.exceptions.InvalidRequestException;
import ca.uhn.fhir.rest.server.exceptions.ResourceNotFoundException;
import java.util.Date;
import java.util.List;
import org.hl7.fhir.dstu3.model.Bundle;
import org.hl7.fhir.dstu3.model.CapabilityStatement;
import org.hl7.fhir.dstu3.model.Coding;
import org.hl7.fhir.dstu3.model.ContactPoint.ContactPointSystem;
import org.hl7.fhir.dstu3.model.IdType;
import org.hl7.fhir.dstu3.model.MessageHeader;
import org.hl7.fhir.dstu3.model.OperationOutcome;
import org.hl7.fhir.dstu3.model.Patient;

/** HAPI's client for DSTU3 at Roche's base, which takes messages and nothing else. */
final class Stu3Client {

    private static final String PATIENT = "Bj6.1Lq-hvb-28";

    private final IGenericClient roche;

    Stu3Client(IGenericClient roche) {
        this.roche = roche;
    }

    void use(Report report) {
        report.trying("capability statement", "read before every first call, too", this::capabilities);
        for (String capability : List.of("read", "search", "patch", "operation")) {
            report.cannot(capability, "Roche takes messages only: its base offers nothing of the kind");
        }
        report.trying("update", "a Bundle, under its patient's id", this::update);
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
