/** What `freshet types` writes, by what the compiler makes of programs that use it. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { typesOf } from "../../freshet/src/app/types.ts";
import * as p from "../../freshet/src/core/plan/index.ts";
import { root, runVerb, shopConfig } from "../../freshet/test/process/support/server.ts";

const folder = mkdtempSync(join(tmpdir(), "freshet-types-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const tsc = createRequire(import.meta.url).resolve("typescript/package.json");
const settings = ["--noEmit", "--strict", "--exactOptionalPropertyTypes", "--module", "nodenext"];
const world = [
  "--target",
  "es2023",
  "--lib",
  "es2023,dom",
  "--types",
  "",
  "--skipLibCheck",
  "false",
];

/** Errors of a program, as `line: code`. */
function errorsOf(program: string): Promise<string[]> {
  const file = join(folder, `program-${Math.random().toString(36).slice(2)}.ts`);
  writeFileSync(file, program);
  const args = [join(dirname(tsc), "bin", "tsc"), ...settings, ...world, "--pretty", "false", file];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: folder }, (_error, stdout) => {
      const found = [...stdout.matchAll(/^\S*?program-\w+\.ts\((\d+),\d+\): error (TS\d+)/gm)];
      const others = stdout
        .split("\n")
        .filter((line) => /error/.test(line) && !/program-/.test(line));
      resolve([...found.map(([, line, code]) => `${line}: ${code}`), ...others]);
    });
  });
}

beforeAll(async () => {
  mkdirSync(join(folder, "node_modules", "@freshet"), { recursive: true });
  for (const name of ["sdk", "protocol"])
    symlinkSync(join(root, "packages", name), join(folder, "node_modules", "@freshet", name));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  const out = join(folder, "shop.ts");
  const { code, output } = await runVerb(["types", "--config", shopConfig, "--out", out]);
  expect([code, output]).toEqual([0, ""]);
});

const browser = `import { createFreshet } from "@freshet/sdk";
import type { Shop } from "./shop.ts";
const freshet = createFreshet<Shop>({ writeKey: "wk" });
`;
const node = `import { Freshet } from "@freshet/sdk/node";
import type { Shop } from "./shop.ts";
const freshet = new Freshet<Shop>({ url: "http://localhost:8080", writeKey: "wk" });
`;

