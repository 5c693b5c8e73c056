/** Contracts where a plan is loaded, printed and changed. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { contractChanges } from "../../src/app/contract-changes.ts";
import { loadPlan } from "../../src/app/load.ts";
import { printPlan } from "../../src/app/print-plan.ts";
import { describeChange } from "../../src/app/reload.ts";
import { planOfSettings } from "../../src/app/settings.ts";
import type { UsageError } from "../../src/app/usage-error.ts";
import * as p from "../../src/core/plan/index.ts";

const folder = mkdtempSync(join(tmpdir(), "freshet-contracts-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const builders = new URL("../../src/core/plan/index.ts", import.meta.url).pathname;
let count = 0;

async function load(lines: readonly string[]) {
  const file = join(folder, `plan-${count++}.ts`);
  writeFileSync(file, [`import * as p from ${JSON.stringify(builders)};`, ...lines].join("\n"));
  return { file, result: await loadPlan(file, folder).catch((error: UsageError) => error) };
}

describe("a broken schema in a plan's file", () => {
  it.each([
    [
      "a JSON Schema",
      'const schema = p.jsonSchema({ type: "objekt" });',
      'the JSON Schema of event "Opened" (version 1) cannot be used',
    ],
    [
      "an Avro text",
      'const schema = p.avroSchema("{");',
      'the Avro schema of event "Opened" (version 1) cannot be used: the schema is not JSON',
    ],
    [
      "a Protobuf message",
      `const schema = p.protobufSchema('syntax = "proto3"; message A {}', { message: "B" });`,
      'the schema has no message "B"',
    ],
  ])("is an error at its own line: %s", async (_what, line, message) => {
    const { file, result } = await load([
      "// The line after next is the wrong one.",
      "",
      line,
      'const opened = p.event("Opened", schema);',
      'export default p.definePlan({ name: "t", events: [opened], features: [] });',
    ]);
    expect(result).toMatchObject({ name: "UsageError" });
    const { message: said, hint } = result as UsageError;
    expect(said).toContain(message);
    expect(said).toContain(`${file}:4:`);
    expect(hint).toContain("contracts.md");
  });

  it("is told at the event where an up-cast cannot run", async () => {
    const { file, result } = await load([
      "const steps = [",
      '  p.drop("a"),',
      '  p.compute("b", p.trait("plan")),',
      "];",
      'const opened = p.event("Opened", {}, { version: 2, earlier: [p.earlier(1, {}, steps)] });',
      'export default p.definePlan({ name: "t", events: [opened], features: [] });',
    ]);
    expect((result as UsageError).message).toContain("computes from the profile");
    expect((result as UsageError).message).toContain(`${file}:4:`);
  });

  it("is an error of a plan made in code, too", async () => {
    const plan = p.definePlan({
      name: "t",
      events: [p.event("Opened", p.jsonSchema({ type: "objekt" }))],
      features: [],
    });
    await expect(planOfSettings({ plan } as never)).rejects.toMatchObject({
      name: "UsageError",
      message: expect.stringContaining('event "Opened"'),
    });
  });
});

const planOf = (...events: readonly p.DeclaredEvent<unknown>[]) =>
  p.definePlan({ name: "t", events, features: [] });

describe("a plan in words", () => {
  it("names language, version and up-casts of its events", () => {
    const opened = p.event("Opened", p.jsonSchema({ properties: { email: { type: "string" } } }), {
      version: 3,
      earlier: [
        p.earlier(1, { mail: "string" }, ({ mail }) => [
          p.rename("mail", "email"),
          p.setDefault("campaign", "none"),
          p.compute("copy", mail),
          p.drop("old"),
        ]),
        p.earlier(2, {}, [p.upCast("mendOpened", ({ properties }) => properties)]),
      ],
    });
    const paid = p.event("Paid", p.protobufSchema("message Paid {}", { message: "Paid" }));
    const text = printPlan(planOf(p.event("Viewed", { id: "string" }), opened, paid));
    expect(text).toContain(`events (3)
  Viewed { id }
  Opened { email }: JSON Schema, version 3
    1 -> 2: mail becomes email, campaign is "none" where it is missing, copy = event.mail, without old
    2 -> 3: mendOpened()
  Paid: Protobuf Paid
`);
  });
});

describe("a change of plan says what it does to contracts", () => {
  const changes = (was: p.DeclaredEvent<unknown>, is: p.DeclaredEvent<unknown>) =>
    contractChanges(planOf(was).definition, planOf(is).definition);
  const json = (properties: object, required: readonly string[] = []) =>
    p.event("Paid", p.jsonSchema({ type: "object", properties, required }));

  it("and nothing where they stay", () => {
    expect(changes(json({ a: { type: "string" } }), json({ a: { type: "string" } }))).toEqual([]);
    expect(contractChanges(planOf().definition, planOf(json({})).definition)).toEqual([]);
  });

  it("whether what was sent under the old one meets the new one", () => {
    const one = json({ a: { type: "integer" } });
    expect(changes(one, json({ a: { type: "number" } }))).toEqual([
      "contract Paid@1: backward compatible with what it was",
    ]);
    const [said] = changes(json({ a: { type: "number" } }), one);
    expect(said).toMatch(
      /^contract Paid@1: NOT backward compatible: .*#\/properties\/a.*new version$/,
    );
    expect(
      changes(p.event("Paid", { a: "string?" }), p.event("Paid", { a: "string" }))[0],
    ).toContain("NOT backward compatible");
  });

  it("in what the terminal shows after a save", () => {
    const contracts = changes(json({ a: {} }), json({}, ["b"]));
    const change = { epoch: 2, added: [], removed: [], changed: ["event Paid"], contracts };
    expect(describeChange(change)).toMatch(
      /^plan reloaded \(epoch 2\)\n {2}~ event Paid\n {2}! contract Paid@1: NOT backward compatible: /,
    );
  });

  it("and of another language, that they cannot be compared", () => {
    expect(changes(json({}), p.event("Paid", p.protobufSchema("message A {}")))[0]).toContain(
      "declared in PROTOBUF instead of JSON",
    );
  });

  it("of a new version, whether the old one still comes", () => {
    const one = p.event("Paid", { a: "string" });
    const kept = p.event(
      "Paid",
      { b: "string" },
      {
        version: 2,
        earlier: [p.earlier(1, { a: "string" }, [p.rename("a", "b")])],
      },
    );
    expect(changes(one, kept)).toEqual(["contract Paid@2: a new version, and 1 is up-cast"]);
    const lost = p.event("Paid", { b: "string" }, { version: 2 });
    expect(changes(one, lost)[0]).toContain("version 1 is not listed any more");
  });
});

it("a plan's module that was kept loads again with its up-casts", async () => {
  const { result } = await load([
    "const opened = p.event('Opened', { b: 'string' }, { version: 2, earlier: [",
    "  p.earlier(1, { a: 'string' }, [p.upCast('mend', ({ properties }) => ({ b: properties.a }))]),",
    "] });",
    "export default p.definePlan({ name: 't', events: [opened], features: [] });",
  ]);
  if (result instanceof Error) throw result;
  const kept = pathToFileURL(join(folder, "plans", `${result.plan.hash}.mjs`)).href;
  const module = (await import(kept)) as { default: p.Plan };
  expect(Object.keys(module.default.functions)).toEqual(["mend"]);
  expect(module.default.hash).toBe(result.plan.hash);
});
