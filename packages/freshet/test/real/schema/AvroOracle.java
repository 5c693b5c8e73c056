import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.stream.Collectors;
import org.apache.avro.Schema;
import org.apache.avro.SchemaCompatibility;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;

/** Answers a line for each line: `C reader writer` or `R reader writer hex`, parted by tabs. */
public class AvroOracle {
  public static void main(String[] args) throws Exception {
    var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    var out = new StringBuilder();
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String answer;
      try {
        answer = answer(line.split("\t"));
      } catch (Exception | StackOverflowError e) {
        answer = "ERROR " + e.getClass().getSimpleName() + " " + String.valueOf(e.getMessage()).replaceAll("\\s+", " ");
      }
      out.append(answer).append('\n');
    }
    System.out.write(out.toString().getBytes(StandardCharsets.UTF_8));
    System.out.flush();
  }

  static String answer(String[] parts) throws Exception {
    Schema reader = new Schema.Parser().parse(parts[1]);
    Schema writer = new Schema.Parser().parse(parts[2]);
    if (parts[0].equals("C")) {
      var result = SchemaCompatibility.checkReaderWriterCompatibility(reader, writer).getResult();
      if (result.getIncompatibilities().isEmpty()) return "OK";
      return result.getIncompatibilities().stream()
          .map(one -> one.getType() + "@" + one.getLocation())
          .collect(Collectors.joining(","));
    }
    byte[] bytes = HexFormat.of().parseHex(parts.length > 3 ? parts[3] : "");
    var read = new GenericDatumReader<Object>(writer, reader)
        .read(null, DecoderFactory.get().binaryDecoder(bytes, null));
    var stream = new ByteArrayOutputStream();
    BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(stream, null);
    new GenericDatumWriter<Object>(reader).write(read, encoder);
    encoder.flush();
    return HexFormat.of().formatHex(stream.toByteArray());
  }
}
