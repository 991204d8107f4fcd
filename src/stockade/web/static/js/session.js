/*
 * The session and the connection: what happens when one of them ends under somebody's hands. Nothing that was typed is lost.
 *
 * stockade.fetchJson(address) fetches JSON; null if it could not be had (the person has been told). stockade.ask() asks the
 * server who is signed in, and renews the page's CSRF tokens, which change with the session: "ready", "ended" or "offline".
 */
(() => {
  "use strict";

  const room = document.getElementById("toasts");
  const dialog = document.getElementById("session-ended");
  const notice = document.querySelector("[data-offline] p");
  const PATIENCE_MS = 8000;

  function ended() {
    if (dialog && !dialog.open) dialog.showModal();
  }

  function connected(is) {
    if (!notice || notice.hidden === is) return;
    notice.hidden = is;
    if (is) stockade.toast("good", room.dataset.online);
  }

  async function ask() {
    try {
      const answer = await fetch("/session", { headers: { accept: "application/json" }, signal: AbortSignal.timeout(PATIENCE_MS) });
      connected(true);
      if (!answer.ok) return "ready"; // The server is troubled, and will say so better itself.
      const { owner, csrf_token: token } = await answer.json();
      if (owner !== stockade.owner) return "ended"; // Nobody, or another person in this browser.
      for (const field of document.querySelectorAll("input[name='csrf_token']")) field.value = token;
      return "ready";
    } catch (error) {
      if (error.name === "TimeoutError") return "ready";
      connected(false);
      return "offline";
    }
  }

  stockade.ask = ask;
  stockade.sessionEnded = ended;
  stockade.fetchJson = async (address) => {
    try {
      const answer = await fetch(address, { headers: { accept: "application/json" } });
      connected(true);
      if (answer.status === 401) ended();
      return answer.ok ? await answer.json() : null;
    } catch {
      connected(false);
      return null;
    }
  };

  /* A part that htmx fetched: the sign-in instead of it is the session's end; another page (an error) is shown as that page. */
  document.addEventListener("htmx:before:response", (event) => {
    const { response, request } = event.detail.ctx;
    const at = new URL(response.raw.url, location.origin).pathname;
    if (response.status === 401 || (response.raw.redirected && at === "/sign-in")) {
      event.preventDefault();
      ended();
    } else if (request.method === "GET" && (response.status >= 400 || response.raw.redirected)) {
      event.preventDefault();
      location.assign(response.raw.url);
    }
  });

  document.addEventListener("htmx:error", () => {
    if (navigator.onLine) stockade.toast("bad", room.dataset.failed);
    else connected(false);
  });

  /* Signing in in one tab frees the others. */
  const channel = "BroadcastChannel" in window ? new BroadcastChannel("stockade-session") : null;
  channel?.postMessage(stockade.owner);
  channel?.addEventListener("message", async ({ data }) => {
    if (dialog?.open && data === stockade.owner && (await ask()) === "ready") dialog.close();
  });

  window.addEventListener("offline", () => connected(false));
  window.addEventListener("online", () => ask());
  if (!navigator.onLine) connected(false);
})();
