/**
 * What messages with a schema id cost beside plain JSON: the same events in requests of fifty and of one, durable and
 * applied. `node bench/framed.ts`, after `npm run build`.
 */
import type { Json } from "@freshet/protocol";
import { Pool } from "undici";
import {
  frame,
  parseSchema,
  payloadCodecOf,
  type SchemaType,
} from "../packages/freshet/src/schema/index.ts";
import { median } from "./load.ts";
import { type ServerProcess, secretKey, startServer, writeKey } from "./server.ts";
import { batchEvents, makeEvent, randomOf } from "./shape.ts";

export const forms = ["plain JSON", "JSON with id", "Avro", "Protobuf"] as const;
export type Form = (typeof forms)[number];

export interface FramedSpeed {
  /** Events per second in requests of fifty, median of the rounds. */
  readonly batch: Readonly<Record<Form, number>>;
  /** Requests of one event per second. */
  readonly single: Readonly<Record<Form, number>>;
  /** What the server's process took for an event of a batch, in microseconds: the least that a busy machine blurs. */
  readonly cpuUs: Readonly<Record<Form, number>>;
  /** Of one event, on average. */
  readonly bytes: Readonly<Record<Form, number>>;
  readonly rounds: number;
}

interface Load {
  readonly contentType: string;
  /** Bodies of so many events each. */
  readonly batches: readonly Buffer[];
  readonly singles: readonly Buffer[];
}

const properties = ["product_id", "name", "category"] as const;
const schemas: Readonly<Record<SchemaType, string>> = {
  AVRO: JSON.stringify({
    ...{ type: "record", name: "View" },
    fields: [
      { name: "event_type", type: "string" },
      { name: "anonymous_id", type: "string" },
      {
        name: "metadata",
        type: {
          ...{ type: "record", name: "Metadata" },
          fields: [
            ...properties.map((name) => ({ name, type: "string" })),
            { name: "price", type: "double" },
          ],
        },
      },
    ],
  }),
  JSON: JSON.stringify({
    type: "object",
    properties: {
      event_type: { type: "string" },
      anonymous_id: { type: "string" },
      metadata: {
        type: "object",
        properties: {
          ...Object.fromEntries(properties.map((name) => [name, { type: "string" }])),
          price: { type: "number" },
        },
        required: ["product_id"],
      },
    },
    required: ["event_type"],
  }),
  PROTOBUF: `syntax = "proto3";
message View { string event_type = 1; string anonymous_id = 2; Metadata metadata = 3; }
message Metadata { string product_id = 1; string name = 2; string category = 3; double price = 4; }
`,
};

/** Product views as native events. */
function makeViews(count: number): Json[] {
  const random = randomOf(17);
  const views: Json[] = [];
  while (views.length < count) {
    const event = makeEvent(random) as { readonly [field: string]: Json };
    if (event["event"] !== "Product Viewed") continue;
    const { anonymousId = "", properties: metadata = {} } = event;
    views.push({ event_type: "Product Viewed", anonymous_id: anonymousId, metadata });
  }
  return views;
}

function jsonLoad(views: readonly Json[]): Load {
  return {
    contentType: "application/json",
    batches: slices(views).map((slice) => Buffer.from(JSON.stringify(slice))),
    singles: views.map((view) => Buffer.from(JSON.stringify(view))),
  };
}

async function framedLoad(server: ServerProcess, type: SchemaType, views: readonly Json[]) {
  const text = schemas[type];
  const id = await register(server, type, text);
  const codec = payloadCodecOf(parseSchema(type, text));
  const singles = views.map((view) => Buffer.from(frame(id, codec.encode(view))));
  const batches = slices(singles).map((slice) => Buffer.concat(slice.flatMap(withLength)));
  return { contentType: "application/vnd.freshet.framed", singles, batches };
}

function withLength(message: Buffer): Buffer[] {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(message.length);
  return [length, message];
}

function slices<Item>(items: readonly Item[]): (readonly Item[])[] {
  const count = Math.floor(items.length / batchEvents);
  return Array.from({ length: count }, (_, at) =>
    items.slice(at * batchEvents, (at + 1) * batchEvents),
  );
}

async function register(server: ServerProcess, type: SchemaType, schema: string) {
  const answer = await fetch(`${server.url}/subjects/bench-${type}/versions`, {
    method: "POST",
    headers: { authorization: `Bearer ${secretKey}`, "content-type": "application/json" },
    body: JSON.stringify({ schema, schemaType: type }),
  });
  const { id } = (await answer.json()) as { readonly id?: number };
  if (id === undefined) throw new Error(`the schema was not registered: ${answer.status}`);
  return id;
}

const connections = 64;

interface Rate {
  /** Events per second until all that was acknowledged is applied. */
  readonly perSecond: number;
  readonly cpuUs: number;
}

