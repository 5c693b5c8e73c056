/** Messages with a schema id in the real process, which is killed between refusing one and reading it after all. */
import { afterEach, expect, it } from "vitest";
import { frame, parseSchema, payloadCodecOf } from "../../src/schema/index.ts";
import { ask, basic, eventually, readProfile, secret } from "./support/client.ts";
import { makeFolder, type TestFolder } from "./support/folder.ts";
import { type Running, startServer } from "./support/server.ts";

let folder: TestFolder | undefined;
let server: Running | undefined;
afterEach(async () => {
  await server?.kill();
  await folder?.remove();
});

const schema = JSON.stringify({
  ...{ type: "record", name: "View" },
  fields: ["event_id", "user_id", "product_id"].map((name) => ({ name, type: "string" })),
});

it("keeps what it could not read through a kill, reads it once it can, and counts it once", async () => {
  folder = await makeFolder();
  server = await startServer({ data: folder.path });
  const codec = payloadCodecOf(parseSchema("AVRO", schema));
  const value = { event_id: "v1", user_id: "ana", product_id: "cer-01" };
  const body = frame(id, codec.encode(value));
  const path = "/v1/events?event_type=Product%20Viewed";
  const headers = { ...basic, "content-type": "application/avro" };
  const refused = await ask(`${server.url}${path}`, { headers, body });
  expect(refused).toMatchObject({ status: 400, body: { error: { code: "schemaUnknown" } } });
  await server.kill();
  server = await startServer({ data: folder.path });
  const { url } = server;
  await register(url);
  const retry = { headers: secret, body: { filter: { code: "schemaUnknown" } } };
  await eventually("the message is read", async () => {
    const job = await ask(`${url}/v1/dead-letters/retry`, retry);
    return job.body.applied === 1;
  });
  const again = await ask(`${url}${path}`, { headers, body });
  expect(again).toMatchObject({ status: 200, body: { accepted: 1 } });
  const profile = await readProfile(url, "ana", again.body.receipt);
  expect(profile.body.features).toMatchObject({ productViews: 1 });
  const journey = await ask(`${url}/v1/events/v1`, { headers: secret });
  expect(journey.body).toMatchObject({ status: "applied", duplicates: [expect.anything()] });
});

/** Beyond those that the plan's own contracts get. */
const id = 5000;

/** With the id that it has elsewhere, as schemas are moved from one registry to another. */
async function register(url: string): Promise<void> {
  const headers = { ...secret, accept: "application/json" };
  const mode = { method: "PUT", headers, body: { mode: "IMPORT" } };
  expect((await ask(`${url}/mode/views`, mode)).status).toBe(200);
  const sent = { headers, body: { schema, id, version: 1 } };
  expect((await ask(`${url}/subjects/views/versions`, sent)).body).toMatchObject({ id });
}
