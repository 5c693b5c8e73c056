import type { Json } from "@freshet/protocol";

/**
 * A value of which the shape stays and the content does not:
 * - e-mail addresses keep the first character and the domain: `ana@shop.example` is `a***@shop.example`;
 * - numbers, and texts of digits with spaces and `+-().` between them, keep their last 4 digits if they have more than
 *   that: `+49 170 1234567` is `+** *** ***4567`, 1234567 is `***4567`;
 * - other texts keep their first character if they have more than 3: `Moana` is `M***`;
 * - everything shorter is `***`, and true and false are null.
 *
 * What was masked stays as it is when it is masked again.
 */
export function maskScalar(value: Json): Json {
  if (typeof value === "number") return maskDigits(String(value));
  if (typeof value !== "string") return null;
  if (value === "" || maskedForm.test(value)) return value;
  if (emailForm.test(value)) return maskEmail(value);
  if (digitsForm.test(value)) return maskDigits(value);
  return maskText(value);
}

const emailForm = /^[^\s@]+@[^\s@]+$/;
const digitsForm = /^[+(]?[\d\s+\-().]*\d[\d\s+\-().]*$/;
/** Digits that were masked already, as in a dead letter that is sent again. */
const maskedForm = /^[+(]?[*\s+\-().]*\*[*\s+\-().]*(?:\d[\s+\-().]*){4}$/;
const hidden = "***";

function maskEmail(text: string): string {
  const at = text.indexOf("@");
  const [first = "", ...others] = text.slice(0, at);
  return `${others.length === 0 ? "" : first}${hidden}${text.slice(at)}`;
}

const digitsKept = 4;

function maskDigits(text: string): string {
  const digits = text.replace(/\D/g, "").length;
  if (digits <= digitsKept) return hidden;
  let left = digits - digitsKept;
  return text.replace(/[\da-zA-Z]/g, (digit) => (left-- > 0 ? "*" : digit));
}

function maskText(text: string): string {
  const [first = "", ...others] = text;
  return others.length < 3 ? hidden : `${first}${hidden}`;
}
