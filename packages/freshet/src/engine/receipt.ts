/** The text that stands for an offset of one log: opaque to clients (DESIGN 10). */
export function receiptOf(logId: string, offset: number): string {
  return `${logId}.${offset.toString(36)}`;
}

/** The offset that a receipt of this log stands for; null for a text that is none. */
export function offsetOfReceipt(logId: string, receipt: string): number | null {
  const [id, text = "", more] = receipt.split(".");
  if (id !== logId || more !== undefined || !/^(-1|[0-9a-z]{1,11})$/.test(text)) return null;
  return Number.parseInt(text, 36);
}
