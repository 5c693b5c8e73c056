import type { Json, JsonObject } from "@freshet/protocol";
import type { Expression } from "../expression/type.ts";
import type { FeatureOptions, FeatureWindow } from "../feature/type.ts";

/** A plan as data: what `freshet plan --json` prints, what is hashed, stored in the manifest and compiled. */
export interface PlanDefinition {
  readonly name: string;
  readonly events: readonly EventDefinition[];
  readonly tables: readonly TableDefinition[];
  readonly joins: readonly JoinDefinition[];
  readonly filters: readonly FilterDefinition[];
  readonly features: readonly FeatureDefinition[];
  readonly segments: readonly SegmentDefinition[];
  readonly triggers: readonly TriggerDefinition[];
  readonly placements: readonly PlacementDefinition[];
  readonly imports: readonly ImportDefinition[];
  /** Inactivity that ends a session, in milliseconds. */
  readonly sessionGapMs: number;
  /** Custom TypeScript functions by name -> hash of their source text. The code is in the bundle. */
  readonly functions: { readonly [name: string]: string };
}

/** What a property may be. `any` is not checked. A `?` at the end makes it optional in the builders. */
export type PropertyKind = "string" | "number" | "integer" | "boolean" | "list" | "object" | "any";

export interface PropertyDefinition {
  readonly kind: PropertyKind;
  readonly optional: boolean;
}

export interface EventDefinition {
  readonly name: string;
  /** What the plan says of the properties; derived where a schema says it (`derive.ts`). */
  readonly properties: { readonly [name: string]: PropertyDefinition };
  /** The schema that declares the event, instead of `properties`. */
  readonly schema?: SchemaDefinition;
  /** The version that `properties` and `schema` are of; 1 unless said. */
  readonly version?: number;
  /** Versions that still come, or are in the log, oldest first. */
  readonly earlier?: readonly EarlierVersionDefinition[];
}

export const schemaLanguages = ["JSON", "AVRO", "PROTOBUF"] as const;
export type SchemaLanguage = (typeof schemaLanguages)[number];

/** A schema of an event's properties (traits for `Identify`), as its text. */
export interface SchemaDefinition {
  readonly language: SchemaLanguage;
  readonly text: string;
  /** Protobuf: full name of the message, with or without the package; the file's first unless said. */
  readonly message?: string;
}

export interface EarlierVersionDefinition {
  readonly version: number;
  readonly properties: { readonly [name: string]: PropertyDefinition };
  readonly schema?: SchemaDefinition;
  /** What makes its properties those of the next version that the event lists. */
  readonly upCast: readonly UpCastStep[];
}

/** Properties are named by paths, as in expressions: "price", "cart.total". */
export type UpCastStep =
  | { readonly op: "rename"; readonly from: string; readonly to: string }
  /** Where there is nothing, or null. */
  | { readonly op: "default"; readonly property: string; readonly value: Json }
  | { readonly op: "drop"; readonly property: string }
  /** Sees what the steps before it made; null takes the property away. */
  | { readonly op: "compute"; readonly property: string; readonly value: Expression }
  /** Names a function of the plan: (event) -> its properties. Pure; an exception makes a dead letter. */
  | { readonly op: "run"; readonly function: string };

export interface TableDefinition {
  readonly name: string;
  /** Column that is looked up by. */
  readonly key: string;
  readonly columns: { readonly [name: string]: PropertyDefinition };
  /** JSON (array of rows), JSONL or CSV file, relative to the plan's file; reloaded when it changes. */
  readonly file?: string;
  /** Rows given in the plan itself. */
  readonly rows?: readonly JsonObject[];
}

/** Accept looks the row up and writes the picked columns into the event. */
export interface JoinDefinition {
  readonly table: string;
  readonly events: readonly string[];
  readonly on: Expression;
  readonly pick: readonly string[];
}

/** Keep or change events before features see them. `where` is data; `transform` names a function. */
export interface FilterDefinition {
  readonly name: string;
  readonly events: readonly string[] | "all";
  /** Events for which this is false are applied with outcome `filtered`. */
  readonly where?: Expression;
  /** (event) -> new properties, or null to filter it out. Pure; an exception makes a dead letter. */
  readonly transform?: string;
}

