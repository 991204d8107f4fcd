/*
 * Order entry, drafts: what is typed is kept in this browser at once and on the server a moment later. A draft is
 *
 *   {id, version, base, content, state}
 *
 * version: what the server has (0: nothing yet); base: the content of that version as text; state: "saved", "saving", "offline",
 * "ended" (session), "full" (too many), "changed" (another window was faster: `theirs`), "gone" (placed or discarded elsewhere).
 * Nothing here touches the page: it is told by "entry:state" on the document.
 */
(() => {
  "use strict";

  const entry = stockade.entry;
  const SAVE_AFTER_MS = 600;
  const AGAIN_AFTER_MS = 4000;
  const FIELDS = ["customer", "customer_id", "warehouse_id", "delivery_address_id", "customer_reference", "requested_on", "note"];
  const MOST = { customer: 200, customer_reference: 80, requested_on: 20, note: 2000, typed: 200, label: 200, quantity: 20, unit_price: 20, discount_percent: 20 };
  const LINE = { typed: "", label: "", product_id: null, quantity: "", unit_price: "", discount_percent: "", whole: false };
  const timers = new Map();
  const underWay = new Map();

  const newLine = (given = {}) => ({ ...LINE, ...given });
  const isEmpty = (line) => !line.typed.trim() && !line.product_id && !line.quantity.trim();

  /* The content in the order of its fields, so that it can be compared as text; empty lines at the end are none. */
  function shaped(content) {
    const made = {};
    const fit = (name, value) => (typeof value === "string" && MOST[name] ? entry.clean(value, MOST[name]) : value);
    for (const name of FIELDS) made[name] = fit(name, content[name] ?? (name.endsWith("_id") ? null : ""));
    const last = content.lines.findLastIndex((line) => !isEmpty(line));
    made.lines = content.lines.slice(0, last + 1).map((line) =>
      Object.fromEntries(Object.entries(LINE).map(([name, value]) => [name, fit(name, line[name] ?? value)])),
    );
    return made;
  }

  const textOf = (content) => JSON.stringify(shaped(content));
  const isDirty = (draft) => textOf(draft.content) !== draft.base;
  const isBlank = (draft) => textOf(draft.content) === textOf({ lines: [] });

  function tell(draft, state) {
    draft.state = state;
    document.dispatchEvent(new CustomEvent("entry:state", { detail: draft }));
  }

  function keep(draft) {
    const blank = draft.version === 0 && isBlank(draft);
    stockade.kept.set(`entry ${draft.id}`, blank ? null : { version: draft.version, base: draft.base, content: shaped(draft.content) });
  }

  const forget = (draft) => stockade.kept.set(`entry ${draft.id}`, null);

  function fresh(content = { lines: [] }) {
    return { id: entry.newId(), version: 0, base: null, content: { ...shaped(content), lines: content.lines.map(newLine) }, state: "saved" };
  }

  function made(id, version, base, content) {
    return { id, version, base, content: { ...content, lines: content.lines.map(newLine) }, state: "saved" };
  }

  /* What this browser and the server have. Where both differ the server decides when it is saved: nothing is dropped here. */
  function load(fromServer) {
    const known = new Map(fromServer.map((it) => [it.id, it]));
    const drafts = [];
    for (const name of stockade.kept.names("entry ")) {
      const id = name.slice("entry ".length);
      const held = stockade.kept.get(name);
      const theirs = known.get(id);
      const typed = held && JSON.stringify(held.content);
      const settled = !held || (theirs ? typed === textOf(theirs.content) : typed === held.base); // saved, placed or discarded
      if (settled) stockade.kept.set(name, null);
      else if (typed !== held.base) {
        drafts.push(made(id, held.version, held.base, held.content));
        known.delete(id);
      }
    }
    for (const it of known.values()) drafts.push(made(it.id, it.version, textOf(it.content), shaped(it.content)));
    return drafts.sort((one, other) => (one.id < other.id ? -1 : 1));
  }

  /* Called at every keystroke. */
  function changed(draft) {
    keep(draft);
    if (["changed", "gone"].includes(draft.state)) return;
    tell(draft, draft.state === "saved" ? "saving" : draft.state);
    later(draft, SAVE_AFTER_MS);
  }

  function later(draft, milliseconds) {
    clearTimeout(timers.get(draft));
    timers.set(draft, setTimeout(() => save(draft), milliseconds));
  }

  /* One saving at a time for each draft; what was typed meanwhile follows. Resolves when nothing is under way. */
  function save(draft) {
    clearTimeout(timers.get(draft));
    const running = underWay.get(draft);
    if (running) return running;
    if (!isDirty(draft) || (draft.version === 0 && isBlank(draft))) {
      if (["saving", "offline", "ended", "full"].includes(draft.state)) tell(draft, "saved");
      return Promise.resolve();
    }
    const saving = send(draft).finally(() => underWay.delete(draft));
    underWay.set(draft, saving);
    return saving;
  }

  async function send(draft) {
    if (draft.state === "saved") tell(draft, "saving");
    const text = textOf(draft.content);
    const { status, body } = await entry.call("PUT", `/orders/drafts/${draft.id}`, { expected_version: draft.version, content: JSON.parse(text) });
    if (draft.done) return;
    if (status === 200) {
      draft.version = body.version;
      draft.base = text;
      keep(draft);
      if (isDirty(draft)) later(draft, SAVE_AFTER_MS);
      else tell(draft, "saved");
    } else await refused(draft, status, body);
  }

  async function refused(draft, status, body) {
    const kind = body?.type;
    if (kind === "/problems/version-conflict") {
      await compare(draft);
    } else if (kind === "/problems/orders/draft-gone") {
      draft.orderId = body.order_id;
      tell(draft, "gone");
    } else {
      // No dialog: it would take the keystrokes of somebody who types on.
      tell(draft, status === 401 ? "ended" : kind === "/problems/orders/too-many-drafts" ? "full" : "offline");
      later(draft, AGAIN_AFTER_MS);
    }
  }

  /* Another window was faster. If it typed the same, there is nothing to decide. */
  async function compare(draft) {
    const { status, body } = await entry.call("GET", "/orders/drafts");
    const theirs = status === 200 && body.find((it) => it.id === draft.id);
    if (!theirs) return status === 200 ? tell(draft, "gone") : later(draft, AGAIN_AFTER_MS);
    if (textOf(theirs.content) === textOf(draft.content)) {
      Object.assign(draft, { version: theirs.version, base: textOf(theirs.content) });
      keep(draft);
      return tell(draft, "saved");
    }
    draft.theirs = theirs;
    return tell(draft, "changed");
  }

  /* The answer to that: "mine", "theirs", or "both" (mine goes on as a draft of its own, which is returned). */
  function decide(draft, which) {
    const { theirs } = draft;
    const mine = draft.content;
    delete draft.theirs;
    if (theirs) Object.assign(draft, { version: theirs.version, base: textOf(theirs.content) });
    if (which !== "mine") draft.content = { ...shaped(theirs.content), lines: theirs.content.lines.map(newLine) };
    draft.state = "saved";
    const other = which === "both" ? fresh(mine) : null;
    if (other) changed(other);
    changed(draft);
    return other;
  }

  /* Everything again that could not be sent: the connection or the session is back. */
  function again(drafts) {
    for (const draft of drafts) if (["offline", "ended", "full"].includes(draft.state)) save(draft);
  }

  /* It was placed or discarded: nothing about it is sent any more. */
  async function close(draft) {
    draft.done = true;
    await settled(draft);
    forget(draft);
  }

  /* Nothing is under way after this, and nothing follows by itself. */
  async function settled(draft) {
    clearTimeout(timers.get(draft));
    await underWay.get(draft);
    clearTimeout(timers.get(draft));
  }

  async function discard(draft) {
    await close(draft);
    if (draft.version > 0) await entry.call("DELETE", `/orders/drafts/${draft.id}`);
  }

  entry.drafts = { load, fresh, changed, save, again, decide, compare, close, discard, settled, keep, newLine, isEmpty, isBlank, isDirty, shaped };
})();
