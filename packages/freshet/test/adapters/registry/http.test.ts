/** The registry of somebody else, when it misbehaves. That it keeps the contract is tested against a real process. */
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "../../../src/adapters/clock/system.ts";
import { type HttpRegistryLimits, httpRegistry } from "../../../src/adapters/registry/http.ts";
import type { SchemaRegistry } from "../../../src/engine/port/schema-registry.ts";

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

async function startRegistry(
  answer: RequestListener,
  limits: Partial<HttpRegistryLimits> = {},
): Promise<{ readonly registry: SchemaRegistry; readonly asked: string[] }> {
  const asked: string[] = [];
  const server: Server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.authorization ?? ""}`.trim());
    request.resume();
    request.on("end", () => answer(request, response));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const registry = httpRegistry({
    url: `http://127.0.0.1:${port}/base/`,
    user: "ana",
    password: "p:w",
    clock: systemClock(),
    random: () => 0,
    limits: { retryMs: 1, ...limits },
  });
  open.push(async () => {
    await registry.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { registry, asked };
}

const schema = { schema: '"string"' };

describe("an outside registry", () => {
  it("H1 H4 is asked once for what cannot change, at its own path, with user and password", async () => {
    const { registry, asked } = await startRegistry((_, response) =>
      response.end(JSON.stringify(schema)),
    );
    const found = { schemaType: "AVRO", schema: '"string"', references: [] };
    expect(await Promise.all([registry.find(7), registry.find(7)])).toEqual([found, found]);
    expect(await registry.find(7)).toEqual(found);
    expect(asked).toEqual([`GET /base/schemas/ids/7 Basic ${btoa("ana:p:w")}`]);
  });

  it("is asked again after failures, and not after refusals", async () => {
    let failures = 2;
    const { registry, asked } = await startRegistry((_, response) => {
      if (failures-- > 0) response.writeHead(503).end("down");
      else response.end(JSON.stringify(schema));
    });
    expect((await registry.find(1)).schema).toBe('"string"');
    expect(asked).toHaveLength(3);
    const refusing = await startRegistry((_, response) =>
      response.writeHead(404).end('{"error_code":40403,"message":"Schema 1 not found"}'),
    );
    await expect(refusing.registry.find(1)).rejects.toMatchObject({ kind: "schemaNotFound" });
    expect(refusing.asked).toHaveLength(1);
  });

  it("H3 is left alone for a while after failures in a row", async () => {
    let isDown = true;
    const limits = { breakerFailures: 3, breakerMs: 100, attemptsMax: 2 };
    const { registry, asked } = await startRegistry((_, response) => {
      if (isDown) response.writeHead(500).end();
      else response.end(JSON.stringify(schema));
    }, limits);
    for (let n = 0; n < 5; n++)
      await expect(registry.find(n)).rejects.toMatchObject({ code: "registryUnavailable" });
    expect(asked).toHaveLength(3);
    isDown = false;
    await expect
      .poll(() => registry.find(1).catch(() => null), { timeout: 10_000 })
      .toMatchObject({ schema: '"string"' });
    expect((await registry.find(2)).schema).toBe('"string"');
  });

  it("H2 is not waited for without end, nor read without end", async () => {
    const silent = await startRegistry(() => {}, { attemptMsMax: 50, attemptsMax: 2 });
    await expect(silent.registry.find(1)).rejects.toThrow("no answer within 50 ms");
    expect(silent.asked).toHaveLength(2);
    const endless = await startRegistry(
      (_, response) => {
        response.on("close", () => clearInterval(timer));
        const timer = setInterval(() => response.write("x".repeat(10_000)), 1);
      },
      { answerBytesMax: 50_000, attemptsMax: 1 },
    );
    await expect(endless.registry.find(1)).rejects.toThrow("longer than 50000 bytes");
  });

  it.each([
    ["text", "hello"],
    ["a list", "[]"],
    ["no schema", "{}"],
    ["a type that nobody knows", '{"schema":"x","schemaType":"XML"}'],
    ["a broken reference", '{"schema":"x","references":[{"name":1}]}'],
  ])("may answer with %s, and that is no schema", async (_, text) => {
    const { registry } = await startRegistry((_request, response) => response.end(text), {
      attemptsMax: 1,
    });
    await expect(registry.find(1)).rejects.toMatchObject({ code: "registryUnavailable" });
  });

  it("tells a wrong password from a refusal", async () => {
    const { registry } = await startRegistry((_, response) => response.writeHead(401).end(), {
      attemptsMax: 1,
    });
    await expect(
      registry.register("a", { schemaType: "AVRO", schema: '"int"', references: [] }),
    ).rejects.toMatchObject({ code: "registryUnavailable", message: "the registry answered 401" });
  });

  it("has an address of http, with user and password outside of it", () => {
    const make = (url: string) => httpRegistry({ url, clock: systemClock(), random: () => 0 });
    expect(() => make("ftp://a")).toThrow("http or https");
    expect(() => make("nothing")).toThrow("http or https");
    expect(() => make("http://a:b@c")).toThrow("settings of their own");
  });
});
