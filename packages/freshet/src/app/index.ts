/** What a program that runs Freshet uses. Plans are written with `freshet/plan`. */
export {
  type DestinationConfig,
  defineConfig,
  type FreshetConfig,
  type Settings,
  type SiteContext,
  type SourceConfig,
  settingsOf,
} from "./config.ts";
export { type Freshet, type StartOptions, startFreshet } from "./freshet.ts";
export { UsageError } from "./usage-error.ts";
