package interop;

import ca.uhn.fhir.util.VersionUtil;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/** Prints one line of JSON for each capability of one client that was tried. */
final class Report {

    /** What a client does; it throws where the answer is not the right one. */
    interface Use {
        void run() throws Exception;
    }

    private static final ObjectMapper JSON = new ObjectMapper();

    private final String client;

    /** Reports on HAPI's client for one FHIR version and format, as in {@code R4, JSON}. */
    Report(String what) {
        this.client = "HAPI FHIR " + VersionUtil.getVersion() + " client, " + what;
    }

    /** Reports that {@code use} worked, or what it threw; {@code how} says what is worth knowing. */
    void trying(String capability, String how, Use use) {
        try {
            use.run();
            print(capability, true, how);
        } catch (Exception | AssertionError error) {
            print(capability, false, error.getClass().getSimpleName() + ": " + error.getMessage());
        }
    }

    /** Reports what the client has no way to do. */
    void cannot(String capability, String why) {
        print(capability, null, why);
    }

    private void print(String capability, Boolean worked, String why) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("client", client);
        line.put("capability", capability);
        line.put("worked", worked);
        line.put("why", why);
        try {
            System.out.println(JSON.writeValueAsString(line));
        } catch (JsonProcessingException error) {
            throw new IllegalStateException(error);
        }
    }

    /** Throws where the two differ. */
    static void same(Object found, Object expected) {
        if (!Objects.equals(found, expected)) {
            throw new AssertionError(found + " is not " + expected);
        }
    }

    /** Returns what {@code use} throws, which must be of this class itself. */
    static <T extends Exception> T thrown(Class<T> kind, Use use) throws Exception {
        try {
            use.run();
        } catch (Exception error) {
            if (error.getClass() == kind) {
                return kind.cast(error);
            }
            throw error;
        }
        throw new AssertionError("it threw no " + kind.getSimpleName());
    }
}
