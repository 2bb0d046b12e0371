package interop;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.rest.api.EncodingEnum;
import ca.uhn.fhir.rest.client.api.IGenericClient;
import ca.uhn.fhir.rest.client.api.ServerValidationModeEnum;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Uses the bridge as applications with HAPI's client do. Arguments: the hub's URL and the folder of shared requests. */
public final class Clients {

    private Clients() {}

    public static void main(String[] arguments) throws IOException {
        FhirContext r4 = FhirContext.forR4();
        FhirContext dstu3 = FhirContext.forDstu3();
        String base = arguments[0];
        String message = Files.readString(Path.of(arguments[1], "message.json"));
        for (EncodingEnum encoding : new EncodingEnum[] {EncodingEnum.JSON, EncodingEnum.XML}) {
            new R4Client(r4, url -> client(r4, base + url, encoding), message).use(new Report("R4, " + encoding));
            new Stu3Client(client(dstu3, base + "/roche", encoding)).use(new Report("DSTU3, " + encoding));
        }
    }

    /** Returns a client that reads the CapabilityStatement before its first call, and refuses another FHIR version. */
    private static IGenericClient client(FhirContext context, String base, EncodingEnum encoding) {
        context.getRestfulClientFactory().setServerValidationMode(ServerValidationModeEnum.ONCE);
        IGenericClient client = context.newRestfulGenericClient(base);
        client.setEncoding(encoding);
        return client;
    }
}
