/** What scripts do: curl, with nothing but what its manual says. */
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeFolder, type TestFolder } from "../../process/support/folder.ts";
import { writeKey } from "../../process/support/server.ts";
import {
  expectApplied,
  expectSix,
  openStage,
  type Stage,
  sixCalls,
  timeOfCalls,
  viewsOf,
} from "../support/stage.ts";

let stage: Stage;
let folder: TestFolder;

beforeEach(async () => {
  stage = await openStage();
  folder = await makeFolder();
});
afterEach(async () => {
  await stage.close();
  await folder.remove();
});

const json = ["--header", "Content-Type: application/json"];
const user = ["--user", `${writeKey}:`];

/** Status and body; `curl` itself must succeed. */
function curl(path: string, ...args: readonly string[]) {
  const all = ["--silent", "--show-error", "--write-out", "\n%{http_code}", ...args];
  return new Promise<{ readonly status: number; readonly body: string }>((resolve, reject) => {
    execFile("curl", [...all, stage.network.url + path], (error, stdout) => {
      if (error !== null) return reject(error);
      const [, body = "", status] = /^([\s\S]*)\n(\d+)$/.exec(stdout) ?? [];
      resolve({ status: Number(status), body });
    });
  });
}

const context = { library: { name: "curl" } };
const view = (messageId: string) =>
  JSON.stringify({
    userId: "ana",
    event: "Product Viewed",
    messageId,
    properties: { product_id: "cer-01" },
  });

describe("curl", () => {
  it("delivers all six calls", async () => {
    const time = timeOfCalls();
    for (const { type, ...call } of sixCalls("ana", time)) {
      const body = JSON.stringify({ ...call, context });
      const { status } = await curl(`/v1/${type}`, ...user, ...json, "--data", body);
      expect(status).toBe(200);
    }
    await expectApplied(stage, 6);
    await expectSix(stage, { profileId: "ana", library: "curl", time });
  });

  it("delivers what --data calls a form, and a compressed file", async () => {
    expect((await curl("/v1/track", ...user, "--data", view("m1"))).status).toBe(200);
    const file = join(folder.path, "batch.json.gz");
    const batch = `{"batch":[${view("m2").replace("{", '{"type":"track",')}]}`;
    await writeFile(file, gzipSync(batch));
    const packed = ["--header", "Content-Encoding: gzip", "--data-binary", `@${file}`];
    expect((await curl("/v1/batch", ...user, ...json, ...packed)).status).toBe(200);
    await expectApplied(stage, 2);
    expect(await viewsOf(stage, "ana")).toBe(2);
  });

  it("is told that a file is too large, whether it waits for leave or not", async () => {
    const file = join(folder.path, "large.json");
    await writeFile(file, JSON.stringify({ batch: [{ text: "x".repeat(1_500_000) }] }));
    for (const expectation of ["Expect: 100-continue", "Expect:"]) {
      const args = ["--header", expectation, "--data-binary", `@${file}`];
      const direct = stage.url();
      const sent = await new Promise<string>((resolve) => {
        const all = [
          "--silent",
          "--output",
          join(folder.path, "out"),
          "--write-out",
          "%{http_code}",
        ];
        execFile("curl", [...all, ...user, ...args, `${direct}/v1/batch`], (_error, stdout) =>
          resolve(stdout),
        );
      });
      expect([expectation, sent]).toEqual([expectation, "413"]);
    }
  });

  it.each([
    ["429", { kind: "refuse", code: "overloaded" }],
    ["503", { kind: "refuse", code: "logUnavailable" }],
    ["a lost answer", { kind: "cutAnswer" }],
  ] as const)(
    "with --retry sends again after %s, and the event counts once",
    async (_what, fault) => {
      let isFirst = true;
      stage.network.plan(() => {
        if (!isFirst) return { kind: "none" };
        isFirst = false;
        return fault;
      });
      const retry = ["--retry", "3", "--retry-all-errors"];
      const { status } = await curl("/v1/track", ...user, ...json, ...retry, "--data", view("m1"));
      expect(status).toBe(200);
      await expectApplied(stage, 1);
      expect(await viewsOf(stage, "ana")).toBe(1);
    },
  );
});
