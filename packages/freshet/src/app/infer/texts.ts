import type { SchemaType } from "../../schema/index.ts";
import {
  avroProposal,
  type EventProposal,
  type EventSummary,
  jsonProposal,
  protobufProposal,
  quoted,
  tryProposal,
  typescriptProposal,
} from "../../schema/infer/index.ts";

export const inferFormats = ["ts", "json", "avro", "protobuf"] as const;
export type InferFormat = (typeof inferFormats)[number];

export interface ProposalText {
  readonly text: string;
  /** What the language cannot say, and which sampled events it cannot write. */
  readonly notes: readonly string[];
}

export function proposalText(
  format: InferFormat,
  proposals: readonly EventProposal[],
  summaries: ReadonlyMap<string, EventSummary>,
): ProposalText {
  const trials = proposals.flatMap((proposal) => trialNotes(format, proposal, summaries));
  switch (format) {
    case "ts":
      return { text: typescriptProposal(proposals), notes: trials };
    case "json":
      return { text: byName(proposals.map((one) => [one.name, jsonProposal(one)])), notes: trials };
    case "avro": {
      const schemas = proposals.map((one) => [one.name, avroProposal(one)] as const);
      const notes = schemas.flatMap(([, { notes }]) => notes);
      return {
        text: byName(schemas.map(([name, { schema }]) => [name, schema])),
        notes: [...notes, ...trials],
      };
    }
    case "protobuf": {
      const { text, notes } = protobufProposal(proposals);
      return { text, notes: [...notes, ...trials] };
    }
  }
}

/** One schema as it is, several by the names of their events. */
function byName(schemas: readonly (readonly [string, unknown])[]): string {
  const [first] = schemas;
  const value = schemas.length === 1 ? first?.[1] : Object.fromEntries(schemas);
  return `${JSON.stringify(value, null, 2)}\n`;
}

const languages: { readonly [Format in InferFormat]: SchemaType } = {
  ts: "JSON",
  json: "JSON",
  avro: "AVRO",
  protobuf: "PROTOBUF",
};

function trialNotes(
  format: InferFormat,
  proposal: EventProposal,
  summaries: ReadonlyMap<string, EventSummary>,
): string[] {
  const summary = summaries.get(proposal.name);
  if (summary === undefined) return [];
  const { tried, failed, reasons } = tryProposal(languages[format], proposal, summary.sample);
  if (failed === 0) return [];
  const told = reasons.map(({ reason, count }) => `${reason} (${count})`).join("; ");
  return [
    `${quoted(proposal.name)}: ${failed} of ${tried} sampled events cannot be written: ${told}`,
  ];
}
