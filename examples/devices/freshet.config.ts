import { defineConfig } from "freshet";
import { column, constant } from "freshet/plan";

// snippet: mqtt
export default defineConfig({
  plan: "./plan.ts",
  mqtt: [
    {
      name: "house",
      url: process.env.MQTT_URL ?? "mqtt://127.0.0.1:1883",
      username: process.env.MQTT_USERNAME,
      password: process.env.MQTT_PASSWORD,
      topics: [
        // Events as POST /v1/events takes them, or as a Segment SDK sends them.
        { filter: "house/+anonymousId/events" },
        { filter: "house/+anonymousId/segment", format: "segment" },
        // A bare number, such as 21.5: the topic says whose it is, and which room.
        {
          filter: "house/+anonymousId/+room/temperature",
          format: {
            payload: "number",
            event: constant("Temperature Measured"),
            properties: { celsius: column("payload") },
          },
        },
      ],
    },
  ],
});
// end snippet
