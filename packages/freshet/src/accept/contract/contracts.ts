import { FreshetError, type JsonObject } from "@freshet/protocol";
import type { AcceptedEvent } from "../../core/event.ts";
import { contractName, type EventVersion, versionsOf } from "../../core/plan/contract.ts";
import type { EventDefinition } from "../../core/plan/definition.ts";
import { originOf, PlanError } from "../../core/plan/error.ts";
import type { Plan } from "../../core/plan/plan.ts";
import { compileUpCasts, type UpCaster } from "../../core/up-cast.ts";
import { type Issue, pointer } from "../issue.ts";
import type { ContentBreach, ContractCheck } from "./check.ts";
import { checkNames } from "./names.ts";
import type { Verdict } from "./policy.ts";
import { schemaCheck } from "./schema.ts";
import { shapeCheck } from "./shape.ts";

/** The contracts of a plan, compiled. */
export interface Contracts {
  judge(event: Judged): Judgement;
  /** An event as the newest version has it, for what accept works out of it; itself where an up-cast fails. */
  newest(event: AcceptedEvent): AcceptedEvent;
}

export interface Judged {
  readonly name: string;
  /** The event's properties; traits for Identify and Group. */
  readonly content: JsonObject;
  /** Name under which the client sent the content. */
  readonly field: string;
  /** The version that the event says it is of. */
  readonly said: number | undefined;
}

/**
 * What an event is, by the plan. Its version is the one that it says, else the newest whose contract it meets, else the
 * newest; so that the same event under the same plan is always of the same version.
 */
export type Judgement =
  | {
      readonly kind: "met";
      readonly version: number;
      readonly label: ContractLabel;
      /** The same for each such event, and most are. */
      readonly verdict: Verdict;
    }
  | {
      readonly kind: "broken";
      readonly version: number;
      readonly label: ContractLabel;
      readonly issue: Issue;
    }
  /** It says a version that the plan does not list; no schema is there to hold it against. */
  | { readonly kind: "versionUnknown"; readonly version: number; readonly label: ContractLabel }
  /** The plan does not name it. */
  | { readonly kind: "eventUnknown"; readonly version: number };

/** Made once for each contract: what counts are kept by. */
export interface ContractLabel {
  readonly key: string;
  readonly event: string;
  readonly version: string;
}

export function contractLabel(event: string, version: string): ContractLabel {
  return { key: `${event}\n${version}`, event, version };
}

export function compileContracts(
  events: readonly EventDefinition[],
  functions: Plan["functions"] = {},
): Contracts {
  const byName = new Map(events.map((event) => [event.name, contractOf(event)]));
  const upCasts = new Map(
    events.map((event) => [event.name, compileUpCasts(event, functions)] as const),
  );
  return {
    judge(event) {
      const contract = byName.get(event.name);
      if (contract === undefined) return eventUnknown(event.said);
      return judge(event, contract);
    },
    newest: (event) => upCasted(event, upCasts.get(event.name)),
  };
}

/** The reducer does the same again, and makes a dead letter of an event whose up-cast fails. */
function upCasted(event: AcceptedEvent, upCasts: UpCaster | undefined): AcceptedEvent {
  if (upCasts === undefined) return event;
  const casted = upCasts.upCast(event);
  return "failure" in casted ? event : casted.event;
}

function eventUnknown(said: number | undefined): Judgement {
  return said === undefined ? unversioned : { kind: "eventUnknown", version: said };
}

const unversioned: Judgement = { kind: "eventUnknown", version: 1 };

interface Contract {
  /** Newest first, since most events are of that one. */
  readonly versions: readonly CompiledVersion[];
  readonly newest: CompiledVersion;
  /** Counts what no version of the plan is. */
  readonly otherLabel: ContractLabel;
}

interface CompiledVersion {
  readonly version: number;
  readonly check: ContractCheck;
  readonly met: Judgement;
  readonly label: ContractLabel;
  readonly schema: string;
  /** How messages name the event. */
  readonly title: string;
}

/** Compiled once for each definition: when the plan is loaded, and not again for every way in. */
const compiled = new WeakMap<EventDefinition, Contract>();

function contractOf(event: EventDefinition): Contract {
  const known = compiled.get(event);
  if (known !== undefined) return known;
  const versions = versionsOf(event)
    .map((version) => compileVersion(event, version))
    .reverse();
  const [newest] = versions;
  if (newest === undefined) throw new Error("an event has at least one version");
  const contract = { versions, newest, otherLabel: contractLabel(event.name, "other") };
  compiled.set(event, contract);
  return contract;
}

function compileVersion(event: EventDefinition, one: EventVersion): CompiledVersion {
  const { name } = event;
  const { version } = one;
  const label = contractLabel(name, String(version));
  return {
    version,
    check: checkOf(event, one),
    met: { kind: "met", version, label, verdict: { kind: "taken", version } },
    label,
    schema: contractName(name, version),
    title:
      event.earlier === undefined && version === 1
        ? `event "${name}"`
        : `event "${name}" (version ${version})`,
  };
}

function checkOf(event: EventDefinition, { schema, properties, version }: EventVersion) {
  if (schema === undefined) return shapeCheck(properties);
  try {
    return schemaCheck(schema);
  } catch (error) {
    if (!(error instanceof FreshetError)) throw error;
    throw new PlanError(
      `the ${languageNames[schema.language]} of event "${event.name}" (version ${version}) cannot be used: ${error.message}`,
      "mend the schema; docs/guides/contracts.md says what a plan takes",
      originOf(schema) ?? originOf(event),
    );
  }
}

const languageNames = {
  JSON: "JSON Schema",
  AVRO: "Avro schema",
  PROTOBUF: "Protobuf schema",
} as const;

/** Throws PlanError at the schema that cannot be used: asked when a plan is loaded, before anything comes. */
export function checkContracts({ definition }: Plan): void {
  const contracts = new Map(definition.events.map((event) => [event.name, contractOf(event)]));
  checkNames(definition, (event) => contracts.get(event)?.newest.check.names);
}

function judge(event: Judged, contract: Contract): Judgement {
  const { said, content } = event;
  if (said !== undefined) {
    const named = contract.versions.find(({ version }) => version === said);
    if (named === undefined)
      return { kind: "versionUnknown", version: said, label: contract.otherLabel };
    return named.check.meets(content) ? named.met : broken(event, named);
  }
  for (const version of contract.versions) if (version.check.meets(content)) return version.met;
  return broken(event, contract.newest);
}

/** Breaches that a message spells out; the rest is counted. */
const toldMax = 3;

function broken({ content, field }: Judged, version: CompiledVersion): Judgement {
  const breaches = version.check.breaches(content);
  const { title, schema, label } = version;
  const issue: Issue = {
    code: "contractViolated",
    schema,
    message: `${title}: ${listed(breaches, ({ told }) => told)}`,
    bare: `${title}: ${listed(breaches, ({ bare }) => bare)}`,
    path: pointer([field, ...(breaches[0]?.keys ?? [])]),
  };
  return { kind: "broken", version: version.version, label, issue };
}

function listed(breaches: readonly ContentBreach[], say: (one: ContentBreach) => string): string {
  if (breaches.length === 0) return "it is not of its schema";
  const more = breaches.length > toldMax ? `, and ${breaches.length - toldMax} more` : "";
  return breaches.slice(0, toldMax).map(say).join(", ") + more;
}
