import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.segment.analytics.Analytics;
import com.segment.analytics.Callback;
import com.segment.analytics.messages.AliasMessage;
import com.segment.analytics.messages.GroupMessage;
import com.segment.analytics.messages.IdentifyMessage;
import com.segment.analytics.messages.Message;
import com.segment.analytics.messages.MessageBuilder;
import com.segment.analytics.messages.PageMessage;
import com.segment.analytics.messages.ScreenMessage;
import com.segment.analytics.messages.TrackMessage;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import okhttp3.OkHttpClient;

/** Segment's client for Java, driven by lines of JSON: a call each, and "flush", which is answered with an account. */
public class Drive {
  private static final Gson gson = new Gson();
  private final List<String> delivered = new ArrayList<>();
  private final List<String> failed = new ArrayList<>();
  private int sent = 0;

  public static void main(String[] args) throws Exception {
    new Drive().run(JsonParser.parseString(args[0]).getAsJsonObject());
  }

  private void run(JsonObject options) throws Exception {
    OkHttpClient http = new OkHttpClient.Builder()
        .readTimeout(options.get("timeoutMs").getAsLong(), TimeUnit.MILLISECONDS)
        .build();
    Analytics analytics = Analytics.builder(options.get("writeKey").getAsString())
        .endpoint(options.get("url").getAsString())
        .client(http)
        .callback(account())
        .build();
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      JsonElement command = JsonParser.parseString(line);
      if (command.isJsonObject()) {
        analytics.enqueue(messageOf(command.getAsJsonObject()));
        sent++;
      } else {
        analytics.flush();
        System.out.println(gson.toJson(settled()));
      }
    }
    analytics.shutdown();
    System.exit(0);
  }

  private Callback account() {
    return new Callback() {
      public void success(Message message) {
        note(delivered, message);
      }

      public void failure(Message message, Throwable error) {
        System.err.println("gave up: " + error);
        note(failed, message);
      }
    };
  }

  private synchronized void note(List<String> list, Message message) {
    list.add(message.messageId());
    notifyAll();
  }

  private synchronized Map<String, List<String>> settled() throws InterruptedException {
    while (delivered.size() + failed.size() < sent) wait();
    return Map.of("delivered", List.copyOf(delivered), "failed", List.copyOf(failed));
  }

  private static MessageBuilder<?, ?> messageOf(JsonObject call) {
    MessageBuilder<?, ?> builder = typed(call);
    if (call.has("userId")) builder.userId(text(call, "userId"));
    if (call.has("anonymousId")) builder.anonymousId(text(call, "anonymousId"));
    if (call.has("timestamp")) builder.timestamp(Date.from(Instant.parse(text(call, "timestamp"))));
    return builder;
  }

  private static MessageBuilder<?, ?> typed(JsonObject call) {
    switch (text(call, "type")) {
      case "track":
        return TrackMessage.builder(text(call, "event")).properties(map(call, "properties"));
      case "identify":
        return IdentifyMessage.builder().traits(map(call, "traits"));
      case "page":
        return PageMessage.builder(text(call, "name")).properties(map(call, "properties"));
      case "screen":
        return ScreenMessage.builder(text(call, "name")).properties(map(call, "properties"));
      case "group":
        return GroupMessage.builder(text(call, "groupId")).traits(map(call, "traits"));
      case "alias":
        return AliasMessage.builder(text(call, "previousId"));
      default:
        throw new IllegalArgumentException(call.toString());
    }
  }

  private static String text(JsonObject call, String field) {
    return call.get(field).getAsString();
  }

  @SuppressWarnings("unchecked")
  private static Map<String, Object> map(JsonObject call, String field) {
    return call.has(field) ? gson.fromJson(call.get(field), Map.class) : Map.of();
  }
}
