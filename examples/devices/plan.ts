/** What sensors of houses tell: how warm each room is, and when doors open. */
import { count, definePlan, event, gte, last, max, segment } from "freshet/plan";

const measured = event("Temperature Measured", { celsius: "number", room: "string?" });
const opened = event("Door Opened", { door: "string?" });

const readings = count("readings", measured);
const celsius = last("celsius", measured, measured.prop.celsius);
const warmest = max("warmest", measured, measured.prop.celsius);
const openings = count("openings", opened);

export default definePlan({
  name: "devices",
  events: [measured, opened],
  features: [readings, celsius, warmest, openings],
  segments: [segment("overheated", gte(celsius, 40))],
});
