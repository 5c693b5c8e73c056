import type { RegistryErrorName, SchemaJob, SchemaJobAnswers } from "../../core/registry/index.ts";

/** What the thread says: that it can begin, or what became of the one job that it has. */
export type ThreadMessage =
  | { readonly kind: "ready" }
  | { readonly kind: "done"; readonly answer: SchemaJobAnswers[SchemaJob["kind"]] }
  | { readonly kind: "refused"; readonly name: RegistryErrorName; readonly message: string }
  /** A bug of ours. */
  | { readonly kind: "failed"; readonly message: string };
