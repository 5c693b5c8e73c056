import { captureRoutes } from "./capture.ts";
import { deadLetterRoutes } from "./dead-letter.ts";
import { decideRoutes } from "./decide.ts";
import { effectRoutes } from "./effect.ts";
import { eventRoutes } from "./event.ts";
import { healthRoutes } from "./health.ts";
import { historyRoutes } from "./history.ts";
import { metricsRoutes } from "./metrics.ts";
import { planRoutes } from "./plan.ts";
import { profileRoutes } from "./profile.ts";
import type { RouteFamily } from "./route.ts";
import { settingsRoutes } from "./settings.ts";
import { streamRoutes } from "./stream.ts";
import { telemetryRoutes } from "./telemetry.ts";
import { tokenRoutes } from "./token.ts";

/** Every endpoint there is, one family a line. */
export const routeFamilies: readonly RouteFamily[] = [
  captureRoutes,
  telemetryRoutes,
  settingsRoutes,
  decideRoutes,
  profileRoutes,
  eventRoutes,
  deadLetterRoutes,
  effectRoutes,
  historyRoutes,
  tokenRoutes,
  streamRoutes,
  planRoutes,
  healthRoutes,
  metricsRoutes,
];
