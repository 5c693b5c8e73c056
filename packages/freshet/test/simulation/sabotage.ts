import type { LogRecord } from "../../src/core/record.ts";
import type { StateChange, StateTable } from "../../src/engine/port/state-store.ts";
import type { Sabotage } from "../../src/testing/simulation/world.ts";

/** Engines, stores and networks that break a promise each. The ledger has to find every one of them. */
export const sabotages: {
  readonly [what: string]: { readonly breaks: RegExp; readonly by: Sabotage };
} = {
  "a log that acknowledges before it has synced": {
    breaks: /^P1/,
    by: {
      log(log) {
        const append = log.append.bind(log);
        let waiting = 0;
        log.append = async (records) => {
          const firstOffset = log.next + waiting;
          waiting += records.length;
          void append(records).then(
            () => {
              waiting -= records.length;
            },
            () => {
              waiting -= records.length;
            },
          );
          return { firstOffset, lastOffset: firstOffset + records.length - 1 };
        };
        return log;
      },
    },
  },
  "a log that keeps what it refused": {
    breaks: /^P1|^P6/,
    by: {
      log(log, clock) {
        const append = log.append.bind(log);
        let count = 0;
        log.append = async (records) => {
          const receipt = await append(records);
          if (records[0]?.kind === "event" && ++count % 40 === 0) {
            await clock.yield();
            throw Object.assign(new Error("memory disk"), { code: "logWrite" });
          }
          return receipt;
        };
        return log;
      },
    },
  },
  "a log that turns two events around when it is read again": {
    breaks: /^P/,
    by: {
      log(log) {
        const read = log.read.bind(log);
        log.read = function* (offset) {
          for (const batch of read(offset)) yield { ...batch, records: turned(batch.records) };
        };
        return log;
      },
    },
  },
  "a store that drops one state of some commits": {
    breaks: /^P/,
    by: commitWith((changes, count) => {
      const at = count % 5 === 0 ? changes.findIndex(({ table }) => table === "state") : -1;
      return changes.filter((_, index) => index !== at);
    }),
  },
  "a store that writes state without the position": {
    breaks: /^P/,
    by: commitWith((changes, count) =>
      count % 4 === 0 ? changes.filter(({ key }) => key !== "position") : changes,
    ),
  },
  "a store that writes the position without the outbox": {
    breaks: /^P2/,
    by: commitWith((changes) => changes.filter(({ table }) => table !== "outbox")),
  },
  "a deduplication that forgets at a restart": {
    breaks: /^P[26]/,
    by: hiding("dedup"),
  },
  "a store that forgets what became of dead letters": {
    breaks: /^P2 the letter/,
    by: commitWith((changes, count) =>
      count % 3 === 0 ? changes.filter(({ table }) => table !== "deadLetter") : changes,
    ),
  },
  "timers that are lost at a restart": { breaks: /^P[24]/, by: hiding("timer") },
  "a sink that is told twice under two ids": {
    breaks: /^P2/,
    by: { effectIds: (id, count) => (count % 30 === 7 ? [id, `${id}x`] : [id]) },
  },
  "a sink that is not told of some effects": {
    breaks: /^P2/,
    by: { effectIds: (id) => (id.startsWith("7") ? [] : [id]) },
  },
  "receipts that are always covered": {
    breaks: /^P5/,
    by: {
      engine(engine) {
        engine.waitFor = async () => true;
        return engine;
      },
    },
  },
  "a ledger that forgets duplicates": {
    breaks: /^P6/,
    by: {
      engine(engine) {
        const ledger = engine.ledger.bind(engine);
        engine.ledger = () => ({ ...ledger(), duplicate: 0 });
        return engine;
      },
    },
  },
};

function turned(records: readonly LogRecord[]): LogRecord[] {
  const [first, second, ...rest] = records;
  if (first?.kind !== "event" || second?.kind !== "event") return [...records];
  return [second, first, ...rest];
}

function commitWith(
  change: (changes: readonly StateChange[], count: number) => readonly StateChange[],
): Sabotage {
  return {
    store(store) {
      const commit = store.commit.bind(store);
      let count = 0;
      store.commit = (changes) => commit(change(changes, ++count));
      return store;
    },
  };
}

function hiding(hidden: StateTable): Sabotage {
  return {
    store(store) {
      const scan = store.scan.bind(store);
      let isOpening = true;
      const commit = store.commit.bind(store);
      store.commit = (changes) => {
        isOpening = false;
        return commit(changes);
      };
      store.scan = (table, range) => (table === hidden && isOpening ? [] : scan(table, range));
      return store;
    },
  };
}
