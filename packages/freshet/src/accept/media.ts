/** A content type without parameters, in lower case. */
export function mediaType(contentType: string | undefined): string {
  return (contentType?.split(";")[0] ?? "").trim().toLowerCase();
}

/** An absent type is JSON (CloudEvents JSON format, section 3.1). */
export function isJsonType(media: string): boolean {
  return media === "" || /^[\w.-]+\/(?:json|[\w.-]*\+json)$/.test(media);
}
