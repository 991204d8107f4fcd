/*
 * Order entry, calls: JSON to and from the server. `entry.call(method, address, body)` answers {status, body}; status 0 is a
 * connection that is gone, 401 a session that has ended. A page that outlived its session has an old CSRF token: it gets a
 * new one, once, if the same person is signed in again.
 */
(() => {
  "use strict";

  const entry = stockade.entry;
  const PATIENCE_MS = 15_000;
  const token = () => document.querySelector("#entry input[name='csrf_token']").value;

  async function send(method, address, body, signal) {
    const headers = { accept: "application/json" };
    if (method !== "GET") headers["x-csrf-token"] = token();
    if (body !== undefined) headers["content-type"] = "application/json";
    const patience = AbortSignal.timeout(PATIENCE_MS);
    try {
      const answer = await fetch(address, {
        method, headers, body: body === undefined ? undefined : JSON.stringify(body),
        signal: signal ? AbortSignal.any([signal, patience]) : patience,
      });
      return { status: answer.status, body: /json/.test(answer.headers.get("content-type") ?? "") ? await answer.json() : null };
    } catch {
      return { status: 0, body: null, aborted: Boolean(signal?.aborted) };
    }
  }

  entry.call = async (method, address, body, signal) => {
    const answer = await send(method, address, body, signal);
    if (answer.status === 403 && answer.body?.type === "/problems/csrf" && stockade.ask) {
      const state = await stockade.ask();
      if (state === "ended") return { status: 401, body: null };
      if (state === "ready") return send(method, address, body, signal);
    }
    return answer;
  };
})();
