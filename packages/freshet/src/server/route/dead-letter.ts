import { FreshetError } from "@freshet/protocol";
import type { FastifyRequest } from "fastify";
import {
  type LetterStateName,
  letterStates,
  type StoredDeadLetter,
} from "../../engine/dead-letter.ts";
import { requireSecret } from "../auth.ts";
import type { ServerContext } from "../context.ts";
import { letterOf } from "../letter/by-hand.ts";
import { filterOfQuery, matcherOf, readId, shape } from "../letter/filter.ts";
import { letterView } from "../letter/view.ts";
import { rowsOf, wholeNumber } from "./list.ts";
import { pathText, queryText, type Route } from "./route.ts";

/** Letters that one request looks at; what lies behind them is on its next page. */
const lookedAtMax = 5000;
const lookedAtOnce = 200;

/** Looking at dead letters; `dead-letter-act.ts` changes them. */
export function deadLetterRoutes(server: ServerContext): readonly Route[] {
  const look = (path: string, handle: (request: FastifyRequest) => Promise<unknown>): Route => ({
    method: "GET",
    paths: [`/v1/dead-letters${path}`],
    kind: "other",
    cors: false,
    async handle(request) {
      requireSecret(request, server.keys);
      return handle(request);
    },
  });
  return [
    look("", (request) => list(request, server)),
    look("/summary", async () => server.engine.deadLetters.summary()),
    look("/jobs", async () => ({ jobs: server.letters.list() })),
    look("/jobs/:id", async (request) => jobOf(pathText(request, "id"), server)),
    look("/:id", async (request) => {
      const letter = letterOf(readId(pathText(request, "id")), server);
      return letterView(letter, { whole: true });
    }),
  ];
}

export function jobOf(id: string, { letters }: ServerContext) {
  const job = letters.get(id);
  if (job !== null) return job;
  throw new FreshetError("letterJobNotFound", `no run over dead letters is "${id.slice(0, 100)}"`);
}

/** Newest first, those that wait unless another state is asked for; `next` goes into `before` of the next page. */
async function list(request: FastifyRequest, server: ServerContext): Promise<unknown> {
  const { deadLetters } = server.engine;
  const filter = filterOfQuery(request.query as Readonly<Record<string, unknown>>);
  const isMeant = matcherOf(filter, stateOf(request));
  const limit = rowsOf(request, server.limits.listRowsMax);
  const before = wholeNumber(request, "before");
  const found: StoredDeadLetter[] = [];
  let [looked, next]: [number, string | null] = [0, null];
  for (const letter of lettersOf(filter.messageId, before, server)) {
    if (found.length >= limit || looked >= lookedAtMax) {
      // The first that this page does not show is where the next one begins.
      next = String(letter.offset + 1);
      break;
    }
    if (++looked % lookedAtOnce === 0) await server.clock.yield();
    if (isMeant(letter)) found.push(letter);
  }
  return {
    deadLetters: found.map((letter) => letterView(letter, { whole: false })),
    next,
    total: deadLetters.count,
  };
}

function* lettersOf(
  messageId: string | undefined,
  before: number | undefined,
  { engine: { deadLetters } }: ServerContext,
): Generator<StoredDeadLetter, void> {
  const to = before ?? Number.MAX_SAFE_INTEGER;
  if (messageId === undefined) yield* deadLetters.scan({ order: "newestFirst", to });
  else
    yield* deadLetters
      .ofMessage(messageId)
      .filter(({ offset }) => offset < to)
      .reverse();
}

function stateOf(request: FastifyRequest): LetterStateName | null {
  const text = queryText(request, "state") ?? "waiting";
  if (text === "all") return null;
  const state = letterStates.find((known) => known === text);
  if (state !== undefined) return state;
  throw shape(`"state" should be one of ${letterStates.join(", ")}, all`);
}
