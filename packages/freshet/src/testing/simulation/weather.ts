import { type EngineLimits, engineLimits } from "../../engine/options.ts";
import type { Random } from "../random.ts";
import type { Weather } from "./world.ts";

export function weatherOf(random: Random): Weather {
  const { pick, below, chance } = random;
  return {
    partitions: pick([1, 2, 4, 7]),
    people: 3 + below(14),
    devices: 3 + below(14),
    trafficMs: 8000 + below(36_000),
    pauseMsMax: pick([1500, 4000, 9000]),
    checkpointMs: pick([15, 60, 250, 1000]),
    tickMs: pick([40, 100, 250]),
    liveKeysMax: pick([2, 6, 16, 1000]),
    sliceRecordsMax: pick([1, 2, 7, 200]),
    sliceKeysMin: pick([1, 3, 100]),
    sliceRestMs: pick([0, 2, 10]),
    checkpointSpreadMs: pick([5, 60, 1000]),
    timerHorizonMs: pick([3000, 11_000, 3_600_000]),
    diskDelayMsMax: pick([0, 3, 15, 60]),
    failureShare: pick([0, 0, 0.02, 0.15]),
    crashEveryMs: pick([2500, 8000, 20_000]),
    planChanges: chance(0.3),
    latencyMsMax: pick([5, 80, 900]),
    lossShare: pick([0, 0.05, 0.25]),
    doubleShare: pick([0, 0.05, 0.25]),
    lateMsMax: pick([0, 8000, 90_000]),
    sinkFailureShare: pick([0, 0.1, 0.5]),
    sinkDelayMsMax: pick([3, 80, 900]),
    idleMs: pick([0, 3000, 25_000, 140_000]),
    trims: chance(0.15),
  };
}

export function limitsOf(weather: Weather): EngineLimits {
  const { partitions, checkpointMs, tickMs, sliceRecordsMax, liveKeysMax, timerHorizonMs } =
    weather;
  const { sliceKeysMin, sliceRestMs, checkpointSpreadMs } = weather;
  return {
    ...engineLimits,
    ...{ partitions, checkpointMs, tickMs, sliceRecordsMax, liveKeysMax, timerHorizonMs },
    ...{ sliceKeysMin, sliceRestMs, checkpointSpreadMs },
    ...(weather.trims ? { retentionBytes: 60_000 } : {}),
  };
}
