import type { LogRecord } from "../../core/record.ts";
import { Engine } from "../../engine/engine.ts";
import type { EngineLimits } from "../../engine/options.ts";
import { silentListener } from "../../engine/port/listener.ts";
import type { Log } from "../../engine/port/log.ts";
import type { StateStore } from "../../engine/port/state-store.ts";
import type { Random } from "../random.ts";
import type { VirtualClock, VirtualProcess } from "../virtual-clock.ts";
import type { OutsideLedger } from "./ledger.ts";
import { planByHash, planOf, type Variant } from "./plan.ts";
import type { SimulatedDisk, SimulationOptions } from "./world.ts";

interface Life {
  readonly process: VirtualProcess;
  log: Log | null;
  store: StateStore | null;
  engine: Engine | null;
}

export interface ServerOptions {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly disk: SimulatedDisk;
  readonly limits: EngineLimits;
  readonly ledger: OutsideLedger;
  readonly simulation: SimulationOptions;
  /** Batches of the log that are trimmed away go here first. */
  readonly archive: Map<number, LogRecord>;
  /** What pages heard: in each life, provisional. */
  readonly heard: Set<string>;
}

/** One process after the other over one disk. */
export class Server {
  readonly #options: ServerOptions;
  #life: Life | null = null;
  #booting = false;
  variant: Variant = 0;
  /** False when the time of troubles is over. */
  isRough = true;

  constructor(options: ServerOptions) {
    this.#options = options;
  }

  get engine(): Engine | null {
    return this.#life?.engine ?? null;
  }
  get log(): Log | null {
    return this.#life?.log ?? null;
  }
  get store(): StateStore | null {
    return this.#life?.store ?? null;
  }

  /** Opens, and after a disk that refuses tries again, as a supervisor would. */
  async boot(): Promise<void> {
    if (this.#booting || this.#life !== null) return;
    this.#booting = true;
    const { clock, ledger } = this.#options;
    const life: Life = { process: clock.process(), log: null, store: null, engine: null };
    this.#life = life;
    try {
      await this.#open(life);
    } catch (error) {
      if (!isOfTheDisk(error)) ledger.fault(`P1 the engine does not open: ${textOf(error)}`);
      ledger.count("opensRefused");
      if (this.#life === life) this.crash();
      clock.after(200, () => void this.boot());
    } finally {
      this.#booting = false;
    }
  }

  async #open(life: Life): Promise<void> {
    const { disk, limits, ledger, simulation, heard } = this.#options;
    const { sabotage, ports, roundTripStates } = simulation;
    const opened = await disk.openLog();
    this.#archiveTrimmed(opened);
    life.log = sabotage?.log?.(opened, life.process) ?? opened;
    const store = await disk.openStore();
    life.store = sabotage?.store?.(store) ?? store;
    const engine = await Engine.open({
      log: life.log,
      store: life.store,
      clock: life.process,
      codec: ports.codec,
      text: ports.text,
      listener: {
        ...silentListener,
        pushed: (effect) => heard.add(JSON.stringify(effect)),
        segmentChanged: (effect) => heard.add(JSON.stringify(effect)),
        alert: (name) => ledger.count(`alert ${name}`),
      },
      plan: planOf(this.variant),
      loadPlan: async (entry) => planByHash(entry.hash),
      limits,
      roundTripStates: roundTripStates ?? false,
    });
    if (this.#life !== life) return;
    life.engine = sabotage?.engine?.(engine) ?? engine;
    ledger.count("opened");
    ledger.checkDurable((offset) => engine.record(offset), life.log.first);
    ledger.checkConserved(engine.ledger());
  }

  #archiveTrimmed(log: Log): void {
    const { archive, ledger } = this.#options;
    const trim = log.trim.bind(log);
    log.trim = (offset) => {
      ledger.count("trimmed");
      for (const batch of log.read(log.first)) {
        if (batch.firstOffset >= offset) break;
        for (const [index, record] of batch.records.entries())
          archive.set(batch.firstOffset + index, record);
      }
      return trim(offset);
    };
  }

  /** Answers when the log has it; null where nobody listens. */
  send(records: readonly LogRecord[]): Promise<void> | null {
    const { engine } = this;
    if (engine === null) return null;
    const { ledger } = this.#options;
    return engine.append(records).then((receipt) => {
      if (engine.offsetOf(receipt) === null)
        ledger.fault(`P5 receipt ${receipt} is not one of this log`);
      // Read by hand: it was given, whatever the engine says of it now.
      ledger.acknowledge(records, Number.parseInt(receipt.split(".")[1] ?? "", 36));
    });
  }

  /** The process dies, and with it everything that was not synced. */
  crash(): void {
    this.#life?.process.kill();
    this.#life = null;
    this.#booting = false;
    this.#options.disk.crash();
    this.#options.ledger.count("crashed");
  }

  async stop(): Promise<void> {
    const life = this.#life;
    if (life?.engine == null) return;
    const { engine } = life;
    // No request is let in any more.
    life.engine = null;
    try {
      await engine.close();
      await life.store?.close();
      await life.log?.close();
      if (this.#life !== life) return;
      life.process.kill();
      this.#life = null;
      this.#options.ledger.count("stopped");
    } catch (error) {
      if (!isOfTheDisk(error))
        this.#options.ledger.fault(`P1 the engine does not close: ${textOf(error)}`);
      if (this.#life === life) this.crash();
    }
  }

  async switchPlan(variant: Variant): Promise<void> {
    this.variant = variant;
    try {
      await this.engine?.switchPlan(planOf(variant));
      this.#options.ledger.count("switched");
    } catch (error) {
      if (!isOfTheDisk(error))
        this.#options.ledger.fault(`P7 the plan cannot be switched: ${textOf(error)}`);
    }
  }
}

function isOfTheDisk(error: unknown): boolean {
  const code = (error as { readonly code?: unknown }).code;
  return (
    code === "logWrite" ||
    code === "stateWrite" ||
    /memory disk|could not be appended/.test(String(error))
  );
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
