/** Speaks to a running Freshet over HTTP with nothing but `fetch`; what the docs quote. */

export interface Place {
  readonly url: string;
  readonly writeKey: string;
  readonly secretKey: string;
}

// snippet: capture
export async function sendEvents(place: Place, events: readonly object[]): Promise<string> {
  const answer = await fetch(`${place.url}/v1/events`, {
    method: "POST",
    headers: {
      authorization: `Basic ${Buffer.from(`${place.writeKey}:`).toString("base64")}`,
      "content-type": "application/json",
    },
    body: JSON.stringify(events),
  });
  // 429 and 503 say how many seconds to wait; the same event ids may be sent again without harm.
  if (!answer.ok) throw new Error(`answered ${answer.status}: ${await answer.text()}`);
  const { rejected, receipt } = (await answer.json()) as { rejected: object[]; receipt: string };
  for (const one of rejected) console.warn("rejected", one);
  return receipt;
}
// end snippet

// snippet: read
/** Waits until everything that `receipt` stands for can be read, for two seconds at most. */
export async function readProfile(place: Place, id: string, receipt: string) {
  const path = `/v1/profiles/${encodeURIComponent(id)}?atLeast=${encodeURIComponent(receipt)}`;
  const answer = await fetch(place.url + path, {
    headers: { authorization: `Bearer ${place.secretKey}` },
  });
  if (!answer.ok) throw new Error(`answered ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as {
    readonly features: { readonly [name: string]: unknown };
    readonly segments: readonly string[];
    readonly stale: boolean;
  };
}
// end snippet

// snippet: decide
export async function decide(place: Place, userId: string, placements: readonly string[]) {
  const answer = await fetch(`${place.url}/v1/decide`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${place.secretKey}`,
      "content-type": "application/json",
    },
    body: JSON.stringify({ userId, placements, explain: true }),
  });
  if (!answer.ok) throw new Error(`answered ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as {
    readonly decisions: { readonly [placement: string]: { variant: string; content: object } };
  };
}
// end snippet

// snippet: token
/** On your server: a page gets a token for the one profile that it shows, never the secret key. */
export async function mintToken(place: Place, userId: string): Promise<string> {
  const answer = await fetch(`${place.url}/v1/tokens`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${place.secretKey}`,
      "content-type": "application/json",
    },
    body: JSON.stringify({ userId, expiresInSeconds: 900 }),
  });
  if (!answer.ok) throw new Error(`answered ${answer.status}: ${await answer.text()}`);
  return ((await answer.json()) as { token: string }).token;
}
// end snippet

// snippet: follow
/** In a page `new EventSource(url + "/v1/stream?token=" + token)` does the same. */
export async function* follow(url: string, token: string, signal: AbortSignal) {
  const answer = await fetch(`${url}/v1/stream`, {
    headers: { authorization: `Bearer ${token}` },
    signal,
  });
  if (!answer.ok || answer.body === null) throw new Error(`answered ${answer.status}`);
  let text = "";
  for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const messages = text.split("\n\n");
    text = messages.pop() ?? "";
    for (const message of messages) {
      const event = /^event: (.+)$/m.exec(message)?.[1];
      const data = /^data: (.+)$/m.exec(message)?.[1];
      if (event !== undefined && data !== undefined)
        yield { event, data: JSON.parse(data) as { readonly [name: string]: unknown } };
    }
  }
}
// end snippet
