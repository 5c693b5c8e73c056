/**
 * Has the log write events in the format of the configuration, with a schema made for the plan in force.
 *
 * - S1 The schema is registered where others look schemas up, and the log takes the id that it has there. Where the
 *   registry gives none, the log takes an id of its own, which no registry gives: nothing waits for a registry.
 * - S2 What the log has once is not asked for again: later starts need no registry.
 * - S3 Until a schema is on disk, events are written as they were before, and where it cannot be written they stay so.
 */
import type { FormattedLog } from "../../adapters/log/formatted-log.ts";
import type { CompactFormat } from "../../adapters/log/payload/codec.ts";
import { layoutOf } from "../../adapters/log/payload/event-layout.ts";
import { isSameSchema, type SchemaOfLog } from "../../adapters/log/payload/schema-row.ts";
import { schemaText } from "../../adapters/log/payload/schema-text.ts";
import type { PlanDefinition } from "../../core/plan/definition.ts";
import type { SchemaTypeName } from "../../core/registry/schema.ts";
import type { OpenRegistry } from "../registry/open.ts";
import type { LogFormat } from "./config.ts";

/** Subject of the log's schemas in the registry, named as Kafka's clients name that of a topic's values. */
export const logSubject = "freshet.log-value";

const schemaTypes: { readonly [format in CompactFormat]: SchemaTypeName } = {
  avro: "AVRO",
  protobuf: "PROTOBUF",
};

export interface LogFormatterOptions {
  readonly log: FormattedLog;
  readonly format: LogFormat;
  readonly registry: Pick<OpenRegistry, "schemas" | "embedded">;
  readonly warn: (message: string) => void;
}

export class LogFormatter {
  readonly #options: LogFormatterOptions;
  #running: Promise<void> = Promise.resolve();

  constructor(options: LogFormatterOptions) {
    this.#options = options;
  }

  /**
   * For a plan that comes into force. Resolves once events are written so; with a registry outside at once, because it
   * may take its time to answer.
   */
  use(plan: Pick<PlanDefinition, "events" | "joins" | "tables">): Promise<void> {
    const { format, registry } = this.#options;
    if (format === "json") return Promise.resolve();
    const schema = { format, layout: layoutOf(plan) };
    this.#running = this.#running.then(() => this.#write(schema));
    return registry.embedded === undefined ? Promise.resolve() : this.#running;
  }

  async #write(schema: SchemaOfLog): Promise<void> {
    const { log, warn } = this.#options;
    try {
      const isKnown = log.schemas().some((one) => isSameSchema(one, schema));
      const id = isKnown ? undefined : await this.#register(schema);
      await log.writeEventsAs(id === undefined ? schema : { ...schema, id });
    } catch (error) {
      warn(`events are not written as ${schema.format} with a schema of this plan: ${why(error)}`);
    }
  }

  /** The id in the registry; undefined where it gives none. */
  async #register({ format, layout }: SchemaOfLog): Promise<number | undefined> {
    const { registry, warn } = this.#options;
    try {
      await this.#acceptAnyVersion();
      return await registry.schemas.register(logSubject, {
        schemaType: schemaTypes[format],
        schema: schemaText(format, layout),
        references: [],
      });
    } catch (error) {
      warn(
        `the log's schema is not in the registry, and has an id of the log's own: ${why(error)}`,
      );
      return undefined;
    }
  }

  /** Each record names its schema, so that a version need not read what others wrote. What was set by hand stays. */
  async #acceptAnyVersion(): Promise<void> {
    const { embedded } = this.#options.registry;
    if (embedded === undefined || embedded.state.configs.has(logSubject)) return;
    const config = { compatibilityLevel: "NONE" } as const;
    await embedded.execute({ kind: "setConfig", subject: logSubject, config });
  }

  /** Resolves when nothing is asked or written any more. */
  close(): Promise<void> {
    return this.#running;
  }
}

function why(error: unknown): string {
  return error instanceof Error ? error.message.slice(0, messageCharsMax) : String(error);
}

/** The registry quotes the earlier schema, whole. */
const messageCharsMax = 300;