/** Which events, and which of those. */
export interface Selection {
  readonly event: string;
  readonly where?: Expression;
  /** Value of this event for the feature; absent for counts. */
  readonly value?: Expression;
}

export interface FeatureDefinition {
  readonly name: string;
  /** Name of a row of the feature type table. */
  readonly type: string;
  /** One group, or two for a ratio: numerator, denominator. */
  readonly inputs: readonly (readonly Selection[])[];
  /** Kept apart for each value of this expression. */
  readonly by?: Expression;
  readonly window: FeatureWindow;
  readonly options: FeatureOptions;
  /** Which key it is kept under: the profile, or an entity (item, category, all). */
  readonly of: "profile" | EntityKey;
}

/** Features of another key than the profile: popularity of items and the like (DESIGN E5). */
export interface EntityKey {
  readonly entity: string;
  /** Key within the entity; events for which it is null do not contribute. */
  readonly key: Expression;
}

export interface SegmentDefinition {
  readonly name: string;
  readonly when: Expression;
}

export interface TriggerDefinition {
  readonly name: string;
  readonly on:
    | { readonly kind: "event"; readonly selections: readonly Selection[] }
    | { readonly kind: "entered" | "left"; readonly segment: string };
  /** Over the profile after the event, and the event itself. */
  readonly when?: Expression;
  /** Not again within this time, in milliseconds; 0 = each time. */
  readonly cooldownMs: number;
  /** Also on entries and exits that come from linking two identifiers (DESIGN 6). */
  readonly onLink: boolean;
  readonly actions: readonly ActionDefinition[];
}

export type ActionDefinition =
  /** To a destination of the configuration, through the outbox. */
  | {
      readonly kind: "send";
      readonly destination: string;
      readonly fields: { readonly [name: string]: Expression };
    }
  /** To the open pages of the profile, at once and provisional. */
  | {
      readonly kind: "push";
      readonly topic: string;
      readonly fields: { readonly [name: string]: Expression };
    };

export interface PlacementDefinition {
  readonly name: string;
  /** The first eligible one wins, in this order. */
  readonly variants: readonly VariantDefinition[];
  /** Shown when no variant is eligible. */
  readonly fallback: JsonObject;
  /** Lists of items to fill the placement with. */
  readonly items?: ItemsDefinition;
}

export interface VariantDefinition {
  readonly name: string;
  readonly when: Expression;
  /** Texts may hold {{name}} of `fields`. */
  readonly content: JsonObject;
  readonly fields: { readonly [name: string]: Expression };
}

/** Candidates from several sources in order, without doubles and exclusions, filled up to `count`. */
export interface ItemsDefinition {
  readonly count: number;
  readonly table: string;
  readonly from: readonly ItemSource[];
  /** Features that read as lists of item ids that must not be shown. */
  readonly exclude: readonly string[];
}

export type ItemSource =
  /** A list feature of the profile: recently viewed. */
  | { readonly kind: "profile"; readonly feature: string; readonly reason: string }
  /** A list feature of an entity, its key taken from the profile: popular in the favourite category. */
  | {
      readonly kind: "entity";
      readonly entity: string;
      readonly feature: string;
      readonly key: Expression;
      readonly reason: string;
    };

/** How rows of a file become events (`freshet import`). Expressions see the row as `prop`. */
export interface ImportDefinition {
  readonly name: string;
  readonly event: Expression;
  readonly userId?: Expression;
  readonly anonymousId?: Expression;
  /** Anonymous id of a row that has neither of the two. With both of them a row would link them. */
  readonly fallbackAnonymousId?: Expression;
  /** Column with the time; texts without a zone are read in UTC. */
  readonly time: Expression;
  readonly properties: { readonly [name: string]: Expression };
  /** Columns to read as numbers; everything else stays text. */
  readonly numbers: readonly string[];
  /** Rows for which this is false are skipped and counted. */
  readonly where?: Expression;
}
