import { setTimeout as sleep } from "node:timers/promises";
import { type Json, type JsonObject, readJson } from "@freshet/protocol";
import type { LetterFilter, LetterVerb } from "../../core/letter.ts";
import type { LetterKind } from "../../engine/dead-letter-kinds.ts";
import { isFolder } from "../folder.ts";
import { keysOf } from "../keys.ts";
import { type PlaceOptions, readSettings } from "../settings.ts";
import { UsageError } from "../usage-error.ts";

/** A running server, as its owner talks to it. */
export interface LetterServer {
  readonly url: string;
  readonly secretKey: string;
}

/** What answers have of a letter, of a run, and of all of them. */
export interface LetterRow {
  readonly id: string;
  readonly messageId: string;
  readonly code: string;
  readonly message: string;
  readonly path?: string;
  readonly source: string;
  readonly name?: string;
  readonly at: number;
  readonly lastAt: number;
  readonly time?: number;
  readonly count: number;
  readonly state: string;
  readonly event?: Json;
}

export interface LetterSummary {
  readonly waiting: number;
  readonly sent: number;
  readonly discarded: number;
  readonly total: number;
  readonly bytes: number;
  readonly dropped: number;
  readonly kinds: readonly LetterKind[];
}

export interface LetterRun {
  readonly id: string;
  readonly verb: LetterVerb;
  readonly status: "running" | "done" | "cancelled" | "failed";
  readonly by: string;
  readonly startedAt: number;
  readonly matched: number;
  readonly applied: number;
  readonly duplicate: number;
  readonly failed: number;
  readonly discarded: number;
  readonly restored: number;
  readonly refused: { readonly [code: string]: number };
  readonly message?: string;
}

/** Filters as the command line and bodies have them: times as texts. */
export type FilterTexts = { readonly [Field in keyof Omit<LetterFilter, "ids">]: string };

/**
 * By `--url` and the secret key of the environment, or, for what is not said, by the configuration and its data folder.
 */
export async function findServer(
  options: PlaceOptions & { readonly url?: string },
): Promise<LetterServer> {
  const given = process.env.FRESHET_SECRET_KEY ?? "";
  if (options.url !== undefined && !URL.canParse(options.url))
    throw new UsageError(`"${options.url}" is no address`, "write it as http://127.0.0.1:8080");
  if (options.url !== undefined && given !== "") return { url: options.url, secretKey: given };
  const settings = await readSettings(options);
  const host = settings.host === "0.0.0.0" ? "127.0.0.1" : settings.host;
  const url = options.url ?? `http://${host}:${settings.port}`;
  if (settings.secretKey !== undefined) return { url, secretKey: settings.secretKey };
  // Reading the keys of a folder that is none would make one.
  if (isFolder(settings.data)) return { url, secretKey: keysOf(settings.data, {}).secretKey };
  throw new UsageError(
    "there is no secret key",
    "set FRESHET_SECRET_KEY, or name the server's data folder with --data",
  );
}

export function getLetters(server: LetterServer, path: string, query: JsonObject = {}) {
  const url = new URL(`/v1/dead-letters${path}`, server.url);
  for (const [name, value] of Object.entries(query))
    if (value !== undefined && value !== null) url.searchParams.set(name, String(value));
  return ask(server, url, undefined);
}

export function postLetters(server: LetterServer, path: string, body: JsonObject) {
  return ask(server, new URL(`/v1/dead-letters/${path}`, server.url), body);
}

/** Looks at a run until it has ended. */
export async function watchRun(
  server: LetterServer,
  first: LetterRun,
  onProgress: (run: LetterRun) => void,
): Promise<LetterRun> {
  let run = first;
  while (run.status === "running") {
    onProgress(run);
    await sleep(pollMs);
    // The answers of this path are runs.
    run = (await getLetters(server, `/jobs/${encodeURIComponent(run.id)}`)) as unknown as LetterRun;
  }
  return run;
}

const pollMs = 300;
/** Longer than a dry run may take. */
const answerMsMax = 30_000;

export async function ask(
  { url, secretKey }: LetterServer,
  address: URL,
  body: JsonObject | undefined,
): Promise<JsonObject> {
  const answer = await fetch(address, {
    method: body === undefined ? "GET" : "POST",
    headers: { authorization: `Bearer ${secretKey}`, "content-type": "application/json" },
    signal: AbortSignal.timeout(answerMsMax),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  }).catch((cause: unknown) => {
    const reason = (cause as { readonly cause?: { readonly code?: string } }).cause?.code ?? cause;
    throw new UsageError(
      `"${url}" does not answer (${String(reason)})`,
      "name the running server with --url",
      1,
    );
  });
  const text = await answer.text();
  if (answer.ok) return readJson(text) as JsonObject;
  throw refused(url, answer.status, text);
}

function refused(url: string, status: number, text: string): UsageError {
  let described: { readonly message?: string; readonly hint?: string } = {};
  try {
    described = (readJson(text) as { readonly error?: typeof described }).error ?? {};
  } catch {
    // Something else than Freshet answered; the status says what there is to say.
  }
  return new UsageError(
    `${url} answered ${status}${described.message === undefined ? "" : `: ${described.message}`}`,
    described.hint ?? "check that the address is that of a Freshet server",
    1,
  );
}
