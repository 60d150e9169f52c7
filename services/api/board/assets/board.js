// Says that there is something newer, once the log has moved on. The page is whole without it.
(() => {
  "use strict";
  const { wait } = document.body.dataset;
  const told = document.getElementById("live");
  if (!wait || !told) return;
  let failures = 0;
  const ask = async () => {
    try {
      const answer = await fetch(wait, { credentials: "same-origin" });
      if (answer.status === 200) {
        const link = document.createElement("a");
        link.href = location.href;
        link.textContent = (await answer.json()).told;
        told.replaceChildren(link);
        return;
      }
      if (answer.status !== 204) return;
      failures = 0;
    } catch {
      failures += 1;
    }
    setTimeout(ask, Math.min(60000, 1000 * 2 ** failures));
  };
  ask();
})();
