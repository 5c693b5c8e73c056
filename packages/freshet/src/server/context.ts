import type { HeardMetrics } from "../telemetry/index.ts";
import type { AcceptState } from "./accept-state.ts";
import type { Keys } from "./auth.ts";
import type { Gate } from "./gate.ts";
import type { LetterRunner } from "./letter/runner.ts";
import type { ServerLimits } from "./limits.ts";
import type { ServerOptions } from "./options.ts";
import type { Schemas } from "./schemas.ts";
import type { SocketHub } from "./socket/hub.ts";
import type { Tokens } from "./token.ts";

/** What routes of capture are given, whichever thread they run in. */
export interface CaptureContext
  extends Pick<
    ServerContext,
    | "sources"
    | "schemas"
    | "clock"
    | "randomId"
    | "logger"
    | "limits"
    | "acceptState"
    | "gate"
    | "isStopping"
  > {
  readonly engine: Pick<ServerContext["engine"], "append">;
  readonly metrics: HeardMetrics;
}

/** What every route is given. */
export interface ServerContext extends Omit<ServerOptions, "limits"> {
  readonly limits: ServerLimits;
  readonly acceptState: AcceptState;
  readonly gate: Gate;
  readonly schemas: Schemas;
  readonly letters: LetterRunner;
  readonly keys: Keys;
  readonly tokens: Tokens;
  readonly sockets: SocketHub;
  isStopping(): boolean;
}
