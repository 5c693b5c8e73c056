export * from "./errors.ts";
export * from "./json.ts";
export * from "./limits.ts";
export * from "./wire.ts";
