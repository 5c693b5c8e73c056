import { FreshetError } from "@freshet/protocol";
import { codecOf } from "../codec.ts";
import { parseSchema } from "../parse.ts";
import type { SchemaCodec, SchemaType } from "../schema.ts";
import { avroProposal } from "./avro.ts";
import { jsonProposal } from "./json.ts";
import type { EventProposal, Proposed, RecordType } from "./proposal.ts";
import { protobufProposal } from "./protobuf.ts";
import type { Sample } from "./sample.ts";
import { sampleValues } from "./sample.ts";

/** What became of the sampled events of one name under their proposed schema. */
export interface Trial {
  readonly name: string;
  readonly tried: number;
  readonly failed: number;
  /** Why, without anything that was sent: places by names of the proposal only. */
  readonly reasons: readonly { readonly reason: string; readonly count: number }[];
}

/** Writes every sampled event with the schema that is proposed for it. */
export function tryProposal(kind: SchemaType, proposal: EventProposal, sample: Sample): Trial {
  const values = sampleValues(sample);
  const codec = soundCodec(kind, proposal);
  if (codec === undefined)
    return {
      ...{ name: proposal.name, tried: values.length, failed: values.length },
      reasons: [{ reason: "the schema itself is refused", count: values.length }],
    };
  const names = namesIn(proposal.content);
  const reasons = new Map<string, number>();
  let failed = 0;
  for (const value of values) {
    if (codec.validate(value)) {
      codec.encode(value);
      continue;
    }
    failed++;
    for (const reason of new Set(codec.explain(value).map((issue) => reasonOf(issue, names))))
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  const sorted = [...reasons].sort((one, other) => other[1] - one[1]);
  return {
    name: proposal.name,
    tried: values.length,
    failed,
    reasons: sorted.slice(0, reasonsMax).map(([reason, count]) => ({ reason, count })),
  };
}

const reasonsMax = 5;

/** Undefined where names that clients sent make a schema beyond the limits of schemas. */
function soundCodec(kind: SchemaType, proposal: EventProposal): SchemaCodec | undefined {
  try {
    return proposalCodec(kind, proposal);
  } catch (error) {
    if (error instanceof FreshetError && error.code === "schemaInvalid") return undefined;
    throw error;
  }
}

export function proposalCodec(kind: SchemaType, proposal: EventProposal): SchemaCodec {
  switch (kind) {
    case "JSON":
      return codecOf(parseSchema(kind, JSON.stringify(jsonProposal(proposal))));
    case "AVRO":
      return codecOf(parseSchema(kind, JSON.stringify(avroProposal(proposal).schema)));
    case "PROTOBUF":
      return codecOf(parseSchema(kind, protobufProposal([proposal]).text));
  }
}

function reasonOf(
  { path, message }: { readonly path: string; readonly message: string },
  names: ReadonlySet<string>,
): string {
  const tokens = path.split("/").slice(1);
  const place = tokens.map((token) => (names.has(unescaped(token)) ? token : "*")).join("/");
  // What follows a colon is a library's, and may quote the value.
  return `${place === "" ? "the event" : `"${place}"`} ${message.split(":")[0]}`;
}

const unescaped = (token: string): string => token.replaceAll("~1", "/").replaceAll("~0", "~");

function namesIn(record: RecordType, names = new Set<string>()): ReadonlySet<string> {
  for (const { name, value } of record.properties) {
    names.add(name);
    namesInside(value, names);
  }
  return names;
}

function namesInside({ types }: Proposed, names: Set<string>): void {
  for (const type of types) {
    if (type.kind === "record") namesIn(type, names);
    else if (type.kind === "list") namesInside(type.items, names);
    else if (type.kind === "map") namesInside(type.values, names);
  }
}
