import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { SchemaContent } from "../../core/registry/index.ts";
import type { SchemaLookUp, SchemaRegistry } from "../../engine/port/schema-registry.ts";

/** One registry, empty at first. What an implementation cannot do in a test is left out. */
export interface RegistryPlace {
  open(): Promise<SchemaRegistry & SchemaLookUp>;
  /**
   * What served the registry ends as processes end that are killed; the next `open` serves it again, and what was
   * opened before is left as it is until `remove`.
   */
  crash?(): Promise<void>;
  /** While true nothing answers. */
  fail?(isFailing: boolean): Promise<void>;
  remove(): Promise<void>;
}

/** The guarantees R1 to R3 of `engine/port/schema-registry.ts`, for any implementation. */
export function registryContract(name: string, makePlace: () => Promise<RegistryPlace>): void {
  describe(`registry contract: ${name}`, () => {
    let place: RegistryPlace;
    let registry: SchemaRegistry & SchemaLookUp;
    beforeEach(async () => {
      place = await makePlace();
      registry = await place.open();
    });
    afterEach(async () => {
      await registry.close();
      await place.remove();
    });

    it("gives an id for a schema, and the schema for the id", async () => {
      const id = await registry.register("a", record("A", "x"));
      expect(await registry.find(id)).toEqual(record("A", "x"));
      expect(await registry.latest("a")).toEqual({
        ...{ subject: "a", version: 1, id },
        content: record("A", "x"),
      });
    });

    it("R3 gives the same id for the same schema, also under another subject", async () => {
      const id = await registry.register("a", record("A", "x"));
      expect(await registry.register("a", record("A", "x"))).toBe(id);
      expect(await registry.register("b", record("A", "x"))).toBe(id);
      expect((await registry.latest("a")).version).toBe(1);
    });

    it("shows the newest version, and each by its number", async () => {
      const first = await registry.register("a", record("A", "x"));
      expect((await registry.latest("a")).id).toBe(first);
      const second = await registry.register("a", record("A", "x", "y"));
      expect(second).not.toBe(first);
      expect((await registry.latest("a")).id).toBe(second);
      expect((await registry.version("a", 1)).id).toBe(first);
      expect((await registry.version("a", 2)).id).toBe(second);
      expect(await registry.find(first)).toEqual(record("A", "x"));
    });

    it("finds a schema that is there, and registers none by looking", async () => {
      const id = await registry.register("a", record("A", "x"));
      await registry.register("a", record("A", "x", "y"));
      const content = record("A", "x");
      expect(await registry.lookUp("a", content)).toEqual({
        subject: "a",
        version: 1,
        id,
        content,
      });
      const kind = (name: string) => expect.objectContaining({ kind: name });
      await expect(registry.lookUp("b", content)).rejects.toEqual(kind("subjectNotFound"));
      await expect(registry.lookUp("a", record("A"))).rejects.toEqual(kind("schemaNotFound"));
      expect((await registry.latest("a")).version).toBe(2);
    });

    it("takes subjects of any letters", async () => {
      for (const subject of ["a/b", "100%", "ünï ö?#", "a+b"]) {
        const id = await registry.register(subject, record("A", "x"));
        expect(await registry.latest(subject)).toMatchObject({ subject, id });
      }
    });

    it("resolves references through several schemas, each before those that use it", async () => {
      await registry.register("a", record("A", "x"));
      await registry.register("b", referring("B", "A", "a"));
      const top = referring("C", "B", "b");
      const id = await registry.register("c", top);
      const found = await registry.references(await registry.find(id));
      expect(found.map((one) => one.name)).toEqual(["A", "B"]);
      expect(found[0]?.schema).toBe(record("A", "x").schema);
    });

    it("refuses in the registry's words, and goes on", async () => {
      const kind = (name: string) => expect.objectContaining({ kind: name });
      await expect(registry.find(99)).rejects.toEqual(kind("schemaNotFound"));
      await expect(registry.latest("none")).rejects.toEqual(kind("subjectNotFound"));
      const broken = { ...record("A"), schema: "{" };
      await expect(registry.register("a", broken)).rejects.toEqual(kind("schemaInvalid"));
      await registry.register("a", record("A", "x"));
      await expect(registry.version("a", 2)).rejects.toEqual(kind("versionNotFound"));
      const other = { ...record("A"), schema: '"string"' };
      await expect(registry.register("a", other)).rejects.toEqual(kind("incompatible"));
      expect((await registry.latest("a")).version).toBe(1);
    });

    it("takes registrations of one subject at once, and gives each a version", async () => {
      const names = Array.from({ length: 20 }, (_, index) => `f${index}`);
      const all = names.map((field) => record("A", field));
      const ids = await Promise.all([...all, ...all].map((one) => registry.register("a", one)));
      expect(new Set(ids).size).toBe(20);
      expect(ids.slice(0, 20)).toEqual(ids.slice(20));
      expect((await registry.latest("a")).version).toBe(20);
    });

    it("R1 R2 keeps what it gave when what serves it is killed", async (test) => {
      if (place.crash === undefined) return test.skip();
      const given = new Map<number, SchemaContent>();
      for (let round = 0; round < 3; round++) {
        const fields = Array.from({ length: 5 }, (_, index) => `r${round}x${index}`);
        for (const content of fields.map((field) => record("A", field)))
          given.set(await registry.register(`s${round}`, content), content);
        void registry.register("torn", record("A", `torn${round}`)).catch(() => {});
        await place.crash();
        registry = await place.open();
        for (const [id, content] of given) expect(await registry.find(id)).toEqual(content);
      }
      expect(given.size).toBe(15);
    });

    it("says so where there is no answer, and works again after", async (test) => {
      if (place.fail === undefined) return test.skip();
      const id = await registry.register("a", record("A", "x"));
      await place.fail(true);
      const missing = registry.latest("a");
      await expect(missing).rejects.toMatchObject({ code: "registryUnavailable", retryable: true });
      await place.fail(false);
      expect((await registry.latest("a")).id).toBe(id);
    });
  });
}

/** With fields that all have defaults, so that each version can follow each. */
function record(name: string, ...names: readonly string[]): SchemaContent {
  const fields = names.map((field) => ({ name: field, type: "string", default: "" }));
  const schema = JSON.stringify({ type: "record", name, fields });
  return { schemaType: "AVRO", schema, references: [] };
}

function referring(name: string, to: string, subject: string): SchemaContent {
  const fields = [{ name: "other", type: to }];
  return {
    schemaType: "AVRO",
    schema: JSON.stringify({ type: "record", name, fields }),
    references: [{ name: to, subject, version: 1 }],
  };
}
