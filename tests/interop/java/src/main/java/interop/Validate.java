package interop;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.SingleValidationMessage;
import ca.uhn.fhir.validation.ValidationOptions;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.stream.Stream;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.PrePopulatedValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.SnapshotGeneratingValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;

/**
 * Judges every resource of a folder by FHIR's own definitions and our profiles, with no terminology server.
 *
 * <p>Arguments: the folder of our profiles, the folder of the resources, and where the verdicts go. A resource is
 * {@code NAME.json}, in STU3 {@code NAME.stu3.json}. {@code _profiles.json} in its folder names, by file, the profile
 * that a resource must keep beside those that it names itself. The verdicts are one JSON object: file → list of
 * severity, location, message and id.
 */
public final class Validate {

    private static final ObjectMapper JSON = new ObjectMapper();

    private record Message(String severity, String location, String message, String id) {}

    private Validate() {}

    public static void main(String[] arguments) throws IOException {
        Path folder = Path.of(arguments[1]);
        Map<String, String> asked = asked(folder.resolve("_profiles.json"));
        FhirValidator r4 = validator(FhirContext.forR4Cached(), ours(Path.of(arguments[0])));
        FhirValidator stu3 = validator(FhirContext.forDstu3Cached(), new PrePopulatedValidationSupport(FhirContext.forDstu3Cached()));
        Map<String, List<Message>> verdicts = new ConcurrentSkipListMap<>();
        // What breaks off the evaluation of one rule is printed by HAPI, with its stack, and is an error all the same.
        PrintStream errors = System.err;
        System.setErr(new PrintStream(OutputStream.nullOutputStream()));
        try {
            resources(folder).parallelStream().forEach(file -> {
                String name = file.getFileName().toString();
                FhirValidator validator = name.endsWith(".stu3.json") ? stu3 : r4;
                verdicts.put(name, verdict(validator, text(file), asked.get(name)));
            });
        } finally {
            System.setErr(errors);
        }
        JSON.writerWithDefaultPrettyPrinter().writeValue(Path.of(arguments[2]).toFile(), verdicts);
    }

    private static Map<String, String> asked(Path file) throws IOException {
        return Files.exists(file) ? JSON.readValue(file.toFile(), new TypeReference<>() {}) : Map.of();
    }

    private static List<Path> resources(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(Validate::isResource).sorted().toList();
        }
    }

    private static boolean isResource(Path file) {
        String name = file.getFileName().toString();
        return name.endsWith(".json") && !name.startsWith("_");
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    private static PrePopulatedValidationSupport ours(Path profiles) throws IOException {
        FhirContext context = FhirContext.forR4Cached();
        PrePopulatedValidationSupport ours = new PrePopulatedValidationSupport(context);
        for (Path file : resources(profiles)) {
            ours.addResource(context.newJsonParser().parseResource(text(file)));
        }
        return ours;
    }

    private static FhirValidator validator(FhirContext context, PrePopulatedValidationSupport ours) {
        FhirInstanceValidator module = new FhirInstanceValidator(new ValidationSupportChain(
                new DefaultProfileValidationSupport(context),
                ours,
                new CommonCodeSystemsTerminologyService(context),
                new InMemoryTerminologyServerValidationSupport(context),
                new SnapshotGeneratingValidationSupport(context)));
        module.setAnyExtensionsAllowed(true);
        module.setErrorForUnknownProfiles(false); // a warning: what a client claims is no error of the resource
        return context.newValidator().registerValidatorModule(module);
    }

    private static List<Message> verdict(FhirValidator validator, String resource, String profile) {
        ValidationOptions options = new ValidationOptions();
        if (profile != null) {
            options.addProfile(profile);
        }
        try {
            return validator.validateWithResult(resource, options).getMessages().stream().map(Validate::message).toList();
        } catch (RuntimeException error) { // HAPI does not survive every resource: an empty resourceType, for one
            return List.of(new Message("fatal", null, error.toString(), "crashed"));
        }
    }

    private static Message message(SingleValidationMessage found) {
        String severity = found.getSeverity().getCode();
        return new Message(severity, found.getLocationString(), found.getMessage(), found.getMessageId());
    }
}
