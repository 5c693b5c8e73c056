import type { JsonObject } from "@freshet/protocol";
import type { VersionName } from "./name.ts";
import type { SchemaReference } from "./schema.ts";
import type { Mode, SubjectConfig } from "./settings.ts";

/** A schema as a client sends it; its shape has been checked, nothing else. */
export interface SchemaRequest {
  readonly schema: string;
  readonly schemaType: string;
  readonly references: readonly SchemaReference[];
  readonly metadata?: JsonObject;
  readonly ruleSet?: JsonObject;
  /** In mode IMPORT: the id and version that it has elsewhere. */
  readonly id?: number;
  readonly version?: number;
  /** Asked for by the request; the subject's configuration may ask for it as well. */
  readonly normalize: boolean;
}

/** Everything that changes the registry. Subjects are as `subjectOf` gives them. */
export type RegistryCommand =
  | { readonly kind: "register"; readonly subject: string; readonly request: SchemaRequest }
  | { readonly kind: "deleteSubject"; readonly subject: string; readonly isPermanent: boolean }
  | {
      readonly kind: "deleteVersion";
      readonly subject: string;
      readonly version: VersionName;
      readonly isPermanent: boolean;
    }
  | { readonly kind: "setConfig"; readonly subject: string; readonly config: SubjectConfig }
  | { readonly kind: "deleteConfig"; readonly subject: string }
  | {
      readonly kind: "setMode";
      readonly subject: string;
      readonly mode: Mode;
      readonly isForced: boolean;
    }
  | { readonly kind: "deleteMode"; readonly subject: string };
