import { readJson } from "@freshet/protocol";
import type { RegistryChange, SchemaContent, SubjectConfig } from "../../core/registry/index.ts";
import { modes } from "../../core/registry/index.ts";
import type { TextCodec } from "../outbox.ts";
import type { StateChange } from "../port/state-store.ts";

/** Rows of the store, one for each thing that a change puts or deletes. Numbers are padded, so that they sort. */
const digits = 10;
const padded = (number: number) => String(number).padStart(digits, "0");

export function rowOf(change: RegistryChange, text: TextCodec): StateChange {
  const row = (key: string, value: unknown): StateChange => ({
    table: "registry",
    key,
    value: value === null ? null : text.encode(JSON.stringify(value)),
  });
  switch (change.kind) {
    case "schema":
      return row(`schema/${padded(change.id)}`, change.content);
    case "version":
      return row(`version/${padded(change.version)}/${change.subject}`, change.row);
    case "config":
      return row(`config/${change.subject}`, change.config);
    case "mode":
      return row(`mode/${change.subject}`, change.mode);
    case "nextId":
      return row("nextId", change.id);
  }
}

/** The change that a row came from. Throws for a row that no change makes. */
export function changeOf(key: string, value: string): RegistryChange {
  const [, kind = "", rest = ""] = /^(\w+)\/?([\s\S]*)$/.exec(key) ?? [];
  const parsed: unknown = readJson(value);
  const number = Number(rest.slice(0, digits));
  if (kind === "nextId" && Number.isInteger(parsed)) return { kind, id: parsed as number };
  if (kind === "mode") {
    const mode = modes.find((one) => one === parsed);
    if (mode !== undefined) return { kind, subject: rest, mode };
  }
  if (typeof parsed === "object" && parsed !== null) {
    if (kind === "config") return { kind, subject: rest, config: parsed as SubjectConfig };
    if (kind === "schema" && "schemaType" in parsed && Number.isInteger(number))
      return { kind, id: number, content: parsed as SchemaContent };
    if (kind === "version" && "id" in parsed && "isDeleted" in parsed && Number.isInteger(number)) {
      const row = parsed as { readonly id: number; readonly isDeleted: boolean };
      return { kind, subject: rest.slice(digits + 1), version: number, row };
    }
  }
  throw new Error(`row "${key}" of the registry cannot be read`);
}
