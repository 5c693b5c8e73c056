/**
 * The subject of an event's contract: the event's name as it is, behind the configured prefix. What a subject cannot
 * have in it is percent-encoded, and so is `%` itself, so that two events never share a subject.
 */
export function contractSubject(event: string, prefix = ""): string {
  const encoded = event
    .replace(/\p{Surrogate}/gu, "\ufffd")
    .replace(/[%\p{Cc}]/gu, encodeURIComponent)
    .replace(/^:/, "%3A")
    .replace(/^_(?=_(?:GLOBAL|EMPTY)$)/, "%5F");
  return prefix + encoded;
}
