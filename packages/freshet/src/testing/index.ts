/** What tests of plans and of adapters use. The contract suites are under `contract/`; they need vitest. */
export { naiveFeature } from "./oracle.ts";
export { randomOf } from "./random.ts";
export { replayCommand, seedOfRun, withSeed } from "./seed.ts";
export { VirtualClock } from "./virtual-clock.ts";
