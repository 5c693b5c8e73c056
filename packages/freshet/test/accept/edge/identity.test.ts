import { generateKeyPairSync } from "node:crypto";
import type { JsonObject } from "@freshet/protocol";
import fc from "fast-check";
import { exportJWK, type JWTPayload, SignJWT } from "jose";
import { describe, expect, it } from "vitest";
import {
  keysOfSet,
  publicVerifyKey,
  secretVerifyKey,
  verifyJws,
} from "../../../src/accept/edge/jwt.ts";
import {
  acceptEvents,
  edgeLimits,
  type IdentityPolicy,
  proveIdentity,
} from "../../../src/accept/index.ts";
import { withSeed } from "../../../src/testing/seed.ts";
import { now, onlyEvent, onlyLetter } from "../fixture.ts";
import { quiet, siteWith, webRequest } from "./fixture.ts";

const secret = "a shared secret of 32 characters or more";
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const elliptic = generateKeyPairSync("ec", { namedCurve: "P-256" });
const pem = (pair: typeof rsa) => pair.publicKey.export({ type: "spki", format: "pem" }).toString();
const seconds = Math.floor(now / 1000);

/** Made by the library that tokens of other programs are made with. */
function token(
  claims: JWTPayload = {},
  {
    alg = "HS256",
    key = Buffer.from(secret),
    kid,
  }: { alg?: string; key?: object; kid?: string } = {},
): Promise<string> {
  return new SignJWT({ sub: "ana", exp: seconds + 600, ...claims })
    .setProtectedHeader({ alg, ...(kid === undefined ? {} : { kid }) })
    .sign(key as Parameters<SignJWT["sign"]>[0]);
}

const siteOf = (identity: Partial<IdentityPolicy> = {}, keySet: JsonObject | null = null) =>
  siteWith(
    { ...quiet, identity: { keys: [{ secret }], ...identity } },
    { readKeySet: () => keySet },
  );
const withToken = (identityToken: unknown) => ({ userId: "ana", context: { identityToken } });
const counts = (site: ReturnType<typeof siteWith>) =>
  Object.fromEntries(site.context.sources.byKey.get("WK")?.edge?.counts.entries() ?? []);

