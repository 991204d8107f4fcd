/*
 * Order entry, placing: the draft becomes an order, once, however often it is sent; and the decisions that another window forces.
 */
(() => {
  "use strict";

  const entry = stockade.entry;
  const { say, drafts: kept, page, money, readQuantity } = entry;
  const { here, part, field, tell } = page;
  const root = document.getElementById("entry");
  const dialog = document.getElementById("entry-placed");
  const shown = (name) => dialog.querySelector(`[data-placed="${name}"]`);
  const MOST_LISTED = 8;
  let busy = false;

  /* Every text that waits for its look-up has it; false if one could not be had. */
  async function settle() {
    for (const row of here.rows.filter((it) => it.line.typed.trim() && !it.line.product_id && !it.unclear)) await row.finder.resolve(row.line.typed);
    for (let waited = 0; waited < 100 && here.rows.some((row) => row.pending && !row.offline); waited += 1) await new Promise((done) => setTimeout(done, 50));
    if (!here.draft.content.customer_id && field("customer").value.trim()) await page.customer.resolve(field("customer").value);
  }

  /* The first thing that keeps the order from being placed, pointed at; false if there is none. */
  function stopped(rows) {
    const { content } = here.draft;
    if (!content.customer_id) {
      page.customerProblem(content.customer.trim() ? "several_customers" : "no_customer");
      return field("customer").focus() ?? true;
    }
    for (const row of rows) if (row.line.product_id && !row.line.quantity.trim()) row.refused = say("no_quantity");
    page.showAll();
    const wrong = rows.find((row) => entry.problemOf(row) || !row.line.product_id || readQuantity(row.line.quantity) === null);
    if (wrong) {
      wrong.parts[wrong.line.product_id && !wrong.priced?.problem ? "quantity" : "product"].focus();
      tell(`${say("line", { line: wrong.place + 1 })}: ${entry.problemOf(wrong) || say("waits")}`);
      return true;
    }
    if (rows.length > 0) return false;
    tell(say("no_lines"));
    stockade.toast?.("bad", say("no_lines"));
    return here.rows[0].parts.product.focus() ?? true;
  }

  function orderOf(rows) {
    const { content } = here.draft;
    return {
      customer_id: content.customer_id, warehouse_id: content.warehouse_id, delivery_address_id: content.delivery_address_id,
      customer_reference: content.customer_reference.trim() || null, requested_on: content.requested_on || null,
      note: content.note.trim() || null, lines: entry.lineBodies(rows).map(([, body]) => body),
    };
  }

  entry.place = async (confirm) => {
    if (busy) return;
    busy = true;
    root.dataset.placing = "true";
    try {
      const { draft } = here;
      await settle();
      if (draft !== here.draft || ["changed", "gone"].includes(draft.state)) return;
      const rows = here.rows.filter(({ line }) => !kept.isEmpty(line));
      if (stopped(rows)) return;
      tell(say("placing"));
      await kept.settled(draft);
      await send(draft, rows, { confirm, order: orderOf(rows) });
    } finally {
      busy = false;
      delete root.dataset.placing;
    }
  };

  async function send(draft, rows, body, again = true) {
    const answer = await entry.call("POST", `/orders/drafts/${draft.id}/place`, { expected_version: draft.version, ...body });
    if (answer.status === 200) return finished(draft, answer.body);
    if (answer.body?.type === "/problems/version-conflict") {
      await kept.compare(draft);
      if (draft.state === "saved" && again) return send(draft, rows, body, false);
    } else if (answer.body?.type === "/problems/orders/draft-gone") {
      draft.orderId = answer.body.order_id;
      draft.state = "gone";
      document.dispatchEvent(new CustomEvent("entry:state", { detail: draft }));
    } else if (answer.status === 401) {
      stockade.sessionEnded?.();
    } else refused(rows, answer);
    return kept.changed(draft);
  }

  function refused(rows, { status, body }) {
    const rest = [];
    for (const error of body?.errors ?? []) {
      const place = /lines\.(\d+)/.exec(error.field)?.[1];
      if (place !== undefined && rows[place]) rows[place].refused = error.message;
      else rest.push(error.message);
    }
    page.showAll();
    rows.find((row) => row.refused)?.parts.quantity.focus();
    const text = status === 0 ? say("place_offline") : rest.join(" ") || body?.detail || body?.title || say("place_failed");
    tell(text);
    stockade.toast?.("bad", text);
  }

  async function finished(draft, placed) {
    await kept.close(draft);
    showPlaced(placed);
    here.drafts = here.drafts.filter((other) => other !== draft);
    page.openDraft(here.drafts.at(-1) ?? kept.fresh(), false);
    dialog.showModal();
  }

  function item(text) {
    const made = document.createElement("li");
    made.textContent = text;
    return made;
  }

  function showPlaced(placed) {
    const short = placed.lines.filter((line) => line.backordered > 0);
    const reserved = placed.lines.reduce((sum, line) => sum + line.reserved, 0);
    const held = placed.holds.length > 0;
    shown("title").textContent = say(placed.stage === "draft" ? "placed_draft" : held ? "placed_held" : "placed_confirmed", { number: placed.number });
    shown("gross").textContent = money(placed.gross.amount_minor, { digits: here.priced?.digits ?? 2, currency: placed.gross.currency });
    shown("repeated").hidden = !placed.repeated;
    shown("reserved").hidden = placed.stage === "draft";
    shown("reserved-text").textContent = say("reserved", { n: reserved, lines: placed.lines.length });
    shown("backorder").hidden = short.length === 0;
    const listed = short.slice(0, MOST_LISTED).map((line) => item(say("backordered", { sku: line.sku, name: line.name, rest: line.backordered, quantity: line.quantity })));
    if (short.length > MOST_LISTED) listed.push(item(say("more", { n: short.length - MOST_LISTED })));
    shown("backorder-list").replaceChildren(...listed);
    shown("holds").hidden = !held;
    shown("holds-list").replaceChildren(...placed.holds.map((hold) => item(hold.reason)));
    const names = new Intl.ListFormat(document.documentElement.lang, { type: "disjunction" }).format(placed.releasers);
    shown("release").textContent = placed.may_release ? say("you_release") : names ? say("they_release", { names }) : say("nobody_releases");
    shown("open").href = `/orders/${placed.order_id}`;
  }

  dialog.addEventListener("close", () => page.field("customer").focus());

  /* Another window was faster. */
  function summary(content) {
    return [content.customer.trim() || say("no_customer_yet"), say("lines", { n: content.lines.filter((line) => !kept.isEmpty(line)).length })].join(", ");
  }

  document.addEventListener("entry:decide", ({ detail: draft }) => {
    part("changed").hidden = draft.state !== "changed";
    part("gone").hidden = draft.state !== "gone";
    if (draft.state === "changed") {
      part("mine").textContent = summary(draft.content);
      part("theirs").textContent = summary(draft.theirs.content);
    }
    if (draft.state === "gone") {
      part("gone-placed").hidden = !draft.orderId;
      part("gone-discarded").hidden = Boolean(draft.orderId);
      if (draft.orderId) part("gone-order").href = `/orders/${draft.orderId}`;
    }
  });

  root.addEventListener("click", ({ target }) => {
    const which = target.closest("[data-decide]")?.dataset.decide;
    const { draft } = here;
    if (!which) return;
    if (["mine", "theirs", "both"].includes(which)) {
      const other = kept.decide(draft, which);
      if (other) here.drafts.push(other);
      page.openDraft(other ?? draft);
    } else {
      const { content } = draft;
      kept.close(draft);
      page.leave(draft);
      if (which === "anew") {
        const anew = kept.fresh(content);
        page.openDraft(anew);
        kept.changed(anew);
      }
    }
  });

  document.dispatchEvent(new CustomEvent("entry:ready"));
})();
