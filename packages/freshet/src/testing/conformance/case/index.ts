import type { ConformanceCase } from "../case.ts";
import { bodyCases } from "./bodies.ts";
import { corsCases } from "./cors.ts";
import { idCases } from "./ids.ts";
import { keyCases } from "./keys.ts";
import { limitCases } from "./limits.ts";
import { pathCases } from "./paths.ts";
import { replayCases } from "./replay.ts";
import { statusCases } from "./statuses.ts";
import { timeCases } from "./times.ts";
import { unloadCases } from "./unload.ts";

/** Every case there is, in the order of the sections. */
export const conformanceCases: readonly ConformanceCase[] = [
  ...pathCases,
  ...keyCases,
  ...bodyCases,
  ...replayCases,
  ...idCases,
  ...timeCases,
  ...limitCases,
  ...statusCases,
  ...corsCases,
  ...unloadCases,
];
