/** The published suite, run against a server in this process: Freshet conforms, and what does not is found out. */
import { execFile } from "node:child_process";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type ConformanceCase,
  type ConformanceResult,
  conformanceCases,
  freshetProbe,
  runConformance,
  type Target,
} from "../../src/testing/conformance/index.ts";
import { type Fixture, openFixture, secretKey, writeKey } from "../server/fixture.ts";
import { type Defect, openSmallServer } from "./small-server.ts";

let fixture: Fixture;
let target: Target;

beforeEach(async () => {
  fixture = await openFixture();
  await fixture.app.listen({ host: "127.0.0.1", port: 0 });
  const { port } = fixture.app.server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const { disk } = fixture;
  const faults = disk.faults;
  target = {
    url,
    writeKey,
    keyKind: "browser",
    probe: freshetProbe({ url, secretKey }),
    outage: {
      begin: async () => {
        disk.faults = { ...faults, failureShare: 1 };
      },
      end: async () => {
        disk.faults = faults;
      },
    },
  };
});
afterEach(() => fixture.close());

const notPassed = (results: readonly ConformanceResult[]) =>
  results.filter(({ outcome }) => outcome !== "passed").map(({ id, reason }) => `${id}: ${reason}`);

describe("Freshet", () => {
  it("is looked at with a few lines", async () => {
    const { url } = target;
    // snippet: function
    const results = await runConformance({
      url,
      writeKey,
      probe: freshetProbe({ url, secretKey }),
    });
    const failed = results.filter(({ outcome }) => outcome === "failed");
    // end snippet
    expect(failed).toEqual([]);
    const unchecked = results.filter(({ outcome }) => outcome === "notChecked");
    expect(unchecked.map(({ id }) => id)).toEqual(["body-ip", "status-outage"]);
  });

  it("passes every case", async () => {
    const results = await runConformance(target);
    expect(notPassed(results)).toEqual([]);
    expect(results).toHaveLength(conformanceCases.length);
    await fixture.engine.drain();
    const { received, applied, duplicate, rejected, inFlight } = fixture.engine.ledger();
    expect(received).toBe(applied + duplicate + rejected + inFlight);
    expect(duplicate).toBeGreaterThan(4);
  });

  it("passes with the key of a server", async () => {
    const results = await runConformance(
      { ...target, writeKey: "SK", keyKind: "server" },
      { only: ["body", "key"] },
    );
    expect(notPassed(results)).toEqual([]);
  });
});

const limitEvents = ["limit-event-x", "limit-event-i", "limit-event-umlaut", "limit-batch-600-two"];
const preflights = conformanceCases
  .filter((one) => methodsOf(one).includes("OPTIONS"))
  .map(({ id }) => id);

/** What a defect must make fail: these cases and no others. A star stands for any text. */
const wanted: { readonly [defect in Defect]: readonly string[] } = {
  storesNothing: idsWhere((one) => (scriptOf(one).stored ?? []).some(({ count }) => count > 0)),
  storesAllTwice: idsWhere((one) => (scriptOf(one).stored ?? []).some(({ count }) => count > 0)),
  createdInsteadOfOk: idsWhere((one) => wants200(one) && !methodsOf(one).includes("OPTIONS")),
  redirectsSlashes: ["path-*-slash-*", "settings-*"],
  onlyVersioned: ["path-bare-*", "path-telemetry-bare", "settings-bare"],
  settingsOfSegment: ["settings-*"],
  starHeaders: preflights,
  forgetsPreflights: preflights,
  starOrigin: ["cors-*", "settings-*"],
  exposesNothing: ["cors-answer", "cors-refusal"],
  onlyBasic: [
    ...["key-bearer", "key-body", "key-event", "key-query", "key-first-body", "key-body-single"],
    ...["replay-kotlin", "replay-swift", "unload-beacon"],
  ],
  wantsColon: ["key-basic-no-colon"],
  wantsJsonType: [
    ...["key-event", "key-query", "key-body-single", "body-text*", "body-untyped"],
    ...[
      "body-gzip-form",
      "replay-kotlin",
      "body-browser",
      "cors-answer",
      "cors-refusal",
      "unload-keepalive",
    ],
    ...["unload-beacon"],
  ],
  knowsNoGzip: ["body-gzip*", "replay-kotlin", "limit-inflated", "limit-bomb"],
  knowsNoDuplicates: ["id-repeated-*", "id-retry-sent-at", "unload-persisted"],
  comparesBeginnings: ["id-same-beginning"],
  comparesEnds: ["id-same-end"],
  comparesWithoutCase: ["id-case"],
  dropsMissingIds: ["id-missing", "id-null"],
  believesClocks: ["time-clock-*"],
  believesTheFuture: ["time-future"],
  takesArrivalForTime: [
    ...["id-retry-sent-at", "time-offline", "time-month", "time-clock-*", "time-offset"],
    ...["time-python", "time-seconds", "time-nanoseconds", "time-original", "unload-persisted"],
  ],
  dropsBatchContext: ["body-batch-context"],
  batchContextWins: ["body-batch-context"],
  believesAddresses: ["body-ip"],
  dropsContextTraits: ["body-identify-context"],
  refusesWholeBatches: limitEvents,
  takesLargeEvents: limitEvents,
  takesHalfAMegabyte: ["limit-batch-600", "limit-batch-600-two"],
  takesAnyLength: ["limit-body*", "limit-inflated", "limit-bomb"],
  hidesBadBodies: [
    ...["status-not-json", "status-empty", "status-wrong-shape", "status-not-utf8"],
    ...["status-gzip-cut", "status-encoding", "status-method", "status-keep-alive"],
  ],
  retryAfterIsDate: ["status-outage"],
  closesConnections: ["status-keep-alive"],
};