describe("a program with the plan's types", () => {
  it("compiles where it is right", async () => {
    const program = `${browser}
freshet.track("Product Viewed", { product_id: "cer-01", price: 64, currency: "EUR" });
freshet.track("Cart Viewed");
const { homeBanner, recommended } = await freshet.decide(["homeBanner", "recommended"], {
  timeoutMs: 200,
  fallback: { homeBanner: { title: "a", text: "b", cta: "c", theme: "d" } },
});
export const title: string | undefined = homeBanner.content?.title;
export const first: string | undefined = recommended.items?.[0]?.product_id;
if (homeBanner.variant === "categoryLover") freshet.track("Products Searched", { query: homeBanner.content.title });
const stop: () => void = freshet.subscribe("greeting", ({ variant, content }) => {
  const known: "sleeping" | "known" | "returning" | "fallback" = variant;
  document.title = known + content.text;
});
stop();
`;
    expect(await errorsOf(program)).toEqual([]);
  });

  it.each([
    ["an unknown event", 'freshet.track("Product Vewed", { product_id: "a" });'],
    ["a property of another type", 'freshet.track("Product Viewed", { product_id: 5 });'],
    [
      "an optional property of another type",
      'freshet.track("Product Viewed", { product_id: "a", price: "64" });',
    ],
    ["a missing property", 'freshet.track("Product Viewed", {});'],
    ["no properties where some are required", 'freshet.track("Product Viewed");'],
    ["an unknown placement", 'void freshet.decide(["homeBaner"]);'],
    [
      "a fallback of another shape",
      'void freshet.decide(["greeting"], { fallback: { greeting: { title: "a" } } });',
    ],
    ["an unknown placement to follow", 'freshet.subscribe("homeBaner", () => {});'],
    ["an unknown variant", 'freshet.subscribe("greeting", ({ variant }) => variant === "vipp");'],
  ])("does not compile with %s", async (_what, line) => {
    const errors = await errorsOf(`${browser}${line}\n`);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatch(/^4: TS/);
  });

  it("is held to the same in Node", async () => {
    const right = `${node}
freshet.track({ userId: "ana", event: "Product Viewed", properties: { product_id: "a", more: 1 } });
freshet.track({ anonymousId: "a1", event: "Cart Viewed" });
const { greeting } = await freshet.decide({ userId: "ana" }, ["greeting"]);
export const text: string | undefined = greeting.content?.text;
`;
    expect(await errorsOf(right)).toEqual([]);
    const wrong = [
      'freshet.track({ userId: "ana", event: "Product Vewed", properties: { product_id: "a" } });',
      'freshet.track({ userId: "ana", event: "Product Viewed", properties: { product_id: 5 } });',
      'freshet.track({ userId: "ana", event: "Product Viewed" });',
      'freshet.track({ event: "Cart Viewed" });',
      'void freshet.decide({ userId: "ana" }, ["homeBaner"]);',
    ];
    const errors = await errorsOf(`${node}${wrong.join("\n")}\n`);
    expect(errors.map((line) => Number.parseInt(line, 10))).toEqual([4, 5, 6, 7, 8]);
  });

  it("takes everything without the types", async () => {
    const program = `import { createFreshet } from "@freshet/sdk";
const freshet = createFreshet({ writeKey: "wk" });
freshet.track("Anything", { at: "all" });
const { any } = await freshet.decide(["any"]);
export const content = any.content?.title;
`;
    expect(await errorsOf(program)).toEqual([]);
  });
});

