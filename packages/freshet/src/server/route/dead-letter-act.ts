import { FreshetError, type Json, type JsonObject } from "@freshet/protocol";
import type { FastifyRequest } from "fastify";
import { readChanges } from "../../accept/index.ts";
import {
  type LetterFilter,
  type LetterJobPlan,
  type LetterVerb,
  letterVerbs,
} from "../../core/letter.ts";
import { requireSecret } from "../auth.ts";
import type { ServerContext } from "../context.ts";
import { jsonObject } from "../json.ts";
import { correctByHand } from "../letter/by-hand.ts";
import { dryRun } from "../letter/dry-run.ts";
import { isEmptyFilter, readFilter, readId, readIds, shape } from "../letter/filter.ts";
import { jobOf } from "./dead-letter.ts";
import { bodyOf, pathText, type Route } from "./route.ts";

const byCharsMax = 200;
const reasonCharsMax = 500;

/** Correcting dead letters, sending them again, discarding and restoring them. */
export function deadLetterActRoutes(server: ServerContext): readonly Route[] {
  const act = (path: string, handle: (request: FastifyRequest) => Promise<unknown>): Route => ({
    method: "POST",
    paths: [`/v1/dead-letters/${path}`],
    kind: "other",
    cors: false,
    async handle(request) {
      requireSecret(request, server.keys);
      return handle(request);
    },
  });
  return [
    ...letterVerbs.map((verb) => act(verb, (request) => run(verb, request, server))),
    act("jobs/:id/cancel", async (request) => {
      const { id } = jobOf(pathText(request, "id"), server);
      server.letters.cancel(id);
      return jobOf(id, server);
    }),
  ];
}

async function run(
  verb: LetterVerb,
  request: FastifyRequest,
  server: ServerContext,
): Promise<unknown> {
  const body = jsonObject(bodyOf(request), request.headers["content-encoding"]);
  const isDryRun = readFlag(body, "dryRun");
  const isVouched = readFlag(body, "vouched");
  if (verb === "correct" && body.event !== undefined) {
    if (body.changes !== undefined) throw shape('send "event" or "changes", not both');
    return correctByHand({ id: readId(body.id), event: body.event, isVouched, isDryRun }, server);
  }
  const reason = readText(body, "reason", reasonCharsMax);
  const asked: Omit<LetterJobPlan, "id" | "before"> = {
    verb,
    filter: filterOf(body),
    by: readText(body, "by", byCharsMax) ?? "secretKey",
    ...(reason === undefined ? {} : { reason }),
    ...(verb === "correct" ? { changes: readChanges(body.changes) } : {}),
    ...(isVouched ? { vouched: true } : {}),
  };
  return isDryRun ? dryRun(asked, server) : server.letters.start(asked);
}

/** All letters are meant only where that is said: a filter that was forgotten must not discard everything. */
function filterOf({ id, ids, filter, all }: JsonObject): LetterFilter {
  const named = [id, ids, filter].filter((one) => one !== undefined);
  if (named.length > 1 || (named.length > 0 && all !== undefined))
    throw shape('name the letters by one of "id", "ids", "filter" or "all"');
  if (id !== undefined) return { ids: [readId(id)] };
  if (ids !== undefined) return { ids: readIds(ids) };
  if (filter !== undefined) {
    const read = readFilter(filter);
    if (!isEmptyFilter(read)) return read;
    throw shape('an empty filter means nothing; say "all": true for every letter');
  }
  if (all === true) return {};
  throw shape('which letters are meant? Send "id", "ids", "filter", or "all": true');
}

function readFlag(body: JsonObject, field: string): boolean {
  const value: Json | undefined = body[field];
  if (value === undefined || typeof value === "boolean") return value === true;
  throw new FreshetError("requestShape", `"${field}" should be true or false`);
}

function readText(body: JsonObject, field: string, charsMax: number): string | undefined {
  const value = body[field];
  if (value === undefined) return undefined;
  if (typeof value === "string" && value.trim() !== "" && value.length <= charsMax) return value;
  throw shape(`"${field}" should be a text of 1 to ${charsMax} characters`);
}
