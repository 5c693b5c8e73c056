export { type AvroProposal, avroProposal } from "./avro.ts";
export { jsonProposal } from "./json.ts";
export { inferLimits } from "./limits.ts";
export { isDataName } from "./private.ts";
export type { EventProposal, Property } from "./proposal.ts";
export { amount, propose } from "./propose.ts";
export { type ProtobufProposal, protobufProposal } from "./protobuf.ts";
export {
  addTraffic,
  type EventSummary,
  mergeTraffic,
  newTraffic,
  type SeenEvent,
  settleTraffic,
  type Traffic,
  unnamedIn,
} from "./traffic.ts";
export { proposalCodec, type Trial, tryProposal } from "./trial.ts";
export { typescriptProposal } from "./typescript.ts";
export { number, percent, plain, quoted, remarks } from "./words.ts";
