import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Freshet, settingsOf, startFreshet } from "freshet";
import { afterEach, expect, it } from "vitest";
import config from "../log.config.ts";

const folder = dirname(dirname(fileURLToPath(import.meta.url)));
const data = mkdtempSync(join(tmpdir(), "freshet-log-"));

let freshet: Freshet | undefined;
afterEach(async () => {
  await freshet?.close();
  rmSync(data, { recursive: true, force: true });
});

it("writes events in the format of the configuration, and the registry has their schema", async () => {
  const merged = { ...config, plan: join(folder, "plan.ts"), port: 0, data };
  const settings = settingsOf({ ...merged, logLevel: "silent" }, folder, {});
  freshet = await startFreshet({ settings });
  const answer = await fetch(`${freshet.url}/v1/events`, {
    method: "POST",
    headers: { authorization: `Basic ${btoa(`${freshet.writeKey}:`)}` },
    body: JSON.stringify({ event_type: "Anything", user_id: "ana", metadata: { a: [1, null] } }),
  });
  expect(answer.status).toBe(200);
  // snippet: schema
  const versions = await fetch(`${freshet.url}/subjects/freshet.log-value/versions/latest`, {
    headers: { authorization: `Bearer ${freshet.secretKey}` },
  });
  // end snippet
  expect(await versions.json()).toMatchObject({
    schemaType: "PROTOBUF",
    schema: expect.stringContaining("message Event"),
  });
});
