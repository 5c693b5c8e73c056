/** What a program that runs Freshet uses. Plans are written with `freshet/plan`. */
export type {
  BotPolicy,
  ConsentPolicy,
  ContractPolicy,
  EdgePolicy,
  FieldRule,
  HookConfig,
  HookDelivery,
  HookEvent,
  HookFunction,
  HookMap,
  HookPick,
  HookRule,
  HookScheme,
  HookSignature,
  HookValue,
  IdentityPolicy,
  PrivacyPolicy,
  RateLimitPolicy,
} from "../accept/index.ts";
export {
  type DestinationConfig,
  defineConfig,
  type FreshetConfig,
  type Settings,
  type SiteContext,
  settingsOf,
} from "./config.ts";
export { type Freshet, type StartOptions, startFreshet } from "./freshet.ts";
export type { RegistryConfig } from "./registry/config.ts";
export type { TopicConfig } from "./source/decode.ts";
export type { MessageMap } from "./source/message-map.ts";
export type { MqttConfig } from "./source/mqtt-config.ts";
export type { GeoConfig, SourceConfig } from "./source-config.ts";
export { UsageError } from "./usage-error.ts";