async function rateOf(
  server: ServerProcess,
  bodies: readonly Buffer[],
  load: { readonly contentType: string; readonly events: number; readonly seconds: number },
): Promise<Rate> {
  const pool = new Pool(server.url, { connections, pipelining: 1 });
  const isMany = load.events > 1 && load.contentType !== "application/json";
  const type = `${load.contentType}${isMany ? "; framing=length-prefixed" : ""}`;
  const headers = { "content-type": type };
  const path = `/v1/events?writeKey=${writeKey}`;
  const before = await readServer(server);
  const began = performance.now();
  const end = began + load.seconds * 1000;
  let sent = 0;
  const run = async () => {
    while (performance.now() < end) {
      const body = bodies[sent++ % bodies.length] as Buffer;
      const answer = await pool.request({ method: "POST", path, headers, body });
      const said = (await answer.body.json()) as { readonly accepted?: number };
      if (said.accepted !== load.events) throw new Error(JSON.stringify(said));
    }
  };
  await Promise.all(Array.from({ length: connections }, run));
  const events = sent * load.events;
  let now = await readServer(server);
  while (now.applied - before.applied < events) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    now = await readServer(server);
  }
  const perSecond = events / ((performance.now() - began) / 1000);
  await pool.close();
  return { perSecond, cpuUs: ((now.cpuSeconds - before.cpuSeconds) * 1e6) / events };
}

async function readServer(server: ServerProcess) {
  const metrics = await server.metrics();
  return {
    applied: metrics.get("freshet_events_applied_total") ?? 0,
    cpuSeconds: metrics.get("process_cpu_seconds_total") ?? 0,
  };
}

/** In turns, each round beginning with another form, so that what else the machine does falls on all alike. */
export async function measureFramed(
  options: { readonly rounds?: number; readonly seconds?: number } = {},
): Promise<FramedSpeed> {
  const { rounds = 3, seconds = 3 } = options;
  const server = await startServer();
  try {
    const views = makeViews(5000);
    const loads: Readonly<Record<Form, Load>> = {
      "plain JSON": jsonLoad(views),
      "JSON with id": await framedLoad(server, "JSON", views),
      Avro: await framedLoad(server, "AVRO", views),
      Protobuf: await framedLoad(server, "PROTOBUF", views),
    };
    const batch = lists();
    const single = lists();
    const cpu = lists();
    for (let round = -1; round < rounds; round++)
      for (const form of turned(round)) {
        const { contentType, batches, singles } = loads[form];
        // The round before the first one warms up.
        const time = round < 0 ? Math.min(1, seconds) : seconds;
        const many = { contentType, events: batchEvents, seconds: time };
        const one = { contentType, events: 1, seconds: time };
        const ofMany = await rateOf(server, batches, many);
        const ofOne = await rateOf(server, singles, one);
        if (round < 0) continue;
        batch[form].push(ofMany.perSecond);
        single[form].push(ofOne.perSecond);
        cpu[form].push(ofMany.cpuUs);
      }
    const bytes = perForm((form) => mean(loads[form].singles.map(({ length }) => length)));
    return {
      batch: perForm((form) => median(batch[form])),
      single: perForm((form) => median(single[form])),
      cpuUs: perForm((form) => median(cpu[form])),
      bytes,
      rounds,
    };
  } finally {
    await server.stop();
  }
}

function turned(round: number): readonly Form[] {
  const first = (round + forms.length) % forms.length;
  return [...forms.slice(first), ...forms.slice(0, first)];
}

function perForm<Value>(make: (form: Form) => Value): Record<Form, Value> {
  return Object.fromEntries(forms.map((form) => [form, make(form)])) as Record<Form, Value>;
}

const lists = () => perForm((): number[] => []);
const mean = (values: readonly number[]) =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

export function framedMarkdown({ batch, single, cpuUs, bytes }: FramedSpeed): string {
  const [plain] = forms;
  const beside = (values: Readonly<Record<Form, number>>, form: Form) =>
    `${Math.round(values[form]).toLocaleString("en-GB")} | ${(values[form] / values[plain]).toFixed(2)}`;
  const rows = forms.map(
    (form) =>
      `| ${form} | ${beside(batch, form)} | ${beside(single, form)} | ${beside(cpuUs, form)} | ${Math.round(bytes[form])} |`,
  );
  return `| native events over HTTP | events/s, batches of ${batchEvents} | beside plain JSON | requests/s of 1 | beside it | \
server CPU per event of a batch, us | beside it | bytes per event |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
${rows.join("\n")}
`;
}

if (process.argv[1] === import.meta.filename) {
  const speed = await measureFramed({
    rounds: Number(process.env["BENCH_ROUNDS"] ?? 3),
    seconds: Number(process.env["BENCH_SECONDS"] ?? 3),
  });
  process.stdout.write(framedMarkdown(speed));
}
