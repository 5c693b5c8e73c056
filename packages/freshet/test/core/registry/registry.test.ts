import { expect, it } from "vitest";
import { utf8 } from "../../../src/adapters/codec/msgpack.ts";
import {
  apply,
  decide,
  emptyRegistry,
  globalScope,
  listPlaces,
  listSchemas,
  listSubjects,
  listVersions,
  type RegistryChange,
  type RegistryCommand,
  RegistryError,
  type RegistryState,
  referrersOf,
  workHere,
} from "../../../src/core/registry/index.ts";
import { changeOf, rowOf } from "../../../src/engine/registry/row.ts";
import { randomOf } from "../../../src/testing/random.ts";
import { withSeed } from "../../../src/testing/seed.ts";
import { fieldLanguage } from "./language.ts";
import { Model, type Outcome } from "./model.ts";
import { randomCommand } from "./random-command.ts";

const fieldWork = workHere(fieldLanguage);
const runs = 60;
const commandsOfRun = 250;

it("does what a list of rows does, whatever it is told, and can be read back from its rows", () =>
  withSeed(import.meta.url, async (seed) => {
    const random = randomOf(seed);
    const seen = new Map<string, number>();
    for (let run = 0; run < runs; run++) {
      const state = emptyRegistry();
      const model = new Model();
      const rows = new Map<string, Uint8Array>();
      for (let step = 0; step < commandsOfRun; step++) {
        const command = randomCommand(random);
        const where = `run ${run}, step ${step}: ${JSON.stringify(command)}`;
        const before = JSON.stringify(observed(state));
        const { outcome, changes } = await runReal(state, command);
        expect(outcome, where).toEqual(model.run(command));
        for (const change of changes) store(rows, change);
        count(seen, command, outcome);
        if ("error" in outcome) expect(JSON.stringify(observed(state)), where).toBe(before);
        expect(observed(state), where).toEqual(observedModel(model));
      }
      checkIndexes(state);
      expect(observed(reload(rows))).toEqual(observed(state));
      expect(reload(rows).nextId).toBe(state.nextId);
    }
    // What the random commands never reach was not compared.
    for (const code of [
      40401, 40402, 40404, 40405, 40406, 40407, 40901, 42201, 42205, 42206, 42207,
    ])
      expect(
        [...seen.keys()].filter((key) => key.endsWith(`:${code}`)),
        `${code}`,
      ).not.toEqual([]);
    for (const kind of ["register", "deleteSubject", "deleteVersion", "setConfig", "setMode"])
      expect(seen.get(`${kind}:done`) ?? 0, kind).toBeGreaterThan(20);
  }));

async function runReal(state: RegistryState, command: RegistryCommand) {
  try {
    const { changes, answer } = await decide(state, fieldWork, command);
    apply(state, changes);
    return { changes, outcome: { answer: plain(answer) } };
  } catch (error) {
    if (error instanceof RegistryError) return { changes: [], outcome: { error: error.errorCode } };
    throw error;
  }
}

/** An answer as the model gives it. */
function plain(answer: unknown): unknown {
  if (typeof answer !== "object" || answer === null || Array.isArray(answer)) return answer;
  if ("content" in answer && "id" in answer && "version" in answer)
    return [answer.id, answer.version];
  return "compatibilityLevel" in answer ? answer.compatibilityLevel : undefined;
}

function count(seen: Map<string, number>, { kind }: RegistryCommand, outcome: Outcome): void {
  const key = `${kind}:${"error" in outcome ? outcome.error : "done"}`;
  seen.set(key, (seen.get(key) ?? 0) + 1);
}

/** Everything that clients can see. */
function observed(state: RegistryState) {
  const subjects = listSubjects(state, "", "all");
  const schemas = listSchemas(state, {
    prefix: "",
    include: "all",
    isLatestOnly: false,
    page: { offset: 0, limit: -1 },
  });
  return {
    live: listSubjects(state, "", "live"),
    deleted: listSubjects(state, "", "deleted"),
    versions: subjects.map((subject) => [subject, listVersions(state, subject, "deleted")]),
    schemas: schemas.map(({ subject, version, id, content }) => [
      subject,
      version,
      id,
      content.schema,
      content.references,
    ]),
    configs: [...state.configs].map(([name, one]) => [name, one.compatibilityLevel]).sort(),
    modes: [...state.modes].sort(),
  };
}

function observedModel(model: Model): ReturnType<typeof observed> {
  const subjects = [...new Set(model.rows.map((row) => row.subject))].sort();
  const isLive = (subject: string) => model.live(subject).length > 0;
  return {
    live: subjects.filter(isLive),
    deleted: subjects.filter((subject) => !isLive(subject)),
    versions: subjects.map((subject) => [
      subject,
      model.all(subject).flatMap((row) => (row.isDeleted ? [row.version] : [])),
    ]),
    schemas: subjects.flatMap((subject) =>
      model
        .all(subject)
        .map((row) => [subject, row.version, row.id, row.text, row.references] as never[]),
    ),
    configs: [...model.levels].sort(),
    modes: [...model.modes].sort(),
  };
}

/** G2 and G4: what the indexes say, built again from nothing. */
function checkIndexes(state: RegistryState): void {
  const used = new Set([...state.subjects.values()].flatMap((all) => all.map(({ id }) => id)));
  expect(new Set(state.schemas.keys())).toEqual(used);
  for (const id of used) {
    const places = [...state.subjects].flatMap(([subject, all]) =>
      all.filter((one) => one.id === id).map(({ version }) => ({ subject, version })),
    );
    expect(listPlaces(state, id, "all")).toEqual(
      places.sort((a, b) =>
        a.subject < b.subject ? -1 : a.subject > b.subject ? 1 : a.version - b.version,
      ),
    );
  }
  for (const [subject, all] of state.subjects)
    for (const { version } of all) {
      const referring = [...state.schemas].filter(([, { references }]) =>
        references.some((one) => one.subject === subject && one.version === version),
      );
      const ids = referring.map(([id]) => id).sort((a, b) => a - b);
      expect(referrersOf(state, { subject, version }, "all")).toEqual(ids);
    }
}

function store(rows: Map<string, Uint8Array>, change: RegistryChange): void {
  const { key, value } = rowOf(change, utf8);
  if (value === null) rows.delete(key);
  else rows.set(key, value);
}

function reload(rows: ReadonlyMap<string, Uint8Array>): RegistryState {
  const state = emptyRegistry();
  for (const [key, value] of [...rows].sort(([a], [b]) => (a < b ? -1 : 1)))
    apply(state, [changeOf(key, utf8.decode(value))]);
  return state;
}

it("keeps the global scope apart from every subject", () => {
  const state = emptyRegistry();
  apply(state, [{ kind: "mode", subject: globalScope, mode: "READONLY" }]);
  expect(listSubjects(state, "", "all")).toEqual([]);
  expect(changeOf("mode/", '"READONLY"')).toEqual({ kind: "mode", subject: "", mode: "READONLY" });
  expect(() => changeOf("mode/a", '"NEVER"')).toThrow('row "mode/a" of the registry');
});
