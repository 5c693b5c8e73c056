import { strictMsgpackCodec, utf8 } from "../../src/adapters/codec/msgpack.ts";
import { openMemoryLog } from "../../src/adapters/log/memory.ts";
import { MemoryDisk } from "../../src/adapters/log/memory-disk.ts";
import { compactFormats } from "../../src/adapters/log/payload/codec.ts";
import { layoutOf } from "../../src/adapters/log/payload/event-layout.ts";
import { openMemoryState } from "../../src/adapters/state/memory.ts";
import { planOf } from "../../src/testing/simulation/plan.ts";
import type { SimulationPorts } from "../../src/testing/simulation/world.ts";

const schemas = [
  null,
  ...compactFormats.map((format) => ({ format, layout: layoutOf(planOf(0).plan.definition) })),
  ...compactFormats.map((format) => ({ format, layout: layoutOf(planOf(1).plan.definition) })),
];

/**
 * The simulated world's disk: the log and the store of this process, on a disk in memory. Each life writes its events
 * in another format than the one before, and begins while the schema is not on disk yet.
 */
export const ports: SimulationPorts = {
  makeDisk(clock, random) {
    const disk = new MemoryDisk({ clock, random });
    let lives = 0;
    return {
      async openLog() {
        const log = await openMemoryLog(disk);
        // A disk that refuses leaves the log with JSON.
        log.writeEventsAs(schemas[lives++ % schemas.length] ?? null).catch(() => {});
        return log;
      },
      openStore: () => openMemoryState(disk),
      crash: () => disk.crash(),
      setFaults: (faults) => {
        disk.faults = { ...disk.faults, ...faults };
      },
    };
  },
  codec: strictMsgpackCodec(),
  text: utf8,
};
