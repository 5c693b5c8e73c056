/** What each policy makes of events that break their contract, or that the plan does not know. */
import { describe, expect, test } from "vitest";
import {
  type Accepted,
  acceptEvents,
  type ContractPolicy,
  compileContracts,
  type EdgePolicy,
  resend,
} from "../../../src/accept/index.ts";
import * as p from "../../../src/core/plan/index.ts";
import { randomOf } from "../../../src/testing/random.ts";
import { withSeed } from "../../../src/testing/seed.ts";
import { googlebot, quiet, siteWith } from "../edge/fixture.ts";
import { onlyEvent, onlyLetter } from "../fixture.ts";

const paid = p.event("Paid", { cents: "integer" });
const noted = p.event(
  "Noted",
  p.jsonSchema({ properties: { tags: { additionalProperties: { type: "string" } } } }),
);
const contracts = compileContracts(
  p.definePlan({ name: "t", events: [paid, noted], features: [] }).definition.events,
);
const siteOf = (policy: ContractPolicy, more: EdgePolicy = {}) =>
  siteWith({ ...quiet, ...more, contracts: policy }, {}, { contracts });
const broken = { event: "Paid", properties: { cents: "five of ana@example.com" } };
const said = (version: number) => ({ context: { protocols: { event_version: version } } });
const counted = ({ context }: ReturnType<typeof siteOf>) =>
  [...context.sources.contracts.entries()].map(
    ({ source, event, version, outcome, count }) =>
      `${source} ${event}@${version} ${outcome} ${count}`,
  );

describe("a broken contract", () => {
  test("is a dead letter that can be corrected, unless said", () => {
    const site = siteOf({});
    const letter = onlyLetter(site.send(broken));
    expect(letter).toMatchObject({ code: "contractViolated", schema: "Paid@1", name: "Paid" });
    expect(letter.event).toMatchObject({ properties: broken.properties });
    const again = { corrects: { letter: 1 }, isVouched: false };
    expect(resend(letter, site.context, again)).toMatchObject({ code: "contractViolated" });
    const mended = { ...(letter.event as object), properties: { cents: 5 } };
    expect(resend(letter, site.context, { ...again, event: mended })).toMatchObject({
      kind: "event",
      record: { event: { corrects: { letter: 1 }, properties: { cents: 5 } } },
    });
    // What comes again from its letter was counted when it came first.
    expect(counted(site)).toEqual(["web Paid@1 deadLetter 1"]);
  });

  test("is marked: applied, with what was expected and never what came", () => {
    const site = siteOf({ violation: "mark" });
    const event = onlyEvent(site.send(broken));
    expect(event).toMatchObject({
      properties: broken.properties,
      notes: ["contractViolated"],
      breach: {
        schema: "Paid@1",
        message: 'event "Paid": "cents" should be a whole number',
        path: "/properties/cents",
      },
    });
    expect(counted(site)).toEqual(["web Paid@1 marked 1"]);
  });

  test("keeps no name that only a client had, where its source is careful", () => {
    const privacy = { fields: [{ path: "properties.email", do: "drop" }] } as const;
    const site = siteOf({ violation: "mark" }, { privacy });
    const event = onlyEvent(site.send({ event: "Noted", properties: { tags: { "ana@b": 5 } } }));
    expect(JSON.stringify(event.breach)).not.toContain("ana");
    expect(event.breach).toEqual({ schema: "Noted@1", message: expect.stringContaining("tags.*") });
  });

  test("is refused: rejected, with its name and the reason, and nothing of its content", () => {
    const site = siteOf({ violation: "refuse" });
    const accepted = site.send({ ...broken, traits: { a: "ana@example.com" } });
    const letter = onlyLetter(accepted);
    expect(letter).toMatchObject({
      ...{ code: "contractViolated", schema: "Paid@1", name: "Paid", event: { event: "Paid" } },
      message: 'event "Paid": "cents" should be a whole number',
    });
    expect(JSON.stringify([letter, accepted.rejected])).not.toContain("ana");
    expect(letter).not.toHaveProperty("form");
    expect(resend(letter, site.context, { corrects: { letter: 1 }, isVouched: true }).kind).toBe(
      "refused",
    );
    expect(counted(site)).toEqual(["web Paid@1 refused 1"]);
  });

  test("is not what an event is refused for that a bot sent", () => {
    const site = siteOf({ violation: "mark" }, { bots: "refuse" });
    const context = { userAgent: googlebot };
    expect(onlyLetter(site.send({ ...broken, context })).code).toBe("botRefused");
    expect(counted(site)).toEqual([]);
  });

  test("tells nothing of an event without consent", () => {
    const consent = { purposes: ["ads"], required: "ads", default: "denied" } as const;
    const site = siteOf({ violation: "mark" }, { consent });
    expect(onlyLetter(site.send(broken)).code).toBe("consentMissing");
    expect(counted(site)).toEqual([]);
  });
});

