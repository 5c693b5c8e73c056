export * from "./build.ts";
export * from "./limits.ts";
export * from "./outcome.ts";
export * from "./queue.ts";
export * from "./size.ts";
export * from "./types.ts";
