import { h, show } from "../dom.ts";
import type { Shop } from "../shop.ts";
import { type Persona, personaNamed, personas, visitor } from "../visitor.ts";
import { closeButton, dialog, type Overlay } from "./dialog.ts";
import { icon } from "./icon.ts";

export function loginDialog(shop: Shop): Overlay {
  const body = h("div", { class: "login-body" });
  const overlay = dialog("login", "Sign in", body);
  visitor.watch((who) => show(body, who ? account(overlay, shop, who) : choice(overlay, shop)));
  return overlay;
}

function choice(overlay: Overlay, shop: Shop): HTMLElement {
  const enter = (who: Persona): void => {
    overlay.close();
    shop.signIn(who);
  };
  return h(
    "div",
    null,
    head(overlay, "Who is shopping?"),
    h(
      "ul",
      { class: "personas" },
      personas.map((who) =>
        h(
          "li",
          null,
          personaButton(who, () => enter(who)),
        ),
      ),
    ),
    nameForm(enter),
    deviceButton(overlay, shop),
  );
}

const head = (overlay: Overlay, title: string): HTMLElement =>
  h("div", { class: "overlay-head" }, h("h2", null, title), closeButton(overlay));

const personaButton = (who: Persona, click: () => void): HTMLElement =>
  h(
    "button",
    { class: "persona", type: "button", click },
    h("span", { class: "avatar", "aria-hidden": "true" }, who.name.charAt(0)),
    h("span", null, h("strong", null, who.name), h("small", null, who.about)),
    who.plan === "plus" && h("span", { class: "badge" }, "Plus"),
  );

function nameForm(enter: (who: Persona) => void): HTMLElement {
  const input = h("input", { placeholder: "or type a name", "aria-label": "Name", maxlength: 60 });
  const submit = (event: Event): void => {
    event.preventDefault();
    const who = personaNamed(input.value);
    if (who === undefined) {
      input.focus();
      return;
    }
    input.value = "";
    enter(who);
  };
  return h(
    "form",
    { class: "name-form", submit },
    input,
    h("button", { class: "button", type: "submit" }, "Sign in"),
  );
}

function account(overlay: Overlay, shop: Shop, who: Persona): HTMLElement {
  const leave = (): void => {
    overlay.close();
    shop.signOut();
  };
  return h(
    "div",
    null,
    head(overlay, who.name),
    h("p", { class: "hint" }, who.email),
    h("button", { class: "button", type: "button", click: leave }, "Sign out"),
    deviceButton(overlay, shop),
  );
}

/** The second device of one person, played in one window: how anonymous parts join a profile. */
function deviceButton(overlay: Overlay, shop: Shop): HTMLElement {
  const click = (): void => {
    overlay.close();
    shop.newDevice();
  };
  return h(
    "div",
    { class: "device" },
    h(
      "button",
      { class: "button outline", type: "button", click },
      icon("device"),
      "Continue as new device",
    ),
    h("p", { class: "hint" }, "A new anonymous id, as if you had picked up your phone."),
  );
}
