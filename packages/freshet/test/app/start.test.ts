/** A server in this process, by its configuration. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import {
  type Freshet,
  type FreshetConfig,
  settingsOf,
  startFreshet,
  UsageError,
} from "../../src/app/index.ts";
import * as p from "../../src/core/plan/index.ts";

const cleaners: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const clean of cleaners.splice(0).reverse()) await clean();
});

const ordered = p.event("Order Completed", { total: "number" });
const plan = p.definePlan({
  name: "own",
  events: [ordered],
  features: [p.count("orders", ordered)],
  triggers: [
    p.trigger("thanks", { on: ordered, do: [p.send("crm", { total: ordered.prop.total })] }),
  ],
});
const secret = `whsec_${Buffer.alloc(32, 1).toString("base64")}`;

async function start(config: Partial<FreshetConfig>): Promise<Freshet> {
  const data = mkdtempSync(join(tmpdir(), "freshet-start-"));
  cleaners.push(() => rmSync(data, { recursive: true, force: true }));
  const merged: FreshetConfig = { plan, port: 0, data, logLevel: "silent", ...config };
  const freshet = await startFreshet({ settings: settingsOf(merged, data, {}) });
  cleaners.push(() => freshet.close());
  return freshet;
}

describe("a destination whose url begins with a slash", () => {
  it("is this server, on whatever port it listens", async () => {
    const received: string[] = [];
    const freshet = await start({
      destinations: { crm: { url: "/crm", secret } },
      site: ({ app }) => {
        app.post("/crm", async (request) => {
          received.push(String(request.body));
          return {};
        });
      },
    });
    const event = { event_id: "o1", event_type: "Order Completed", user_id: "ana" };
    await fetch(`${freshet.url}/v1/events`, {
      method: "POST",
      headers: { authorization: `Basic ${btoa(`${freshet.writeKey}:`)}` },
      body: JSON.stringify({ ...event, metadata: { total: 5 } }),
    });
    await expect.poll(() => received.length, { timeout: 5000 }).toBe(1);
    expect(JSON.parse(received[0] ?? "")).toMatchObject({ type: "thanks", data: { total: 5 } });
  });

  it("has its secret looked at before anything is opened", async () => {
    const starting = start({ destinations: { crm: { url: "/crm", secret: "plain" } } });
    await expect(starting).rejects.toThrow(UsageError);
  });
});

describe("trustProxy", () => {
  const ipBehind = async (config: Partial<FreshetConfig>) => {
    const freshet = await start({
      ...config,
      site: ({ app }) => {
        app.get("/ip", async (request) => request.ip);
      },
    });
    const answer = await fetch(`${freshet.url}/ip`, {
      headers: { "x-forwarded-for": "203.0.113.9, 127.0.0.1" },
    });
    return answer.text();
  };

  it("says whose X-Forwarded-For is believed, and nobody's is unless it is set", async () => {
    expect(await ipBehind({})).toBe("127.0.0.1");
    expect(await ipBehind({ trustProxy: "10.0.0.0/8" })).toBe("127.0.0.1");
    expect(await ipBehind({ trustProxy: "loopback, 10.0.0.0/8" })).toBe("203.0.113.9");
    expect(await ipBehind({ trustProxy: ["127.0.0.1", "::1"] })).toBe("203.0.113.9");
    expect(await ipBehind({ trustProxy: true })).toBe("203.0.113.9");
  });

  it("refuses what is no address", async () => {
    for (const trustProxy of ["localhost", "10.0.0.0/33", "10.0.0.0/8/8", "", ["10.0.0"]])
      expect(() => settingsOf({ plan, trustProxy }, "/", {})).toThrow(UsageError);
  });
});