describe("an event that the plan does not know", () => {
  const odd = { event: "Ana's own", properties: { a: 1 } };
  const outcome = (accepted: Accepted) => {
    const [record] = accepted.records;
    return record?.kind === "event" ? (record.event.notes ?? []) : accepted.rejected[0]?.code;
  };
  test.each([
    [undefined, []],
    ["accept", []],
    ["mark", ["eventUnknown"]],
    ["deadLetter", "eventUnknown"],
    ["refuse", "eventUnknown"],
  ] as const)("with %s", (unknown, expected) => {
    const site = siteOf(unknown === undefined ? {} : { unknown });
    expect(outcome(site.send(odd))).toEqual(expected);
    // Names come from clients: none of them is a label.
    expect(counted(site)).toHaveLength(1);
    expect(counted(site)[0]).toMatch(/^web \(undeclared\)@ /);
    const page = { type: "page", event: undefined, name: "Home" };
    expect(outcome(site.send(page))).toEqual([]);
  });

  test.each([
    [undefined, ["versionUnknown"]],
    ["accept", ["versionUnknown"]],
    ["mark", ["versionUnknown"]],
    ["deadLetter", "eventVersionUnknown"],
    ["refuse", "eventVersionUnknown"],
  ] as const)("by its version, with %s", (unknown, expected) => {
    const site = siteOf(unknown === undefined ? {} : { unknown });
    expect(outcome(site.send({ ...broken, ...said(7) }))).toEqual(expected);
    expect(counted(site)[0]).toMatch(/^web Paid@other /);
  });

  test("is a letter that keeps its event, or its name alone", () => {
    const kept = onlyLetter(siteOf({ unknown: "deadLetter" }).send(odd));
    expect(kept.event).toMatchObject({ event: "Ana's own", properties: { a: 1 } });
    const name = onlyLetter(siteOf({ unknown: "refuse" }).send(odd));
    expect(name.event).toEqual({ event: "Ana's own" });
    expect(name.message).toBe("the plan has no event of this name");
  });
});

test("labels stay few, whatever clients send and however often a plan changes", () => {
  withSeed(import.meta.url, (seed) => {
    const random = randomOf(seed);
    const site = siteOf({ violation: "mark" });
    for (let change = 0; change < 40; change++) {
      const events = Array.from({ length: 100 }, (_, at) => p.event(`E${change}-${at}`, {}));
      const world = {
        ...site.context,
        contracts: compileContracts(events.map(({ definition }) => definition)),
      };
      const [source] = world.sources.list;
      if (source === undefined) throw new Error("there is a source");
      const sent = events.map(({ definition }, at) => ({
        ...{ type: "track", userId: "u", messageId: `${change}-${at}` },
        event: random.chance(0.2) ? `random ${random.next()}` : definition.name,
        context: random.chance(0.2) ? { protocols: { event_version: random.below(1e6) } } : {},
      }));
      acceptEvents({ shape: "segment-batch", events: sent as never, source }, world);
    }
    const rows = [...site.context.sources.contracts.entries()];
    expect(rows.reduce((sum, { count }) => sum + count, 0)).toBe(4000);
    expect(new Set(rows.map(({ event, version }) => `${event} ${version}`)).size).toBeLessThan(
      2003,
    );
  });
});
