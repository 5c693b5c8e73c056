import type { ErrorCode } from "@freshet/protocol";
import type { PayloadReader } from "../../schema/index.ts";

/** Why an id cannot be read by. */
export interface SchemaFault {
  readonly type: "fault";
  readonly code: ErrorCode;
  readonly message: string;
}

/** What the ids of a request stand for, resolved before accept. One that is missing could not be asked for. */
export interface SchemaTable {
  get(id: number): PayloadReader | SchemaFault | undefined;
}