describe("a signed identity token", () => {
  it("lets a user id pass, from the event, the batch or the header, and is never kept", async () => {
    const site = siteOf();
    const identityToken = await token();
    const inEvent = onlyEvent(site.send(withToken(identityToken)));
    expect(inEvent).toMatchObject({ userId: "ana", context: { ip: "203.0.113.77" } });
    const headers = { ...webRequest.headers, identityToken };
    expect(onlyEvent(site.send({ userId: "ana" }, { headers })).userId).toBe("ana");
    const body = {
      batch: [{ type: "track", event: "E", userId: "ana" }],
      context: { identityToken },
    };
    const inBatch = site.send({}, { body: Buffer.from(JSON.stringify(body)) });
    expect(onlyEvent(inBatch).userId).toBe("ana");
    expect(JSON.stringify([inEvent, inBatch])).not.toContain(identityToken);
    expect(onlyEvent(siteWith({}).send(withToken(identityToken))).context).toEqual({
      ip: "203.0.113.77",
    });
  });

  it.each<[string, JWTPayload, string]>([
    ["for somebody else", { sub: "ben" }, "it is for another user id"],
    ["that has expired", { exp: seconds - 61 }, "it has expired"],
    ["that does not hold yet", { nbf: seconds + 61 }, "it does not hold yet"],
    ["of nobody", { sub: "" }, "it has no subject"],
    ["of another issuer", { iss: "evil" }, "its issuer is another one"],
    ["for another audience", { iss: "shop", aud: ["x"] }, "it is for another audience"],
  ])("%s does not", async (_what, claims, why) => {
    const site = siteOf({ issuer: "shop", audience: "freshet" });
    const whole = { iss: "shop", aud: "freshet", ...claims };
    const letter = onlyLetter(site.send(withToken(await token(whole))));
    expect(letter.code).toBe("identityInvalid");
    expect(letter.message).toBe(`the user id needs a valid identity token: ${why}`);
  });

  it("may be as old as the skew of clocks, to the second", async () => {
    const site = siteOf({ clockSkewSeconds: 5, audience: "freshet" });
    const old = await token({ exp: seconds - 4, aud: ["x", "freshet"] });
    expect(onlyEvent(site.send(withToken(old))).userId).toBe("ana");
    const older = await token({ exp: seconds - 5, aud: "freshet" });
    expect(onlyLetter(site.send(withToken(older))).code).toBe("identityInvalid");
  });

  it("has no end only where nobody looks at it: without one it is refused", async () => {
    const endless = await new SignJWT({ sub: "ana" })
      .setProtectedHeader({ alg: "HS256" })
      .sign(Buffer.from(secret));
    expect(onlyLetter(siteOf().send(withToken(endless))).message).toContain("it has no end");
  });

  it("may be signed with RSA or P-256, by a PEM or by a key set", async () => {
    const jwks = {
      keys: [
        { ...(await exportJWK(rsa.publicKey)), kid: "r1", use: "sig" },
        { ...(await exportJWK(elliptic.publicKey)), kid: "e1" },
        { ...(await exportJWK(rsa.publicKey)), kid: "r1", use: "enc" },
      ],
    } as unknown as JsonObject;
    const ofRsa = await token({}, { alg: "RS256", key: rsa.privateKey, kid: "r1" });
    const ofElliptic = await token({}, { alg: "ES256", key: elliptic.privateKey, kid: "e1" });
    const keys = [{ publicKey: pem(rsa) }, { publicKey: pem(elliptic as typeof rsa) }];
    for (const site of [siteOf({ keys }), siteOf({ keys: [{ jwks: "keys.json" }] }, jwks)])
      for (const identityToken of [ofRsa, ofElliptic])
        expect(onlyEvent(site.send(withToken(identityToken))).userId).toBe("ana");
    const wrongId = await token({}, { alg: "RS256", key: rsa.privateKey, kid: "e1" });
    const site = siteOf({ keys: [{ jwks: "keys.json" }] }, jwks);
    expect(onlyLetter(site.send(withToken(wrongId))).message).toContain("no key of the source");
  });

  it("cannot be forged by the ways that are known (J1, J2)", async () => {
    const site = siteOf({ keys: [{ publicKey: pem(rsa) }] });
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const claims = part({ sub: "ana", exp: seconds + 600 });
    const good = await token({}, { alg: "RS256", key: rsa.privateKey });
    const [head = "", payload = "", signature = ""] = good.split(".");
    const forged = [
      `${part({ alg: "none" })}.${claims}.`,
      `${part({ alg: "none" })}.${claims}.${signature}`,
      // The public key as a shared secret.
      await token({}, { alg: "HS256", key: Buffer.from(pem(rsa)) }),
      `${head}.${part({ sub: "ana", exp: seconds + 9e9 })}.${signature}`,
      `${part({ alg: "RS256", crit: ["x"] })}.${payload}.${signature}`,
      `${head}.${payload}.${signature}.`,
      `${head}.${payload}`,
      `${head}.${payload}.${signature.slice(0, -2)}`,
      "",
      ".".repeat(8000),
      "x".repeat(edgeLimits.identityTokenCharsMax + 1),
    ];
    for (const identityToken of forged)
      expect(onlyLetter(site.send(withToken(identityToken))).code, identityToken).toBe(
        "identityInvalid",
      );
    for (const identityToken of [5, null, { a: 1 }, ["x"]])
      expect(onlyLetter(site.send(withToken(identityToken))).message).toContain("there is none");
    expect(onlyEvent(site.send(withToken(good))).userId).toBe("ana");
  });

  it("that was changed in any way holds no longer", async () => {
    const good = await token();
    const key = [secretVerifyKey(secret, undefined)];
    expect(verifyJws(good, key)).toHaveProperty("claims");
    withSeed(import.meta.url, (seed) => {
      const change = fc.tuple(
        fc.nat(good.length - 1),
        fc.string({ unit: "binary", minLength: 1, maxLength: 3 }),
      );
      fc.assert(
        fc.property(fc.oneof(fc.string({ unit: "binary", maxLength: 60 }), change), (odd) => {
          const text =
            typeof odd === "string" ? odd : good.slice(0, odd[0]) + odd[1] + good.slice(odd[0] + 1);
          const answer = verifyJws(text, key);
          // The last digit of base64 may carry bits that mean nothing.
          if (text.slice(0, -1) !== good.slice(0, -1)) expect(answer).toHaveProperty("fault");
        }),
        { seed, numRuns: 2000 },
      );
    });
  });
});

