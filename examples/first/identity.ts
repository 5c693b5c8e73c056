/** Your server proves who is signed in; the page sends the proof along. */
import { SignJWT } from "jose";

// snippet: sign
export async function identityToken(userId: string, secret: string): Promise<string> {
  return new SignJWT({ sub: userId, aud: "freshet" })
    .setProtectedHeader({ alg: "HS256" })
    .setExpirationTime("15 minutes")
    .sign(Buffer.from(secret));
}
// end snippet

// snippet: send
export async function sendAs(url: string, writeKey: string, token: string, event: object) {
  return fetch(`${url}/v1/events`, {
    method: "POST",
    headers: { authorization: `Basic ${btoa(`${writeKey}:`)}`, "x-freshet-identity": token },
    body: JSON.stringify(event),
  });
}
// end snippet
