/** Settings of sources: what is wrong is named with what was expected, and what is right does what it says. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createSources } from "../../src/app/edge.ts";
import { type FreshetConfig, settingsOf, startFreshet, UsageError } from "../../src/app/index.ts";
import { sourceLines } from "../../src/app/print-sources.ts";
import * as p from "../../src/core/plan/index.ts";
import { withSeed } from "../../src/testing/seed.ts";
import { mmdb } from "../accept/edge/mmdb.ts";

const viewed = p.event("Viewed", {});
const plan = p.definePlan({ name: "own", events: [viewed], features: [p.count("views", viewed)] });
const web = { name: "web", writeKey: "WK", kind: "browser" } as const;

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "freshet-sources-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const read = (config: object, environment = {}) =>
  settingsOf({ plan, ...config } as FreshetConfig, folder, environment);

/** Message and hint of the error that a configuration is. */
function errorOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof UsageError) return `${error.message} | ${error.hint}`;
    throw error;
  }
  return "no error";
}

const source = (policy: object) => ({ sources: [{ ...web, ...policy }] });
const rule = (path: unknown, action: unknown = "drop") => ({
  defaults: { privacy: { fields: [{ path, do: action }] } },
});

describe("a wrong setting", () => {
  it.each<[object, string]>([
    [
      source({ rateLimits: {} }),
      '"rateLimits" in source "web" is no setting of Freshet | did you mean "rateLimit"?',
    ],
    [source({ rateLimit: { eventPerSecond: 5 } }), 'did you mean "eventsPerSecond"?'],
    [source({ rateLimit: { burst: 5 } }), 'source "web".rateLimit has no "eventsPerSecond"'],
    [
      source({ rateLimit: { eventsPerSecond: -1 } }),
      'source "web".rateLimit.eventsPerSecond is -1 | it should be a number above 0',
    ],
    [
      source({ rateLimit: { eventsPerSecond: 1, perAddress: { burst: 1 } } }),
      'perAddress has no "eventsPerSecond"',
    ],
    [source({ bots: "marks" }), 'source "web".bots is "marks" | did you mean "mark"?'],
    [source({ bots: true }), "one of mark, refuse, ignore"],
    [source({ botPatterns: "x" }), "a list of texts and regular expressions"],
    [source({ suspicious: { eventsPerSecond: "5" } }), "a number above 0"],
    [source({ context: { geo: "yes" } }), "true or false"],
    [
      source({ allowedOrigins: ["shop.example"] }),
      'allowedOrigins[0] is "shop.example" | it should be a scheme and a host',
    ],
    [source({ privacy: { ip: "hide" } }), "one of keep, mask, drop"],
    [
      source({ privacy: { fields: [{ path: "propertys.email", do: "drop" }] } }),
      'did you mean "properties"?',
    ],
    [
      source({ privacy: { fields: [{ path: "userId", do: "hash" }] } }),
      "move the rule into defaults.privacy",
    ],
    [rule("userId", "mask"), "hash it: masked, several people are one"],
    [rule("userId.name"), '"userId" alone'],
    [rule("properties..email"), "names between dots"],
    [rule("**"), "more than **"],
    [rule("**.**.a"), "not twice in a row"],
    [rule("properties.email", "encrypt"), "one of drop, mask, hash"],
    [
      { defaults: { privacy: { fields: Array(101).fill({ path: "traits.a", do: "drop" }) } } },
      "at most 100",
    ],
    [source({ consent: { purposes: ["analytics"] } }), 'has no "default"'],
    [source({ consent: { purposes: [], default: "denied" } }), "name at least one"],
    [
      source({ consent: { purposes: ["analytics"], required: "analytic", default: "denied" } }),
      'did you mean "analytics"?',
    ],
    [source({ identity: { keys: [] } }), "name at least one"],
    [source({ identity: { keys: [{}] } }), "give one of secret, publicKey and jwks"],
    [source({ identity: { keys: [{ secret: undefined }] } }), "give one of secret"],
    [source({ identity: { keys: [{ secret: "x", jwks: "y" }] } }), "has 2 keys"],
    [
      source({ identity: { keys: [{ secret: "x" }], onMissing: "ignore" } }),
      "one of refuse, anonymous",
    ],
    [source({ contracts: { violation: "drop" } }), "one of mark, deadLetter, refuse"],
    [{ defaults: { contracts: { unknown: true } } }, "one of accept, mark, deadLetter, refuse"],
    [source({ contracts: { violations: "mark" } }), 'did you mean "violation"?'],
    [source({ kind: "mobile" }), "one of browser, server"],
    [{ sources: [{ name: "web", kind: "server" }] }, 'has no "writeKey"'],
    [{ sources: web }, "it should be a list of sources"],
    [{ defaults: { name: "web" } }, '"name" in defaults is no setting'],
    [{ geo: 5 }, "geo is 5"],
    [{ geo: { path: "x" } }, '"path" in geo is no setting'],
  ])("%j is an error that says so", (config, message) =>
    expect(errorOf(() => read(config))).toContain(message),
  );

  it("never repeats a secret", () => {
    for (const config of [
      source({ writeKey: 12345 }),
      source({ identity: { keys: [{ secret: 12345 }] } }),
    ])
      expect(errorOf(() => read(config))).not.toContain("12345");
  });

  it("of any kind anywhere is an error in words, never a crash", () => {
    withSeed(import.meta.url, (seed) => {
      const names = [
        ...["context", "bots", "botPatterns", "suspicious", "rateLimit", "allowedOrigins"],
        ...["privacy", "consent", "identity", "contracts", "other"],
      ];
      const inner = [
        ...[
          "keys",
          "fields",
          "path",
          "do",
          "purposes",
          "default",
          "eventsPerSecond",
          "ip",
          "secret",
        ],
      ];
      const value = fc.letrec<{ tree: unknown }>((tie) => ({
        tree: fc.oneof(
          { maxDepth: 3 },
          fc.constantFrom<unknown>(null, undefined, 1, "", "x", true, Number.NaN, /x/),
          fc.dictionary(fc.constantFrom(...inner), tie("tree")),
          fc.array(tie("tree"), { maxLength: 2 }),
        ),
      })).tree;
      fc.assert(
        fc.property(
          fc.dictionary(fc.constantFrom(...names), value),
          fc.boolean(),
          (policy, own) => {
            const config = own ? source(policy) : { defaults: policy };
            errorOf(() => createSources(read(config), "DK", undefined));
          },
        ),
        { seed, numRuns: 2000 },
      );
    });
  });
});

