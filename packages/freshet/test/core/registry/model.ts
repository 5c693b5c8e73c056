/**
 * The registry as a list of rows that every question walks through: what the real one must agree with. It knows
 * nothing of indexes, changes or stores.
 */
import {
  type CompatibilityLevel,
  globalScope,
  type KnownSchema,
  type Mode,
  type RegistryCommand,
  type SchemaReference,
} from "../../../src/core/registry/index.ts";
import { fieldLanguage } from "./language.ts";

interface Row {
  readonly subject: string;
  readonly version: number;
  readonly id: number;
  readonly text: string;
  readonly references: readonly SchemaReference[];
  isDeleted: boolean;
}

/** What a command comes to: an answer, or the number of its error. */
export type Outcome = { readonly answer: unknown } | { readonly error: number };

class Refused extends Error {
  readonly code: number;

  constructor(code: number) {
    super(String(code));
    this.code = code;
  }
}

function refuseIf(isRefused: boolean, code: number): void {
  if (isRefused) throw new Refused(code);
}

export class Model {
  rows: Row[] = [];
  #nextId = 1;
  readonly levels = new Map<string, CompatibilityLevel>();
  readonly modes = new Map<string, Mode>();

  run(command: RegistryCommand): Outcome {
    try {
      return { answer: this.#run(command) };
    } catch (error) {
      if (error instanceof Refused) return { error: error.code };
      throw error;
    }
  }

  live(subject: string): Row[] {
    return this.rows.filter((row) => row.subject === subject && !row.isDeleted);
  }

  all(subject: string): Row[] {
    return this.rows.filter((row) => row.subject === subject);
  }

  #run(command: RegistryCommand): unknown {
    const { subject } = command;
    switch (command.kind) {
      case "register":
        return this.#register(subject, command.request);
      case "deleteSubject":
        return this.#deleteSubject(subject, command.isPermanent);
      case "deleteVersion":
        return this.#deleteVersion(subject, command.version, command.isPermanent);
      case "setConfig": {
        refuseIf(this.#isReadOnly(subject), 42205);
        const level = command.config.compatibilityLevel;
        if (level !== undefined) this.levels.set(subject, level);
        return level;
      }
      case "deleteConfig": {
        const level = this.levels.get(subject);
        refuseIf(level === undefined && subject !== globalScope, 40401);
        refuseIf(this.#isReadOnly(subject), 42205);
        this.levels.delete(subject);
        return level;
      }
      case "setMode":
        return this.#setMode(subject, command.mode, command.isForced);
      case "deleteMode": {
        const mode = this.modes.get(subject);
        refuseIf(mode === undefined, 40401);
        this.modes.delete(subject);
        return mode;
      }
    }
  }

  #mode(subject: string): Mode {
    const all = this.modes.get(globalScope) ?? "READWRITE";
    return all === "READONLY_OVERRIDE" ? all : (this.modes.get(subject) ?? all);
  }

  #isReadOnly(subject: string): boolean {
    return this.#mode(subject).startsWith("READONLY");
  }

