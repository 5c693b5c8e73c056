/** What the small script leaves to the server, which finds out the most of it by itself. */
export function deviceOf(): { readonly [name: string]: unknown } {
  const { width, height } = screen;
  const { userAgent, language } = navigator;
  return {
    userAgent,
    locale: language,
    timezone: timezone(),
    screen: { width, height, density: devicePixelRatio },
    campaign: campaignOf(location.search),
  };
}

/** `utm_campaign` is Segment's `name`; the others keep their names. */
function campaignOf(search: string): { readonly [name: string]: string } | undefined {
  if (!search.includes("utm_")) return undefined;
  const found = [...new URLSearchParams(search)].flatMap(([name, value]) =>
    name.startsWith("utm_") ? [[name === "utm_campaign" ? "name" : name.slice(4), value]] : [],
  );
  return Object.fromEntries(found);
}

let zone: string | undefined;

/** Asking takes longer than all the rest of an event. */
function timezone(): string {
  zone ??= Intl.DateTimeFormat().resolvedOptions().timeZone;
  return zone;
}
