export { type AcceptState, createAcceptState } from "./accept-state.ts";
export { trustForwarder } from "./collect/forwarded.ts";
export { type ServerLimits, serverLimits } from "./limits.ts";
export type { ServerOptions } from "./options.ts";
export { createServer, type Server } from "./server.ts";
export { StreamHub, type StreamHubOptions, type StreamProfile } from "./stream.ts";
export { createTokens, type ProfileClaim, type Tokens } from "./token.ts";
