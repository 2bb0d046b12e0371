package interop;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.hl7.fhir.convertors.factory.VersionConvertorFactory_30_40;
import org.hl7.fhir.exceptions.FHIRException;

/**
 * Converts resources between STU3 and R4.
 *
 * <p>Arguments: a file with one resource a line, after the version that it is in ({@code 3.0 {...}}), and where the
 * converted ones go, one a line; a line is empty where HAPI does not convert the resource.
 */
public final class Convert {

    private Convert() {}

    public static void main(String[] arguments) throws IOException {
        List<String> converted = Files.readAllLines(Path.of(arguments[0])).stream().map(Convert::converted).toList();
        Files.write(Path.of(arguments[1]), converted);
    }

    private static String converted(String line) {
        String resource = line.substring(4);
        try {
            return line.startsWith("3.0") ? inR4(resource) : inStu3(resource);
        } catch (IOException | FHIRException | Error unable) { // HAPI throws Error, too, for what it has not written
            return "";
        }
    }

    private static String inR4(String resource) throws IOException {
        var stu3 = new org.hl7.fhir.dstu3.formats.JsonParser().parse(resource);
        return new org.hl7.fhir.r4.formats.JsonParser().composeString(VersionConvertorFactory_30_40.convertResource(stu3));
    }

    private static String inStu3(String resource) throws IOException {
        var r4 = new org.hl7.fhir.r4.formats.JsonParser().parse(resource);
        return new org.hl7.fhir.dstu3.formats.JsonParser().composeString(VersionConvertorFactory_30_40.convertResource(r4));
    }
}