function scriptOf(one: ConformanceCase): ReturnType<ConformanceCase["script"]> {
  return one.script({
    writeKey: "k",
    now: 0,
    userId: "u",
    anonymousId: "a",
    keyKind: "browser",
    messageId: (name) => name,
  });
}

function exchangesOf(one: ConformanceCase) {
  return scriptOf(one).connections.flatMap(({ exchanges }) => exchanges);
}

function methodsOf(one: ConformanceCase): readonly string[] {
  return exchangesOf(one).map(({ request }) => request.method);
}

function wants200(one: ConformanceCase): boolean {
  return exchangesOf(one).some(({ answer }) => answer?.status.includes(200));
}

function idsWhere(holds: (one: ConformanceCase) => boolean): readonly string[] {
  return conformanceCases.filter(holds).map(({ id }) => id);
}

describe("the suite", () => {
  it("names each case once", () => {
    const ids = conformanceCases.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("passes the least server that does it all", async () => {
    const server = await openSmallServer(null);
    const results = await runConformance(server.target).finally(server.close);
    expect(notPassed(results)).toEqual([]);
  });

  it.each(Object.entries(wanted))(
    "finds a server that %s, and says nothing else",
    async (defect, patterns) => {
      const server = await openSmallServer(defect as Defect);
      const options = { storedMsMax: 300 };
      const results = await runConformance(server.target, options).finally(server.close);
      const failed = results.filter(({ outcome }) => outcome === "failed").map(({ id }) => id);
      const forms = patterns.map((text) => new RegExp(`^${text.replaceAll("*", ".*")}$`));
      expect(failed).toEqual(idsWhere(({ id }) => forms.some((form) => form.test(id))));
      expect(failed.length).toBeGreaterThan(0);
    },
  );

  it("checks answers alone where nobody tells what is stored", async () => {
    const server = await openSmallServer(null);
    const { url, writeKey: key } = server.target;
    const results = await runConformance({ url, writeKey: key }).finally(server.close);
    const ids = (outcome: string) =>
      results.filter((result) => result.outcome === outcome).map(({ id }) => id);
    expect(ids("failed")).toEqual([]);
    expect(ids("passed")).toEqual(
      idsWhere((one) => one.needs === undefined && (scriptOf(one).stored ?? []).length === 0),
    );
    expect(ids("notChecked").length + ids("passed").length).toBe(conformanceCases.length);
  });

  it("says so where there is no server", async () => {
    const [result] = await runConformance(
      { url: "http://127.0.0.1:1", writeKey: "k" },
      { only: ["path-v1-batch"] },
    );
    expect(result).toMatchObject({
      outcome: "failed",
      reason: expect.stringContaining("ECONNREFUSED"),
    });
  });
});

describe("the program", () => {
  const program = fileURLToPath(new URL("../../dist/testing/conformance/main.js", import.meta.url));
  const run = (...args: readonly string[]) =>
    new Promise<{ readonly code: unknown; readonly output: string }>((resolve) => {
      execFile(process.execPath, [program, ...args], (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : error.code, output: stdout + stderr }),
      );
    });

  it("prints a table and exits with 0 for Freshet, with 1 for another server", async () => {
    const { url } = target;
    const keys = ["--url", url, "--write-key", writeKey, "--secret-key", secretKey];
    const good = await run(...keys, "--only", "path-v1,time");
    expect(good.output).toMatch(/\d+ passed, 0 failed, 0 not checked\n$/);
    expect(good.code).toBe(0);
    const server = await openSmallServer("wantsColon");
    const { url: other, writeKey: key } = server.target;
    const bad = await run("--url", other, "--write-key", key, "--json", "--only", "key");
    await server.close();
    expect(bad.code).toBe(1);
    const results = JSON.parse(bad.output) as ConformanceResult[];
    expect(results.filter(({ outcome }) => outcome === "failed")).toMatchObject([
      { id: "key-basic-no-colon", reason: expect.stringContaining("401") },
    ]);
  });

  it("loads a probe of somebody else", async () => {
    const module = fileURLToPath(new URL("own-probe.mjs", import.meta.url));
    const server = await openSmallServer(null);
    const { url, writeKey: key } = server.target;
    process.env.STORED_URL = `${url}/stored`;
    const args = ["--url", url, "--write-key", key, "--only", "id,time,status", "--probe", module];
    const { code, output } = await run(...args);
    await server.close();
    expect(output).toMatch(/\d+ passed, 0 failed, 0 not checked\n$/);
    expect(code).toBe(0);
  });

  it.each([
    [["--write-key", "k"], "--url"],
    [["--url", "http://localhost"], "--write-key"],
    [["--url", "ftp://localhost", "--write-key", "k"], "http"],
    [["--url", "http://localhost", "--write-key", "k", "--only", "none"], "none"],
    [["--url", "http://localhost", "--write-key", "k", "--key-kind", "x"], "browser or server"],
    [["--nonsense"], "--nonsense"],
  ])("exits with 2 for %j", async (args, text) => {
    const { code, output } = await run(...args);
    expect([code, output]).toEqual([2, expect.stringContaining(text)]);
  });
});
