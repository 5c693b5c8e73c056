import type { JsonObject } from "@freshet/protocol";

/** A reference table as it is in force. */
export interface TableVersion {
  readonly version: number;
  readonly rows: readonly JsonObject[];
}
