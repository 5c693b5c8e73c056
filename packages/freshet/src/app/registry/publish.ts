/**
 * The contracts of the plan in force, in the schema registry, so that whoever reads events from elsewhere finds what
 * they are made of.
 *
 * - C1 versions of one event are registered in their order, again and again without harm (R3 of the port).
 * - C2 a registry that does not answer never holds up the pipe: the start goes on, and it is asked again, less and less
 *   often, until all of them are registered or another plan is in force.
 * - C3 a contract that the registry refuses is a warning; only with `require`, and only while somebody waits for the
 *   plan, it refuses the plan.
 */
import { contractName, type PlanContract, planContracts } from "../../core/plan/contract.ts";
import type { PlanDefinition } from "../../core/plan/definition.ts";
import { RegistryError, registryLimits, type SchemaContent } from "../../core/registry/index.ts";
import type { Clock } from "../../engine/port/clock.ts";
import { RegistryUnavailableError } from "../../engine/port/errors.ts";
import type { SchemaRegistry } from "../../engine/port/schema-registry.ts";
import type { Logger } from "../../telemetry/index.ts";
import { UsageError } from "../usage-error.ts";
import type { ContractConfig } from "./config.ts";
import { contractSubject } from "./contract-subject.ts";

export interface PublisherOptions {
  readonly registry: Pick<SchemaRegistry, "register">;
  readonly config: ContractConfig;
  readonly clock: Clock;
  readonly logger: Pick<Logger, "debug" | "warn">;
  /** Told after each round. */
  readonly onCount?: (counts: ContractCounts) => void;
}

/** How the contracts of the plan in force stand. */
export interface ContractCounts {
  readonly registered: number;
  readonly refused: number;
  /** The registry did not answer yet. */
  readonly waiting: number;
}

/** For each event its versions, oldest first. */
type Events = readonly (readonly PlanContract[])[];

interface Refused {
  readonly contract: PlanContract;
  readonly error: RegistryError;
}

export class ContractPublisher {
  readonly #options: PublisherOptions;
  /** Counts plans: what is under way for an earlier one stops. */
  #plan = 0;
  #cancel: () => void = () => {};
  #running: Promise<unknown> = Promise.resolve();

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /**
   * Before a plan comes into force. Returns at once, except with `require`: then it waits for the registry's answer, and
   * rejects with a UsageError where a contract is refused; those before it are registered by then.
   */
  async publish(definition: Pick<PlanDefinition, "events">): Promise<void> {
    const { registry: mode = "register" } = this.#options.config;
    if (mode === "off") return;
    this.#cancel();
    const events = definition.events.map((event) => planContracts({ events: [event] }));
    const round = this.#round(events, ++this.#plan, 0);
    this.#follow(round);
    if (mode !== "require") return;
    const [refused] = await round;
    if (refused !== undefined) throw planRefused(refused);
  }

  /** Nobody waits for a round: what no registry should make of it must be seen all the same. */
  #follow(round: Promise<unknown>): void {
    this.#running = round.catch((error: unknown) =>
      this.#options.logger.warn({ err: error }, "the plan's contracts were not registered"),
    );
  }

  /** Asks for all of them, and for those that had no answer once more, later. */
  async #round(events: Events, plan: number, failures: number): Promise<readonly Refused[]> {
    const { clock, logger, onCount } = this.#options;
    const { refused, unavailable } = await this.#registerAll(events, plan);
    if (plan !== this.#plan) return [];
    const waiting = unavailable.contracts.length;
    const counts = {
      ...{ refused: refused.length, waiting },
      registered: events.flat().length - refused.length - waiting,
    };
    onCount?.(counts);
    for (const one of refused) logger.warn(noteOf(one, this.#subjectOf(one.contract)), refusedText);
    if (waiting === 0) {
      if (events.length > 0) logger.debug(counts, "the plan's contracts are in the registry");
      return refused;
    }
    const delayMs = Math.min(
      registryLimits.contractRetryMs * 2 ** failures,
      registryLimits.contractRetryMsMax,
    );
    logger.warn({ ...counts, reason: unavailable.reason, delayMs }, waitingText);
    this.#cancel = clock.after(delayMs, () => {
      this.#follow(this.#round(events, plan, failures + 1));
    });
    return refused;
  }

  /** Events side by side, versions of one in their order (C1). The first that has no answer ends the round (C2). */
  async #registerAll(events: Events, plan: number) {
    const left = [...events];
    const refused: Refused[] = [];
    const missing: PlanContract[] = [];
    let reason: string | undefined;
    const registerOne = async (contract: PlanContract) => {
      try {
        await this.#register(contract);
      } catch (error) {
        if (isRefusal(error)) refused.push({ contract, error });
        else if (!isLater(error)) throw error;
        else {
          missing.push(contract);
          reason = error.message;
        }
      }
    };
    const work = async () => {
      for (let versions = left.shift(); versions !== undefined; versions = left.shift())
        for (const contract of versions) {
          if (reason !== undefined || plan !== this.#plan) missing.push(contract);
          else await registerOne(contract);
        }
    };
    await Promise.all(Array.from({ length: registryLimits.contractsAtOnce }, work));
    return { refused, unavailable: { contracts: missing, reason } };
  }

  #register(contract: PlanContract): Promise<number> {
    return this.#options.registry.register(this.#subjectOf(contract), contractContent(contract));
  }

  #subjectOf({ event }: PlanContract): string {
    return contractSubject(event, this.#options.config.subjectPrefix);
  }

  /** Asks for nothing more. Resolves when what is under way has its answer, or the registry is closed. */
  async close(): Promise<void> {
    this.#plan++;
    this.#cancel();
    await this.#running;
  }
}

/** The same call is refused again until somebody changes something. */
function isRefusal(error: unknown): error is RegistryError {
  return error instanceof RegistryError && error.status < 500;
}

/** A store that was not written, or a registry that is busy or away. */
function isLater(error: unknown): error is Error {
  return error instanceof RegistryError || error instanceof RegistryUnavailableError;
}

/** A contract as the registry keeps it. */
export function contractContent({ language, text }: PlanContract): SchemaContent {
  return { schemaType: language, schema: text, references: [] };
}

const refusedText =
  "the registry refuses a contract of the plan; events are judged by it all the same";
const waitingText = "the plan's contracts are not all in the registry yet, which does not answer";

function noteOf({ contract, error }: Refused, subject: string) {
  const { event, version } = contract;
  return {
    ...{ contract: contractName(event, version), subject, reason: shortened(error.message) },
    ...(error.kind === "incompatible" ? { hint: growingHint } : {}),
  };
}

const growingHint =
  "where events only grow, the level FORWARD or NONE of the subject lets new contracts follow: PUT /config/<subject>";

function planRefused({ contract, error }: Refused): UsageError {
  const name = contractName(contract.event, contract.version);
  return new UsageError(
    `the registry refuses contract "${name}": ${shortened(error.message)}`,
    'change the event, or its subject\'s level in the registry, or set contracts: { registry: "register" }',
    1,
  );
}

/** The registry quotes the earlier schema, whole. */
function shortened(message: string): string {
  return message.length > messageCharsMax ? `${message.slice(0, messageCharsMax)}...` : message;
}

const messageCharsMax = 600;
