import { type Answer, isCore } from "../queue/index.ts";

/** No answer: the network failed, or it took too long. */
export const noAnswer: Answer = { status: 0, retryAfter: null, body: null };

/** One POST, which is given up with its signal. Never rejects. */
export async function post(url: string, body: string, init: RequestInit): Promise<Answer> {
  try {
    // Nothing of Freshet needs a cookie.
    const options: RequestInit = isCore ? init : { ...init, credentials: "omit" };
    const response = await fetch(url, { method: "POST", body, ...options });
    return {
      status: response.status,
      retryAfter: response.headers.get("retry-after"),
      body: await response.json().catch(() => null),
    };
  } catch {
    return noAnswer;
  }
}