describe("what settings refer to", () => {
  it("is found missing before anything starts", async () => {
    const make = (config: object, environment = {}) =>
      errorOf(() => createSources(read(config, environment), "DK", undefined));
    const hashing = rule("properties.email", "hash");
    expect(make(hashing)).toContain("set FRESHET_HASH_KEY");
    expect(make(hashing, { FRESHET_HASH_KEY: "short" })).toContain("the hash key has 5 characters");
    expect(make(hashing, { FRESHET_HASH_KEY: "a key of sixteen characters" })).toBe("no error");
    expect(make({ ...hashing, hashKey: "a key of sixteen characters" })).toBe("no error");
    expect(make(source({ identity: { keys: [{ jwks: "none.json" }] } }))).toContain("none.json");
    expect(make(source({ identity: { keys: [{ secret: "short" }] } }))).toContain("HS256 needs 32");
    expect(make(source({ identity: { keys: [{ publicKey: "no PEM" }] } }))).toContain(
      'source "web"',
    );
    expect(make({ sources: [web, { ...web, name: "other" }] })).toContain("the same write key");
    const starting = startFreshet({
      settings: read({ geo: "none.mmdb", port: 0, logLevel: "silent" }),
    });
    await expect(starting).rejects.toThrow("none.mmdb");
  });
});

describe("a source", () => {
  it("has the defaults, its own over them, and the rules of both", () => {
    const settings = read(
      {
        defaults: {
          bots: "refuse",
          privacy: { ip: "mask", fields: [{ path: "userId", do: "hash" }] },
        },
        sources: [
          { ...web, bots: "ignore", privacy: { fields: [{ path: "traits.*", do: "drop" }] } },
          { name: "shop", writeKey: "SK", kind: "server", rateLimit: { eventsPerSecond: 5 } },
        ],
      },
      { FRESHET_HASH_KEY: "a key of sixteen characters" },
    );
    expect(sourceLines(settings)).toEqual([
      '"default" (browser): adds device, campaign; bots: refuse; mask the address; hash userId',
      '"web" (browser): adds device, campaign; bots: ignore; mask the address; hash userId; drop traits.*',
      '"shop" (server): adds device, campaign; bots: refuse; at most 5 events/s; mask the address; hash userId',
    ]);
    const { byKey, keyless } = createSources(settings, "DK", undefined);
    expect(byKey.get("SK")?.edge?.rate).toBeDefined();
    expect(byKey.get("DK")?.edge?.bots).toBe("refuse");
    expect(keyless?.privacy).toBeDefined();
  });

  it("has what its contracts say over what the defaults say, each by itself", () => {
    const settings = read({
      defaults: { contracts: { violation: "refuse", unknown: "mark" } },
      sources: [{ ...web, contracts: { violation: "mark" } }],
    });
    expect(sourceLines(settings).map((line) => line.split("; ").slice(2))).toEqual([
      ["broken contracts: refuse", "unknown events: mark"],
      ["broken contracts: mark", "unknown events: mark"],
    ]);
    const { byKey } = createSources(settings, "DK", undefined);
    expect(byKey.get("WK")?.edge?.contracts).toEqual({ violation: "mark", unknown: "mark" });
  });

  it("that asks for nothing costs nothing", () => {
    const off = { bots: "ignore", context: { device: false, campaign: false } };
    const { list, keyless } = createSources(read({ defaults: off }), "DK", undefined);
    expect([list[0]?.edge, keyless]).toEqual([undefined, undefined]);
  });
});

describe("a server", () => {
  it("writes places and keeps what rules leave, for the default source as well", async () => {
    const networks = [{ network: "127.0.0.0/8", record: { country_code: "DE" } }];
    writeFileSync(join(folder, "places.mmdb"), mmdb(networks, 1_760_000_000));
    const config = {
      ...{ port: 0, logLevel: "silent", data: join(folder, "data"), geo: "places.mmdb" },
      defaults: { privacy: { ip: "drop", fields: [{ path: "traits.*", do: "drop" }] } },
    };
    const freshet = await startFreshet({ settings: read(config) });
    try {
      const event = {
        event_id: "e1",
        event_type: "Viewed",
        user_id: "ana",
        context: { traits: { a: 1 } },
      };
      await fetch(`${freshet.url}/v1/events`, {
        method: "POST",
        headers: {
          authorization: `Basic ${btoa(`${freshet.writeKey}:`)}`,
          "user-agent": "curl/8.0",
        },
        body: JSON.stringify(event),
      });
      const record = freshet.engine.record(freshet.engine.journey("e1")?.offset ?? -1);
      expect(record?.kind === "event" && record.event.context).toEqual({
        ...{ traits: {}, userAgent: "curl/8.0", bot: true, device: { class: "bot" } },
        geo: { country: "DE", version: 1_760_000_000 },
      });
    } finally {
      await freshet.close();
    }
  });
});
