import { describe, expect, test } from "vitest";
import { accept, type CaptureHeaders } from "../../src/accept/index.ts";
import { bytes, contextWith, now, onlyEvent, onlyLetter, requestOf } from "./fixture.ts";

const right = { specversion: "1.0", id: "1", source: "/s", type: "T", subject: "ana" };
const structured = (changes: object) =>
  accept(requestOf("cloudevent", { ...right, ...changes }), contextWith());

function binary(
  changes: Readonly<Record<string, string>>,
  body: string | Uint8Array = "",
  contentType?: string,
) {
  const cloudEvent = new Map(Object.entries({ ...right, ...changes }));
  const headers: CaptureHeaders = {
    authorization: `Basic ${btoa("SK:")}`,
    contentType,
    cloudEvent,
  };
  return accept(
    requestOf("cloudevent-binary", body === "" ? new Uint8Array(0) : body, { headers }),
    contextWith(),
  );
}

describe("structured", () => {
  test.each<[string, object, string]>([
    ["no id", { id: undefined }, "/id"],
    ["an empty id", { id: "" }, "/id"],
    ["a number as id", { id: 7 }, "/id"],
    ["no source", { source: null }, "/source"],
    ["a source with a space", { source: "/a b" }, "/source"],
    ["no type", { type: undefined }, "/type"],
    ["a type of 513 characters", { type: "t".repeat(513) }, "/type"],
    ["another version", { specversion: "1.1" }, "/specversion"],
    ["data twice", { data: {}, data_base64: "AA==" }, "/data"],
    ["no base64", { data_base64: "*" }, "/data_base64"],
    [
      "source and id too long together",
      { source: `/${"s".repeat(300)}`, id: "i".repeat(300) },
      "/id",
    ],
  ])("with %s is refused with a pointer", (_what, changes, path) => {
    const letter = onlyLetter(structured(changes));
    expect(letter).toMatchObject({ code: "cloudEventAttribute", path });
  });

  test.each(["2026-05-04", "2026-05-04T10:00:00", "yesterday", 1_777_888_999_000])(
    "with the time %s is refused",
    (time) => {
      expect(onlyLetter(structured({ time }))).toMatchObject({
        code: "timestampInvalid",
        path: "/time",
      });
    },
  );

  test("has its zone counted in, and none means now", () => {
    expect(onlyEvent(structured({ time: "2026-05-04T10:00:00.123456+02:00" })).time).toBe(
      Date.parse("2026-05-04T08:00:00.123Z"),
    );
    expect(onlyEvent(structured({})).time).toBe(now);
  });

  test("is somebody's by extension, else by subject", () => {
    expect(onlyEvent(structured({}))).toMatchObject({ userId: "ana" });
    const both = onlyEvent(structured({ userid: "bea", anonymousid: "a1" }));
    expect(both).toMatchObject({ userId: "bea", anonymousId: "a1" });
    const anonymous = onlyEvent(structured({ anonymousid: "a1" }));
    expect(anonymous.anonymousId).toBe("a1");
    expect(anonymous).not.toHaveProperty("userId");
    const letter = onlyLetter(structured({ subject: undefined }));
    expect(letter).toMatchObject({ code: "identifierMissing" });
    expect(letter.message).toContain('"subject"');
  });

  test("named identify brings traits", () => {
    const event = onlyEvent(structured({ type: "identify", data: { plan: "pro" } }));
    expect(event).toMatchObject({ type: "identify", traits: { plan: "pro" }, properties: {} });
  });

  test("with JSON as base64 is JSON, and other bytes stay", () => {
    const base64 = Buffer.from('{"a":1}').toString("base64");
    const json = { datacontenttype: "application/json", data_base64: base64 };
    expect(onlyEvent(structured(json)).properties).toEqual({ a: 1 });
    const bytes = { datacontenttype: "image/png", data_base64: base64 };
    expect(onlyEvent(structured(bytes)).properties).toEqual({ dataBase64: base64 });
  });

  test.each([[1], ["text"], [[1, 2]], [true]])("with %j as data keeps it under a name", (data) => {
    expect(onlyEvent(structured({ data })).properties).toEqual({ data });
  });
});

describe("binary", () => {
  test("decodes header values: one round of percent signs, quotes taken off", () => {
    const event = onlyEvent(
      binary({ subject: "J%C3%BCrgen%20%2541", ext: '"a \\"b\\""', rate: "5 %", half: "100%zz" }),
    );
    expect(event.userId).toBe("Jürgen %41");
    expect(event.extra).toMatchObject({ ext: 'a "b"', rate: "5 %", half: "100%zz" });
  });

  test("refuses bytes that are no UTF-8, as the standard asks", () => {
    const letter = onlyLetter(binary({ subject: "%C0%A0" }));
    expect(letter).toMatchObject({ code: "cloudEventAttribute", event: { subject: "%C0%A0" } });
    expect(letter.message).toContain('"ce-subject"');
  });

  test("takes no data out of a header", () => {
    expect(onlyLetter(binary({ data: "x" }))).toMatchObject({ code: "cloudEventAttribute" });
  });

  test.each<[string | undefined, string | Uint8Array, object]>([
    ["application/json; charset=utf-8", '{"a":1}', { a: 1 }],
    ["application/vnd.shop+json", '{"a":1}', { a: 1 }],
    [undefined, '{"a":1}', { a: 1 }],
    [undefined, "plain", { dataBase64: Buffer.from("plain").toString("base64") }],
    ["text/plain", "plain", { data: "plain" }],
    ["application/xml", "<a/>", { data: "<a/>" }],
    ["text/plain", Uint8Array.from([255, 254]), { dataBase64: "//4=" }],
    ["image/png", Uint8Array.from([1, 2]), { dataBase64: "AQI=" }],
    ["image/png", "", {}],
  ])("with content type %s has the right properties", (type, body, properties) => {
    const sent = typeof body === "string" && body !== "" ? bytes(body) : body;
    expect(onlyEvent(binary({}, sent, type)).properties).toEqual(properties);
  });

  test("that says JSON and is none is a dead letter with its bytes", () => {
    const letter = onlyLetter(binary({}, bytes("{oops"), "application/json"));
    expect(letter).toMatchObject({
      code: "bodyNotJson",
      event: { data_base64: Buffer.from("{oops").toString("base64") },
    });
  });
});

describe("a batch", () => {
  test("is accepted event by event", () => {
    const accepted = accept(
      requestOf("cloudevent-batch", [right, 7, { ...right, id: "2", type: "" }]),
      contextWith(),
    );
    expect(accepted).toMatchObject({
      accepted: 1,
      singleRejected: false,
      rejected: [
        { index: 1, code: "eventNotObject" },
        { index: 2, code: "cloudEventAttribute" },
      ],
    });
  });

  test("is a list and nothing else", () => {
    expect(() => accept(requestOf("cloudevent-batch", right), contextWith())).toThrow(
      "an array of CloudEvents",
    );
  });
});
