// snippet: tag-manager
((window, url, writeKey) => {
  if (window.freshet) return;
  const calls = [];
  const early =
    (name) =>
    (...args) =>
      new Promise((resolve) => {
        calls.push([name, args, Date.now(), resolve]);
      });
  const names = "track identify page screen group alias reset consent decide subscribe flush";
  window.freshet = Object.fromEntries(names.split(" ").map((name) => [name, early(name)]));
  window.freshet.calls = calls;
  const script = document.createElement("script");
  script.src = `${url}/sdk/freshet.js`;
  script.dataset.writeKey = writeKey;
  document.head.append(script);
})(window, "https://freshet.example", "your write key");
// end snippet
