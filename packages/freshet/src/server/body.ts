import type { IncomingMessage } from "node:http";
import { FreshetError, limits } from "@freshet/protocol";
import type { Gate } from "./gate.ts";

/** A body as it came, and what the gate counts for it until `release`. */
export interface RawBody {
  readonly bytes: Buffer;
  readonly charged: number;
}

export const emptyBody: RawBody = { bytes: Buffer.alloc(0), charged: 0 };

/**
 * Reads the body of a request as bytes, at most `limits.bodyBytesMax` of them whatever its headers claim. What is
 * counted is given back when this fails. Rejects with `bodyTooLarge` or `overloaded`, the rest of the body unread.
 */
export async function readRequestBody(
  message: IncomingMessage,
  gate: Gate,
  options: { readonly hold: boolean },
): Promise<RawBody> {
  const declared = Number(message.headers["content-length"] ?? 0);
  if (declared > limits.bodyBytesMax) throw tooLarge(`the body is ${declared} bytes`);
  if (options.hold) await gate.hold();
  const body = await collect(message, gate);
  if (message.headers["content-encoding"] === undefined) return body;
  return { ...body, charged: body.charged + chargeInflated(body, gate) };
}

/** A compressed body may become as long as the limit allows: it is counted so before anybody inflates it. */
function chargeInflated(body: RawBody, gate: Gate): number {
  const more = limits.bodyBytesMax;
  try {
    gate.charge(more);
  } catch (error) {
    gate.release(body.charged);
    throw error;
  }
  return more;
}

function collect(message: IncomingMessage, gate: Gate): Promise<RawBody> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let charged = 0;
    const settle = (outcome: () => void) => {
      message.off("data", onData).off("end", onEnd).off("error", onError).off("close", onClose);
      // An aborted upload may still report its error after it was given up.
      message.on("error", ignore);
      outcome();
    };
    const fail = (error: unknown) =>
      settle(() => {
        gate.release(charged);
        reject(error);
      });
    const onData = (chunk: Buffer) => {
      if (charged + chunk.length > limits.bodyBytesMax) {
        return fail(tooLarge("the body goes on beyond its limit"));
      }
      try {
        gate.charge(chunk.length);
      } catch (error) {
        return fail(error);
      }
      charged += chunk.length;
      chunks.push(chunk);
    };
    const onEnd = () => settle(() => resolve({ bytes: joined(chunks), charged }));
    const onError = (cause: unknown) => fail(gone(cause));
    const onClose = () => fail(gone(undefined));
    message.on("data", onData).on("end", onEnd).on("error", onError).on("close", onClose);
  });
}

/**
 * Made outside of what knows the chunks, as it stays with the message: under load messages outlive V8's small
 * collections, and bodies that live as long fill the memory outside of the heap until all of the heap is collected.
 */
const ignore = (): void => {};

function tooLarge(what: string): FreshetError {
  return new FreshetError(
    "bodyTooLarge",
    `${what}; at most ${limits.bodyBytesMax} bytes are taken`,
  );
}

/** Nobody reads this answer, but logs and metrics do. */
function gone(cause: unknown): FreshetError {
  const message = "the client went away before its request was complete";
  return new FreshetError("requestIncomplete", message, { cause });
}

/** Most bodies come in one chunk, and memory outside of the heap is not copied for nothing. */
function joined(chunks: readonly Buffer[]): Buffer {
  const [only] = chunks;
  return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks);
}
