/** The published suite as its users run it: the program against the built server, over plain connections and TLS. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterEach, expect, it } from "vitest";
import { secretKey, writeKey } from "../../process/support/server.ts";
import { makeCertificate } from "../support/certificate.ts";
import { openStage, type Stage } from "../support/stage.ts";

const program = fileURLToPath(
  new URL("../../../dist/testing/conformance/main.js", import.meta.url),
);

let stage: Stage;
afterEach(() => stage.close());

/** What it prints; rejects when it says that something failed. */
function run(url: string, ...args: readonly string[]): Promise<string> {
  const keys = ["--url", url, "--write-key", writeKey, "--secret-key", secretKey];
  // The certificate is one that nobody signed.
  const env = { ...process.env, NODE_TLS_REJECT_UNAUTHORIZED: "0" };
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [program, ...keys, ...args], { env }, (error, stdout) =>
      error === null ? resolve(stdout) : reject(new Error(stdout, { cause: error })),
    );
  });
}

it("passes the server that users start", async () => {
  stage = await openStage();
  const output = await run(stage.url(), "--key-kind", "browser");
  expect(output).toMatch(/\n\d+ passed, 0 failed, 1 not checked\n$/);
  expect(output).toMatch(/status-outage +not checked/);
});

it("passes it over TLS", async () => {
  stage = await openStage(makeCertificate());
  const output = await run(stage.network.url, "--only", "key,id,time,cors");
  expect(stage.network.url).toMatch(/^https:/);
  expect(output).toMatch(/\n\d+ passed, 0 failed, 0 not checked\n$/);
});
