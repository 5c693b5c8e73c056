import { strictMsgpackCodec, utf8 } from "../../src/adapters/codec/msgpack.ts";
import { openMemoryLog } from "../../src/adapters/log/memory.ts";
import { MemoryDisk } from "../../src/adapters/log/memory-disk.ts";
import { openMemoryState } from "../../src/adapters/state/memory.ts";
import type { SimulationPorts } from "../../src/testing/simulation/world.ts";

/** The simulated world's disk: the log and the store of this process, on a disk in memory. */
export const ports: SimulationPorts = {
  makeDisk(clock, random) {
    const disk = new MemoryDisk({ clock, random });
    return {
      openLog: () => openMemoryLog(disk),
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
