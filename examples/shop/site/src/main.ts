import { startCapture } from "./live/capture.ts";
import { latencyMeter } from "./live/latency.ts";
import { startLive } from "./live/live.ts";
import { panelView } from "./panel/panel.ts";
import { route } from "./route.ts";
import { makeShop, type Shop } from "./shop.ts";
import { cartDrawer } from "./view/cart-drawer.ts";
import { layout } from "./view/layout.ts";
import { loginDialog } from "./view/login-dialog.ts";
import { pageOf, reusedViews } from "./view/page.ts";
import { tellPush } from "./view/push.ts";
import { toaster } from "./view/toast.ts";
import { tellVisit } from "./visit.ts";
import { visitor } from "./visitor.ts";

const meter = latencyMeter();
const live = startLive(meter);
const capture = startCapture({
  ready: arrive,
  failed: () => live.state.set("offline"),
  sent: () => {
    meter.sent();
    live.expectChange();
  },
});
const toasts = toaster();
const drawer = cartDrawer(() => shop);
const shop: Shop = makeShop({ capture, live, openCart: drawer.open, say: toasts.say });
const login = loginDialog(shop);
const reused = reusedViews(shop);
const page = layout({ shop, openLogin: login.open, panel: panelView(live, capture) });

document.getElementById("app")?.append(page.root, drawer.element, login.element, toasts.element);
tellPush(live, toasts);

let first = true;
route.watch((next) => {
  // Drawn first: the page event carries the title.
  page.show(pageOf(shop, reused, next), { moveFocus: !first });
  tellVisit(capture, next);
  first = false;
});

/** The SDK knows who is there only after its settings came; the shop is drawn before that. */
function arrive(): void {
  const who = visitor.get();
  // Two memories, the shop's and the SDK's, can part when a page is closed while offline.
  if (who !== undefined && capture.userId() !== who.userId) {
    capture.identify(who.userId, { name: who.name, email: who.email, plan: who.plan });
  } else if (who === undefined && capture.userId() !== undefined) capture.reset();
  const anonymousId = capture.anonymousId();
  if (who !== undefined) live.become({ userId: who.userId });
  else if (anonymousId !== undefined) live.become({ anonymousId });
}