  #parse(text: string, references: readonly SchemaReference[]) {
    const found: { name: string; schema: string }[] = [];
    const walk = (list: readonly SchemaReference[]): void => {
      for (const { name, subject, version } of list) {
        const row = this.rows.find((one) => one.subject === subject && one.version === version);
        if (row === undefined) throw new Refused(42201);
        const known = found.find((one) => one.name === name);
        refuseIf(known !== undefined && known.schema !== row.text, 42201);
        if (known !== undefined) continue;
        walk(row.references);
        found.push({ name, schema: row.text });
      }
    };
    walk(references);
    try {
      return fieldLanguage.parse({ schemaType: "AVRO", schema: text }, found);
    } catch {
      throw new Refused(42201);
    }
  }

  #register(
    subject: string,
    request: (RegistryCommand & { kind: "register" })["request"],
  ): unknown {
    const references = request.references.map((one) => {
      const live = this.live(one.subject);
      const row =
        one.version === -1 ? live.at(-1) : live.find((row) => row.version === one.version);
      if (row === undefined) throw new Refused(42201);
      return { ...one, version: row.version };
    });
    const known = this.#parse(request.schema, references);
    const text = request.normalize ? known.normalized() : known.canonical;
    const isSame = (row: Row) =>
      row.text === text && JSON.stringify(row.references) === JSON.stringify(references);
    const live = this.live(subject);
    const same = live.findLast(isSame);
    if (same !== undefined && (request.version ?? same.version) === same.version) {
      refuseIf(request.id !== undefined && request.id !== same.id, 42207);
      return [same.id, same.version];
    }
    refuseIf(this.#isReadOnly(subject), 42205);
    const isImport = this.#mode(subject) === "IMPORT";
    refuseIf(isImport !== (request.id !== undefined), 42205);
    const next = Math.max(0, ...this.all(subject).map((row) => row.version)) + 1;
    if (!isImport) {
      refuseIf(request.version !== undefined && request.version !== next, 42201);
      refuseIf(!this.#isCompatible(subject, known, live), 40901);
    }
    const version = request.version ?? next;
    const ids = this.rows.filter(isSame).map((row) => row.id);
    const id = request.id ?? (ids.length > 0 ? Math.min(...ids) : this.#nextId);
    refuseIf(
      this.rows.some((row) => row.id === id && !isSame(row)),
      42205,
    );
    const replaced = this.all(subject).find((row) => row.version === version);
    if (replaced !== undefined) refuseIf(this.#isReferenced([replaced], this.rows), 42206);
    this.rows = this.rows.filter((row) => row !== replaced);
    this.rows.push({ subject, version, id, text, references, isDeleted: false });
    this.rows.sort((a, b) => a.version - b.version);
    this.#nextId = Math.max(this.#nextId, id + 1);
    return [id, version];
  }

  #isCompatible(subject: string, known: KnownSchema, live: readonly Row[]): boolean {
    const level = this.levels.get(subject) ?? this.levels.get(globalScope) ?? "BACKWARD";
    const compared = level.endsWith("_TRANSITIVE") ? live : live.slice(-1);
    return compared.every((row) => {
      const previous = this.#parse(row.text, row.references);
      const reads = (direction: "backward" | "forward") =>
        fieldLanguage.differences(direction, known, previous).length === 0;
      if (level === "NONE") return true;
      if (level.startsWith("BACKWARD")) return reads("backward");
      if (level.startsWith("FORWARD")) return reads("forward");
      return reads("backward") && reads("forward");
    });
  }

  /** Whether something outside of these rows refers to one of them. */
  #isReferenced(rows: readonly Row[], referring: readonly Row[]): boolean {
    // An id that stays in another place keeps its references, whichever place was looked at.
    const staying = this.rows.filter((row) => !rows.includes(row));
    return rows.some(({ subject, version }) =>
      referring.some(
        (row) =>
          staying.some((one) => one.id === row.id) &&
          row.references.some((one) => one.subject === subject && one.version === version),
      ),
    );
  }

  #deleteSubject(subject: string, isPermanent: boolean): unknown {
    const [all, live] = [this.all(subject), this.live(subject)];
    refuseIf(all.length === 0, 40401);
    refuseIf(!isPermanent && live.length === 0, 40404);
    refuseIf(this.#isReadOnly(subject), 42205);
    refuseIf(isPermanent && live.length > 0, 40405);
    const rows = isPermanent ? all : live;
    this.#remove(rows, isPermanent);
    return rows.map((row) => row.version);
  }

  #deleteVersion(subject: string, name: number | "latest", isPermanent: boolean): unknown {
    const all = this.all(subject);
    refuseIf(all.length === 0, 40401);
    const latest = this.live(subject).at(-1) ?? (isPermanent ? all.at(-1) : undefined);
    const row = name === "latest" ? latest : all.find((one) => one.version === name);
    if (row === undefined) throw new Refused(40402);
    refuseIf(!isPermanent && row.isDeleted, 40406);
    refuseIf(this.#isReadOnly(subject), 42205);
    refuseIf(isPermanent && !row.isDeleted, 40407);
    this.#remove([row], isPermanent);
    return row.version;
  }

  #remove(rows: readonly Row[], isPermanent: boolean): void {
    const referring = isPermanent ? this.rows : this.rows.filter((row) => !row.isDeleted);
    refuseIf(this.#isReferenced(rows, referring), 42206);
    if (isPermanent) {
      this.rows = this.rows.filter((row) => !rows.includes(row));
      return;
    }
    for (const row of rows) row.isDeleted = true;
    for (const { subject } of rows) {
      if (this.live(subject).length > 0) continue;
      this.levels.delete(subject);
      this.modes.delete(subject);
    }
  }

  #setMode(subject: string, mode: Mode, isForced: boolean): unknown {
    if (mode === "IMPORT" && !isForced && this.#mode(subject) !== "IMPORT") {
      const rows = subject === globalScope ? this.rows : this.all(subject);
      refuseIf(
        rows.some((row) => !row.isDeleted),
        42205,
      );
      refuseIf(this.#isReferenced(rows, this.rows), 42206);
      this.rows = this.rows.filter((row) => !rows.includes(row));
    }
    this.modes.set(subject, mode);
    return mode;
  }
}
