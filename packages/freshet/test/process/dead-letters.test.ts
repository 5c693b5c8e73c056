/** The verb `dead-letters`, as somebody at a terminal uses it. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { ask, basic, readProfile, settled } from "./support/client.ts";
import { makeFolder, type TestFolder } from "./support/folder.ts";
import { type Running, runVerb, secretKey, startServer } from "./support/server.ts";

let folder: TestFolder;
let server: Running;
beforeAll(async () => {
  folder = await makeFolder();
  server = await startServer({ data: join(folder.path, "data") });
});
afterAll(async () => {
  await server.kill();
  await folder.remove();
});

let turn = 0;
let [messageId, userId] = ["", ""];
beforeEach(async () => {
  messageId = `m${++turn}`;
  userId = `user-${turn}`;
  const properties = { order_id: "1", total: "12.50" };
  const event = { type: "track", event: "Order Completed", messageId, userId, properties };
  await ask(`${server.url}/v1/batch`, { body: { batch: [event] }, headers: basic });
  await settled(server.url);
});

async function verb(...args: readonly string[]) {
  const environment = { FRESHET_SECRET_KEY: secretKey };
  return runVerb(["dead-letters", ...args, "--url", server.url], { environment });
}

async function idOf(state = "all"): Promise<string> {
  const args = ["list", "--message-id", messageId, "--state", state, "--json"];
  return JSON.parse((await verb(...args)).output).deadLetters[0].id;
}

function jsonFile(name: string, value: unknown): string {
  const path = join(folder.path, name);
  writeFileSync(path, JSON.stringify(value));
  return path;
}

const toNumber = [{ op: "convert", path: "/properties/total", to: "number" }];
const orders = async () => (await readProfile(server.url, userId)).body.features?.orders;

test("lists, sums up and shows", async () => {
  const list = await verb("list", "--message-id", messageId);
  expect(list).toMatchObject({ code: 0 });
  expect(list.output).toMatch(/contractViolated +default +Order Completed/);
  expect((await verb("summary")).output).toMatch(/contractViolated +default +Order Completed +\d+/);
  const shown = await verb("show", await idOf());
  expect(shown.output).toContain(`messageId    ${messageId}`);
  expect(shown.output).toContain('"total": "12.50"');
});

test("tries a correction, then makes it, and does nothing the second time", async () => {
  const file = jsonFile("changes.json", toNumber);
  const args = ["correct", "--message-id", messageId, "--file", file];
  expect((await verb(...args, "--dry-run")).output).toMatch(/^1 of 1 letters would pass/);
  expect(await orders()).toBeUndefined();
  expect((await verb(...args)).output).toMatch(/done\n {2}letters +1\n {2}done +1/);
  expect((await verb(...args)).output).toMatch(/letters +0/);
  expect(await orders()).toBe(1);
  expect((await verb("jobs")).output).toMatch(/correct +done/);
});

test("corrects one by hand, and says what is still wrong", async () => {
  const id = await idOf();
  const properties = { order_id: "1", total: "no number" };
  const event = { type: "track", event: "Order Completed", userId, properties };
  const wrong = await verb("correct", id, "--event", jsonFile("wrong.json", event));
  expect(wrong).toMatchObject({ code: 1 });
  expect(wrong.output).toMatch(/^refused: contractViolated .*"total" should be a number/);
  const right = jsonFile("right.json", { ...event, properties: { order_id: "1", total: 2 } });
  expect((await verb("correct", id, "--event", right)).output).toMatch(/^applied/);
  expect(await orders()).toBe(1);
});

test("discards with a reason, restores, and tries again", async () => {
  const id = await idOf();
  const discarded = await verb("discard", id, "--reason", "a test", "--by", "ana");
  expect(discarded).toMatchObject({ code: 0 });
  const shown = JSON.parse((await verb("show", id, "--json")).output);
  expect(shown).toMatchObject({ state: "discarded", discarded: { by: "ana", reason: "a test" } });
  expect((await verb("restore", id)).output).toMatch(/done +1/);
  expect((await verb("retry", id)).output).toMatch(/refused +contractViolated 1/);
});

test("says what is wrong with the command, and with the server", async () => {
  const usage = async (...args: readonly string[]) =>
    expect(await verb(...args), args.join(" ")).toMatchObject({ code: 2 });
  await usage("mend");
  await usage("discard");
  await usage("show");
  await usage("discard", "1", "--all");
  await usage("correct", "--all");
  await usage("correct", "--all", "--file", join(folder.path, "missing.json"));
  const all = ["retry", "--all"];
  const nobody = await runVerb(["dead-letters", ...all, "--url", "http://127.0.0.1:9"], {
    environment: { FRESHET_SECRET_KEY: secretKey },
  });
  expect(nobody).toMatchObject({ code: 1 });
  expect(nobody.output).toContain("does not answer");
  const stranger = await runVerb(["dead-letters", ...all, "--url", server.url], {
    environment: { FRESHET_SECRET_KEY: "another" },
  });
  expect(stranger).toMatchObject({ code: 1 });
  expect(stranger.output).toContain("secret key");
});
