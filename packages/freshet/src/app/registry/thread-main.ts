/** What runs on the registry's thread (`thread.ts`): one job after another, as they come. */
import { parentPort } from "node:worker_threads";
import { doSchemaJob, RegistryError, type SchemaJob } from "../../core/registry/index.ts";
import type { ThreadMessage } from "./thread-message.ts";
import { createSchemaTypes } from "./types.ts";

const types = createSchemaTypes();

function outcomeOf(job: SchemaJob): ThreadMessage {
  try {
    return { kind: "done", answer: doSchemaJob(types, job) };
  } catch (error) {
    if (error instanceof RegistryError)
      return { kind: "refused", name: error.kind, message: error.message };
    return {
      kind: "failed",
      message: error instanceof Error ? (error.stack ?? error.message) : String(error),
    };
  }
}

if (parentPort !== null) {
  const port = parentPort;
  port.on("message", (job: SchemaJob) => port.postMessage(outcomeOf(job)));
  port.postMessage({ kind: "ready" } satisfies ThreadMessage);
}
