import { onEvent, type Stop, type Tracker } from "./track.ts";
import type { Views } from "./views.ts";

interface Begun {
  readonly fields: Set<string>;
  last: string;
}

/** Forms that are sent, and forms that were begun and left. Names of fields are told, never what is in them. */
export function captureForms(freshet: Tracker, views: Views): Stop {
  const begun = new Map<HTMLFormElement, Begun>();

  const onInput = ({ target }: Event): void => {
    const { form, name, id } = target as Partial<HTMLInputElement>;
    if (!(form instanceof HTMLFormElement) || form.hasAttribute("data-freshet-ignore")) return;
    const state = begun.get(form) ?? { fields: new Set(), last: "" };
    state.last = name || id || "";
    state.fields.add(state.last);
    begun.set(form, state);
  };
  const onSubmit = ({ target }: Event): void => {
    if (!(target instanceof HTMLFormElement) || target.hasAttribute("data-freshet-ignore")) return;
    begun.delete(target);
    freshet.track("Form Submitted", factsOf(target));
  };
  const stops = [
    onEvent(document, ["input", "change"], onInput),
    onEvent(document, ["submit"], onSubmit),
  ];
  views.each((page) => {
    const end = (): void => {
      for (const [form, { fields, last }] of begun) {
        const facts = { ...factsOf(form), fields: fields.size, last_field: last };
        freshet.track("Form Abandoned", facts, { context: { page } });
      }
      begun.clear();
    };
    const unleave = onEvent(globalThis as unknown as EventTarget, ["pagehide"], end);
    stops.push(unleave);
    return () => {
      unleave();
      end();
    };
  });
  return () => {
    for (const stop of stops) stop();
  };
}

function factsOf(form: HTMLFormElement): object {
  // A field named "id" or "name" hides the form's own.
  const id = form.getAttribute("id");
  const name = form.getAttribute("name");
  return {
    ...(id === null ? {} : { form_id: id }),
    ...(name === null ? {} : { form_name: name }),
  };
}
