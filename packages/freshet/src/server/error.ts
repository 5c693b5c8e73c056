import type { Socket } from "node:net";
import { type ErrorCode, FreshetError } from "@freshet/protocol";
import type { FastifyReply, FastifyRequest } from "fastify";
import { LogWriteError } from "../engine/port/errors.ts";
import type { Logger } from "../telemetry/index.ts";
import { originHeaders } from "./cors.ts";
import { isRegistryPath, registryAnswerOf, registryTypes } from "./registry/error-form.ts";

export interface ErrorAnswer {
  readonly success: false;
  readonly error: {
    readonly code: ErrorCode;
    readonly message: string;
    readonly hint: string;
    readonly retryable: boolean;
  };
}

export function errorAnswer(error: FreshetError): ErrorAnswer {
  const { code, message, hint, retryable } = error;
  return { success: false, error: { code, message, hint, retryable } };
}

/** Whatever was thrown, as a row of the catalogue. What nobody expected is logged under an id that the answer has. */
export function toFreshetError(
  error: unknown,
  logger: Logger,
  randomId: () => string,
): FreshetError {
  if (error instanceof FreshetError) return error;
  if (error instanceof LogWriteError) {
    logger.error({ err: error }, "the log did not take a request");
    return new FreshetError("logUnavailable", "the log could not be written", { cause: error });
  }
  const known = ofFramework(error);
  if (known !== undefined) return known;
  const id = randomId();
  logger.error({ err: error, errorId: id }, "unexpected error");
  return new FreshetError("internal", `something went wrong; the log names it "${id}"`, {
    cause: error,
  });
}

/** Refusals by Fastify itself carry a status: those of clients are about the shape of the request. */
function ofFramework(error: unknown): FreshetError | undefined {
  if (!(error instanceof Error) || !("statusCode" in error)) return undefined;
  const { statusCode } = error;
  if (statusCode === 413)
    return new FreshetError("bodyTooLarge", "the body is too large", { cause: error });
  if (typeof statusCode !== "number" || statusCode < 400 || statusCode >= 500) return undefined;
  return new FreshetError("requestShape", error.message, { cause: error });
}

/** Whole seconds, in the two headers that clients of all ages read (WIRE section 5). */
const retrySeconds: { readonly [code in ErrorCode]?: number } = {
  overloaded: 1,
  logUnavailable: 2,
  registryUnavailable: 2,
  requestTimeout: 1,
  notReady: 1,
  shuttingDown: 1,
  internal: 5,
};

export function retryHeaders(code: ErrorCode, known?: number): Record<string, string> {
  const seconds = known ?? retrySeconds[code];
  if (seconds === undefined) return {};
  return { "retry-after": String(seconds), "x-ratelimit-reset": String(seconds) };
}

/** Answers with an error; where the body was not read to its end, closes the connection as well. */
export function sendError(
  request: FastifyRequest,
  reply: FastifyReply,
  error: FreshetError,
  lingerMs: number,
): FastifyReply {
  reply.code(error.status).headers(retryHeaders(error.code, error.retryAfterSeconds));
  // Pages of an origin that the key is not for are told no more than any other origin.
  if (error.code === "originForbidden") for (const name of originHeaders) reply.removeHeader(name);
  const body = formed(request, reply, error);
  if (!isBodyUnread(request)) return reply.send(body);
  return sendEarly(request, reply, JSON.stringify(body), lingerMs);
}

/** The registry's clients read errors in its own form, and know more statuses than those of capture. */
function formed(request: FastifyRequest, reply: FastifyReply, error: FreshetError) {
  if (!isRegistryPath(request.url)) return errorAnswer(error);
  const { status, body } = registryAnswerOf(error);
  if (status === 401) reply.header("www-authenticate", 'Basic realm="schema registry"');
  reply.code(status).header("content-type", registryTypes[0]);
  return body;
}

function isBodyUnread({ raw }: FastifyRequest): boolean {
  const { "content-length": length, "transfer-encoding": encoding } = raw.headers;
  const hasBody = encoding !== undefined || (length !== undefined && length !== "0");
  return hasBody && !raw.complete && !raw.readableEnded && !raw.destroyed;
}

/**
 * Answers before the request is complete. Closing at once would make the client's system throw the answer away
 * (a reset overtakes it), so what still comes is read and forgotten for a moment; nothing of it is kept.
 */
function sendEarly(
  request: FastifyRequest,
  reply: FastifyReply,
  body: string,
  lingerMs: number,
): FastifyReply {
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(reply.statusCode, {
    ...(reply.getHeaders() as Record<string, string>),
    "content-type": "application/json; charset=utf-8",
    "content-length": Buffer.byteLength(body),
    connection: "close",
  });
  raw.write(body);
  const finish = () => {
    clearTimeout(timer);
    raw.end();
  };
  const timer = setTimeout(finish, lingerMs);
  request.raw.once("end", finish).once("close", finish);
  request.raw.resume();
  return reply;
}

/** What could not be parsed as HTTP, or did not come in time, never reaches a route. */
export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === "ECONNRESET" || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  if (socket.bytesWritten > 0 && !isTimeout(error)) {
    // An answer may be under way on this connection; another one in the middle of it would be worse than none.
    socket.destroy();
    return;
  }
  const refused = isTimeout(error)
    ? new FreshetError("requestTimeout", "the request did not come in time")
    : new FreshetError(
        "requestShape",
        "the request is not valid HTTP, or its headers are too large",
      );
  const body = JSON.stringify(errorAnswer(refused));
  const headers = Object.entries(retryHeaders(refused.code)).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  socket.end(
    `HTTP/1.1 ${refused.status} ${refused.status === 503 ? "Service Unavailable" : "Bad Request"}\r\n` +
      `content-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\n` +
      `connection: close\r\n${headers.join("")}\r\n${body}`,
    () => socket.destroy(),
  );
}

function isTimeout(error: { readonly code?: string }): boolean {
  return error.code === "ERR_HTTP_REQUEST_TIMEOUT";
}