describe("a user id without a valid token", () => {
  it("is refused, and the letter keeps no token", async () => {
    const site = siteOf();
    const expired = await token({ exp: 1 });
    const letter = onlyLetter(site.send({ ...withToken(expired), properties: { a: 1 } }));
    expect(letter.event).toMatchObject({ userId: "ana", properties: { a: 1 } });
    expect(JSON.stringify(letter)).not.toContain(expired);
    expect(onlyLetter(site.send({ userId: "ana" })).message).toContain("there is none");
    expect(counts(site)).toEqual({ identityRefused: 2 });
  });

  it("is taken away where the source says so and somebody is left", () => {
    const site = siteOf({ onMissing: "anonymous" });
    const event = onlyEvent(site.send({ userId: "ana" }));
    expect(event).toMatchObject({ anonymousId: "a1", notes: ["identityRemoved"] });
    expect(event.userId).toBeUndefined();
    expect(onlyLetter(site.send({ userId: "ana", anonymousId: null })).code).toBe(
      "identityInvalid",
    );
    expect(counts(site)).toEqual({ identityRemoved: 1, identityRefused: 1 });
  });

  it("passes where no token is required, but not with a wrong one", async () => {
    const site = siteOf({ required: false });
    expect(onlyEvent(site.send({ userId: "ana" })).userId).toBe("ana");
    expect(onlyLetter(site.send(withToken(await token({ sub: "ben" })))).code).toBe(
      "identityInvalid",
    );
  });

  it("is no matter to events of nobody known, of history, or of who is trusted", () => {
    const site = siteOf();
    expect(onlyEvent(site.send()).anonymousId).toBe("a1");
    const source = site.context.sources.byKey.get("WK");
    if (source === undefined) throw new Error("no source");
    const events = [{ event_type: "E", user_id: "ana" }];
    const taken = (input: object) =>
      acceptEvents({ shape: "native", events, source, ...input }, site.context).accepted;
    expect(taken({})).toBe(0);
    expect(taken({ isVouched: true })).toBe(1);
    expect(taken({ shape: "import-rows" })).toBe(1);
  });

  it("may not be asked about either", async () => {
    const edge = siteOf().context.sources.byKey.get("WK")?.edge;
    const ask = (token: string | undefined) =>
      proveIdentity({ userId: "ana" }, { edge, token, now });
    expect(ask(await token())).toEqual({ userId: "ana" });
    expect(() => ask(undefined)).toThrow("the user id needs a valid identity token: there is none");
    const lenient = siteOf({ onMissing: "anonymous" }).context.sources.byKey.get("WK")?.edge;
    const named = { userId: "ana", anonymousId: "a1" };
    expect(proveIdentity(named, { edge: lenient, token: "x", now })).toEqual({ anonymousId: "a1" });
  });
});

describe("one request", () => {
  it("makes us verify so many signatures and no more, each token once", async () => {
    const site = siteOf();
    const source = site.context.sources.byKey.get("WK");
    if (source === undefined) throw new Error("no source");
    const count = edgeLimits.identityChecksMax;
    const tokens = await Promise.all(
      Array.from({ length: count + 1 }, (_, at) => token({ jti: String(at) })),
    );
    const events = [...tokens, ...tokens].map((identityToken) => ({
      ...{ event_type: "E", user_id: "ana", context: { identityToken } },
    }));
    const answer = acceptEvents({ shape: "native", events, source }, site.context);
    expect(answer.accepted).toBe(2 * count);
    expect(answer.rejected.map(({ index }) => index)).toEqual([count, 2 * count + 1]);
    const again = acceptEvents({ shape: "native", events, source }, site.context);
    expect(again.accepted).toBe(2 * count + 2);
  });
});

describe("a key", () => {
  it.each<[string, () => unknown, string]>([
    ["too short a secret", () => secretVerifyKey("short", undefined), "needs 32"],
    [
      "a private key",
      () =>
        publicVerifyKey(
          rsa.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
          undefined,
        ),
      "private key",
    ],
    [
      "a short RSA key",
      () => publicVerifyKey(pem(generateKeyPairSync("rsa", { modulusLength: 1024 })), undefined),
      "neither",
    ],
    [
      "another curve",
      () =>
        publicVerifyKey(
          generateKeyPairSync("ec", { namedCurve: "secp256k1" })
            .publicKey.export({ type: "spki", format: "pem" })
            .toString(),
          undefined,
        ),
      "neither",
    ],
    ["no key set", () => keysOfSet({ no: "keys" }), '"keys"'],
  ])("cannot be %s", (_what, run, message) => expect(run).toThrow(message));
});