describe("freshet types", () => {
  it("keeps names that are no identifiers, and texts that are no code", async () => {
    const odd = p.definePlan({
      name: "42 odd",
      events: [
        p.event('a "quoted" */ event\n', { "with-dash": "list?", own: "object", all: "any" }),
      ],
      features: [],
      placements: [
        p.placement("top-bar", {
          fallback: { "a-b": [1, "x", { deep: null }], empty: [], nothing: {}, yes: true },
        }),
      ],
    });
    writeFileSync(join(folder, "odd.ts"), typesOf(odd.definition));
    const program = `import type { Plan42Odd } from "./odd.ts";
type Content = Plan42Odd["placements"]["top-bar"]["content"];
export const content: Content = { "a-b": [1, "x", { deep: null }], empty: [], nothing: {}, yes: false };
export const event: Plan42Odd["events"]['a "quoted" */ event\\n'] = { own: {}, all: 5 };
`;
    expect(await errorsOf(program)).toEqual([]);
  });

  it("writes out schemas of every language, for the newest version", async () => {
    const rich = p.definePlan({
      name: "rich",
      events: [
        p.event(
          "Opened",
          p.jsonSchema({
            type: "object",
            properties: {
              client: { enum: ["web", "phone", 5, null] },
              links: { type: "array", items: { $ref: "#/definitions/Link" } },
              amount: { type: ["number", "null"] },
              either: { anyOf: [{ type: "string" }, { type: "boolean" }] },
              labels: { type: "object", additionalProperties: { type: "integer" } },
            },
            required: ["client"],
            additionalProperties: false,
            definitions: {
              Link: {
                type: "object",
                properties: {
                  url: { type: "string" },
                  more: { type: "array", items: { $ref: "#/definitions/Link" } },
                },
                required: ["url"],
              },
            },
          }),
          { version: 2, earlier: [p.earlier(1, { kind: "string" }, [])] },
        ),
        p.event(
          "Moved",
          p.avroSchema({
            type: "record",
            name: "Moved",
            fields: [
              { name: "device", type: "string" },
              { name: "mode", type: { type: "enum", name: "Mode", symbols: ["walk", "ride"] } },
              { name: "speed", type: ["null", "double"], default: null },
              {
                name: "place",
                type: { type: "record", name: "Place", fields: [{ name: "lat", type: "double" }] },
              },
              { name: "track", type: { type: "array", items: "Place" } },
            ],
          }),
        ),
        p.event(
          "Paid",
          p.protobufSchema(
            `syntax = "proto3"; package shop; import "google/protobuf/timestamp.proto";
             enum Kind { CARD = 0; CASH = 1; }
             message Line { string item = 1; int32 count = 2; Line next = 3; }
             message Paid { repeated Line lines = 1; Kind kind = 2; map<string, double> sums = 3;
               int64 cents = 4; google.protobuf.Timestamp at = 5; }`,
            { message: "shop.Paid" },
          ),
        ),
        p.event("Free", p.jsonSchema({})),
      ],
      features: [],
    });
    writeFileSync(join(folder, "rich.ts"), typesOf(rich.definition));
    const head = `import { createFreshet } from "@freshet/sdk";
import type { Rich } from "./rich.ts";
const freshet = createFreshet<Rich>({ writeKey: "wk" });
`;
    const right = `${head}
freshet.track("Opened", { client: 5, links: [{ url: "a", more: [{}], other: 1 }], amount: null, either: true, labels: { a: 1 } });
freshet.track("Moved", { device: "d", mode: "ride", place: { lat: 1 }, track: [{ lat: 2 }] });
freshet.track("Paid", { lines: [{ item: "a" }], kind: "CASH", sums: { a: 1 }, cents: "5", at: "2026-05-04T00:00:00Z" });
freshet.track("Free", { anything: 1 });
`;
    expect(await errorsOf(right)).toEqual([]);
    const wrong = [
      'freshet.track("Opened", { client: "tv" });',
      'freshet.track("Opened", { client: "web", links: [{}] });',
      'freshet.track("Opened", { client: "web", other: 1 });',
      'freshet.track("Opened", { client: "web", labels: { a: "b" } });',
      'freshet.track("Moved", { device: "d", mode: "fly", place: { lat: 1 }, track: [] });',
      'freshet.track("Moved", { device: "d", mode: "walk", place: {}, track: [] });',
      'freshet.track("Paid", { lines: [{ item: 5 }] });',
      'freshet.track("Paid", { kind: "CHEQUE" });',
      'freshet.track("Paid", { totl: 5 });',
    ];
    const errors = await errorsOf(`${head}${wrong.join("\n")}\n`);
    expect(errors.map((line) => Number.parseInt(line, 10))).toEqual([4, 5, 6, 7, 8, 9, 10, 11, 12]);
  });

  it("ends where types refer to each other over and over", () => {
    const steps = Array.from({ length: 30 }, (_, at) => [
      `s${at}`,
      {
        type: "object",
        properties: {
          a: { $ref: `#/definitions/s${at + 1}` },
          b: { $ref: `#/definitions/s${at + 1}` },
        },
      },
    ]);
    const doubling = p.event(
      "Doubling",
      p.jsonSchema({
        type: "object",
        properties: { a: { $ref: "#/definitions/s0" } },
        definitions: { ...Object.fromEntries(steps), s30: { type: "string" } },
      }),
    );
    const plan = p.definePlan({ name: "t", events: [doubling], features: [] });
    expect(typesOf(plan.definition).length).toBeLessThan(1_000_000);
  });

  it("prints, names the type as asked, and refuses what is no name", async () => {
    const written = readFileSync(join(folder, "shop.ts"), "utf8");
    const printed = await runVerb(["types", "--config", shopConfig, "--name", "Mine"]);
    expect(printed.output).toBe(written.replace("interface Shop", "interface Mine"));
    const refused = await runVerb(["types", "--config", shopConfig, "--name", "no name"]);
    expect(refused.code).toBe(2);
    expect(refused.output).toContain("use letters");
  });
});
