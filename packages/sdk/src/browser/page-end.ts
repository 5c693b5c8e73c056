/**
 * Follows a page to its end; tells whether it came. `leave` is called when what waits has to go now: there may be no
 * later moment.
 */
export function followEnd(leave: () => void): () => boolean {
  let isLeft = false;
  const hear = ({ type }: Event): void => {
    // A page that is shown again was kept aside by the browser, and is back.
    if (type !== "visibilitychange") isLeft = type === "pagehide";
    // On phones, to be hidden is often the last that a page hears.
    if (isLeft || document.visibilityState === "hidden") leave();
  };
  for (const type of ["visibilitychange", "pagehide", "pageshow"])
    addEventListener(type, hear, true);
  return () => isLeft;
}
