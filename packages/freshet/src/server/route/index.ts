import { captureRoutes } from "./capture.ts";
import { deadLetterRoutes } from "./dead-letter.ts";
import { deadLetterActRoutes } from "./dead-letter-act.ts";
import { decideRoutes } from "./decide.ts";
import { effectRoutes } from "./effect.ts";
import { eventRoutes } from "./event.ts";
import { healthRoutes } from "./health.ts";
import { historyRoutes } from "./history.ts";
import { hookRoutes } from "./hook.ts";
import { metricsRoutes } from "./metrics.ts";
import { pixelRoutes } from "./pixel.ts";
import { planRoutes } from "./plan.ts";
import { profileRoutes } from "./profile.ts";
import { recentRoutes } from "./recent.ts";
import { registryCompatibilityRoutes } from "./registry/compatibility.ts";
import { registryConfigRoutes } from "./registry/config.ts";
import { registryContextRoutes } from "./registry/context.ts";
import { registryModeRoutes } from "./registry/mode.ts";
import { registrySchemaRoutes } from "./registry/schema.ts";
import { registrySubjectRoutes } from "./registry/subject.ts";
import type { RouteFamily } from "./route.ts";
import { rudderRoutes } from "./rudder.ts";
import { sdkRoutes } from "./sdk.ts";
import { settingsRoutes } from "./settings.ts";
import { socketRoutes } from "./socket.ts";
import { streamRoutes } from "./stream.ts";
import { telemetryRoutes } from "./telemetry.ts";
import { tokenRoutes } from "./token.ts";

/** Every endpoint there is, one family a line. */
export const routeFamilies: readonly RouteFamily[] = [
  captureRoutes,
  pixelRoutes,
  hookRoutes,
  socketRoutes,
  telemetryRoutes,
  settingsRoutes,
  rudderRoutes,
  decideRoutes,
  profileRoutes,
  eventRoutes,
  recentRoutes,
  deadLetterRoutes,
  deadLetterActRoutes,
  effectRoutes,
  historyRoutes,
  tokenRoutes,
  streamRoutes,
  sdkRoutes,
  planRoutes,
  healthRoutes,
  metricsRoutes,
  registrySubjectRoutes,
  registrySchemaRoutes,
  registryCompatibilityRoutes,
  registryConfigRoutes,
  registryModeRoutes,
  registryContextRoutes,
];
