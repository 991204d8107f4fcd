/*
 * Order entry, the page: which draft is open, its rows, and the keys. Everything that was typed is in `here.draft.content`; what
 * the server said about it is in the rows and in `here.priced`. Each keystroke is written down before anything is asked.
 */
(() => {
  "use strict";

  const entry = stockade.entry;
  const { say, drafts: kept, readQuantity } = entry;
  const root = document.getElementById("entry");
  const table = root.querySelector("[data-lines]");
  const told = root.querySelector("[data-told]");
  const part = (name) => root.querySelector(`[data-show="${name}"]`);
  const field = (name) => root.querySelector(`[data-field="${name}"]`);
  const MOST_LINES = Number(root.dataset.mostLines);
  const here = { drafts: kept.load(JSON.parse(root.dataset.drafts)), draft: null, rows: [], priced: null, undo: [] };

  const tell = (text) => (told.textContent = text);
  const terms = () => here.priced;

  /* Look-ups. */
  const query = (names) => new URLSearchParams(Object.entries(names).filter(([, value]) => value)).toString();
  const customers = entry.source((q) => `/orders/entry/customers?${query({ q: q.slice(0, 80) })}`);
  const products = entry.source((q) => {
    const { customer_id: customer, warehouse_id: warehouse } = here.draft.content;
    return `/orders/entry/products?${query({ q: q.slice(0, 80), customer, warehouse })}`;
  });

  function fillCustomer(option, it) {
    option.querySelector("[data-label]").textContent = it.name;
    option.querySelector("[data-detail]").textContent = [it.number, it.city].filter(Boolean).join(" · ");
  }

  function fillProduct(option, it) {
    option.querySelector("[data-code]").textContent = it.sku;
    option.querySelector("[data-label]").textContent = it.name;
    option.querySelector("[data-detail]").textContent = it.price === null ? "" : entry.price(it.price);
    option.querySelector("[data-stock]").textContent = it.available === null ? say("not_stocked") : say("in_stock", { available: it.available });
  }

  const template = (name) => document.getElementById(`entry-${name}`);
  const looking = { list: template("found"), template: template("product-option"), find: products, fill: fillProduct };

  /* Rows. */
  const does = {
    looking,
    changed(row, what) {
      written();
      row.show(row.place, terms());
      if (what !== "unclear") fillUp();
      if (what === "unclear" && row.unclear) tell(`${say("line", { line: row.place + 1 })}: ${entry.problemOf(row)}`);
      reprice();
    },
    found(row, it) {
      const { line, parts } = row;
      Object.assign(line, { typed: it.sku, label: it.name.slice(0, 200), product_id: it.id, whole: false });
      Object.assign(row, { found: it, priced: null, pending: false, offline: false, unclear: "", options: null, refused: "" });
      parts.product.value = it.sku;
      parts.product.dataset.taken = it.sku;
      written();
      fillUp();
      row.show(row.place, terms());
      const stock = it.available === null ? "" : say("in_stock", { available: it.available });
      tell([say("line", { line: row.place + 1 }), it.name, it.price === null ? "" : entry.price(it.price), stock].filter(Boolean).join(", "));
      reprice();
    },
    choose(row, how, it) {
      const { line, priced } = row;
      const wanted = readQuantity(line.quantity);
      if (how === "rest" || how === "whole") line.whole = how === "whole";
      if (how === "reduce") setQuantity(row, Math.min(priced.free, wanted));
      if (how === "case") setQuantity(row, entry.nextCase(row));
      if (how === "substitute") substitute(row, it, wanted);
      else tell(say(`chosen_${how}`, { line: row.place + 1, quantity: readQuantity(line.quantity) }));
      written();
      showAll();
      row.parts.quantity.focus();
      reprice();
    },
    remove(row) {
      const place = here.rows.indexOf(row);
      if (kept.isEmpty(row.line) && place === here.rows.length - 1) return;
      here.undo.push({ draft: here.draft, line: row.line, place });
      here.draft.content.lines.splice(place, 1);
      row.node.remove();
      here.rows.splice(place, 1);
      fillUp();
      written();
      showAll();
      here.rows[Math.min(place, here.rows.length - 1)].parts.product.focus();
      stockade.toast?.("info", say("removed", { line: place + 1 }), { label: say("undo"), run: undo });
      reprice();
    },
  };

  function setQuantity(row, value) {
    row.line.quantity = String(value);
    row.line.whole = false;
    row.parts.quantity.value = row.line.quantity;
  }

  /* What there is stays; the rest, or all of it, becomes the substitute. */
  function substitute(row, it, wanted) {
    const there = Math.min(wanted, row.priced.free);
    if (there === 0) {
      does.found(row, it);
      return tell(say("chosen_substitute", { line: row.place + 1, sku: it.sku, quantity: wanted }));
    }
    setQuantity(row, there);
    const line = kept.newLine({ typed: it.sku, label: it.name.slice(0, 200), product_id: it.id, quantity: String(wanted - there) });
    const made = insert(row.place + 1, line);
    made.found = it;
    return tell(say("chosen_substitute", { line: row.place + 2, sku: it.sku, quantity: wanted - there }));
  }

  function insert(place, line) {
    const row = entry.row(line, does);
    here.draft.content.lines.splice(place, 0, line);
    here.rows.splice(place, 0, row);
    if (place >= table.querySelectorAll("tbody").length) table.append(row.node);
    else table.querySelectorAll("tbody")[place].before(row.node);
    row.show(place, terms());
    return row;
  }

  /* There is always an empty line to go on with. */
  function fillUp() {
    const last = here.rows.at(-1);
    if ((!last || !kept.isEmpty(last.line)) && here.rows.length < MOST_LINES) insert(here.rows.length, kept.newLine());
  }

  function showAll() {
    here.rows.forEach((row, place) => row.show(place, terms()));
    entry.showSide(here.priced, here.rows, here.draft.content);
    showDrafts();
  }

  function written() {
    kept.changed(here.draft);
  }

  const reprice = entry.pricer(() => here, (draft, priced, refused) => {
    if (draft !== here.draft) return reprice();
    here.priced = priced;
    if (refused) tell(refused.detail ?? refused.title);
    return showAll();
  });

  /* Drafts. */
  function nameOf(draft) {
    const lines = draft.content.lines.filter((line) => !kept.isEmpty(line)).length;
    return [draft.content.customer.trim() || say("no_customer_yet"), say("lines", { n: lines })];
  }

  function showDrafts() {
    const list = part("drafts");
    const shown = here.drafts.map((draft) => {
      const item = template("draft").content.firstElementChild.cloneNode(true);
      const open = item.querySelector("button");
      const [name, lines] = nameOf(draft);
      open.querySelector("[data-name]").textContent = name;
      open.querySelector("[data-count]").textContent = lines;
      open.setAttribute("aria-current", String(draft === here.draft));
      open.addEventListener("click", () => openDraft(draft));
      return item;
    });
    const now = shown.map((item) => item.textContent).join() + here.drafts.indexOf(here.draft);
    if (list.dataset.now !== now) list.replaceChildren(...shown);
    list.dataset.now = now;
  }

  function openDraft(draft, focus = true) {
    if (!here.drafts.includes(draft)) here.drafts.push(draft);
    Object.assign(here, { draft, rows: [], priced: null });
    for (const row of table.querySelectorAll("tbody")) row.remove();
    const lines = draft.content.lines;
    draft.content.lines = [];
    for (const line of lines) insert(here.rows.length, line);
    fillUp();
    for (const input of root.querySelectorAll("[data-field]")) input.value = draft.content[input.dataset.field] ?? "";
    const { customer } = draft.content;
    if (draft.content.customer_id) field("customer").dataset.taken = customer;
    else delete field("customer").dataset.taken;
    stockade.kept.set("entry-open", draft.id);
    part("customer-told").hidden = true;
    here.state = draft.state;
    showState(draft);
    showAll();
    reprice();
    for (const row of here.rows) if (!row.line.product_id && row.line.typed.trim()) row.finder.resolve(row.line.typed);
    if (focus) (draft.content.customer_id ? here.rows.at(-1).parts.product : field("customer")).focus();
    if (focus) tell(nameOf(draft).join(", "));
  }

  function newDraft() {
    const blank = here.drafts.find((draft) => kept.isBlank(draft) && draft.version === 0);
    openDraft(blank ?? kept.fresh());
  }

  function nextDraft() {
    const place = here.drafts.indexOf(here.draft);
    if (here.drafts.length > 1) openDraft(here.drafts[(place + 1) % here.drafts.length]);
  }

  function leave(draft) {
    here.drafts = here.drafts.filter((other) => other !== draft);
    if (draft !== here.draft) return showDrafts();
    return openDraft(here.drafts.at(-1) ?? kept.fresh());
  }

  function discard() {
    const { draft } = here;
    if (kept.isBlank(draft) && draft.version === 0) return;
    here.undo.push({ discarded: draft.content });
    kept.discard(draft);
    leave(draft);
    stockade.toast?.("info", say("discarded"), { label: say("undo"), run: undo });
  }

  function undo() {
    const last = here.undo.pop();
    if (!last) return;
    if (last.discarded) {
      const again = kept.fresh(last.discarded);
      openDraft(again);
      kept.changed(again);
    } else {
      if (last.draft !== here.draft && here.drafts.includes(last.draft)) openDraft(last.draft);
      if (last.draft !== here.draft) return;
      insert(Math.min(last.place, here.rows.length), last.line).parts.product.focus();
      written();
      showAll();
      reprice();
    }
    tell(say("undone"));
  }

  function showState(draft) {
    for (const state of root.querySelectorAll("[data-state]")) state.hidden = state.dataset.state !== draft.state;
    document.dispatchEvent(new CustomEvent("entry:decide", { detail: draft }));
  }

  /* The connection or the session is back: what waited goes on. */
  function goOn() {
    for (const row of here.rows) if (row.pending && row.offline) row.finder.resolve(row.line.typed);
    const typed = field("customer").value;
    if (typed.trim() && !here.draft.content.customer_id) customer.resolve(typed);
    reprice();
  }

  function again() {
    kept.again(here.drafts);
    goOn();
  }

  document.addEventListener("entry:state", ({ detail: draft }) => {
    if (draft === here.draft) {
      const waited = ["offline", "ended"].includes(here.state) && draft.state === "saved";
      here.state = draft.state;
      showState(draft);
      if (waited) goOn();
    }
    showDrafts();
  });

  window.addEventListener("online", again);
  window.addEventListener("focus", () => here.drafts.some((draft) => draft.state !== "saved") && again());
  document.getElementById("session-ended")?.addEventListener("close", again);

  /* Head: customer and what belongs to the whole order. */
  const customer = entry.finder(field("customer"), {
    list: template("found"), template: template("customer-option"), find: customers, fill: fillCustomer,
    typed(text) {
      Object.assign(here.draft.content, { customer: text, customer_id: null, delivery_address_id: null });
      here.priced = null;
      part("customer-told").hidden = true;
      written();
      showAll();
    },
    taken(it) {
      const text = `${it.name} · ${it.number}`;
      Object.assign(here.draft.content, { customer: text, customer_id: it.id, delivery_address_id: null });
      field("customer").value = text;
      part("customer-told").hidden = true;
      field("customer").setAttribute("aria-invalid", "false");
      written();
      showDrafts();
      tell(text);
      reprice();
    },
    unclear: (found) => found !== undefined && customerProblem(found === null ? "customer_waits" : found.length > 0 ? "several_customers" : "unknown_customer"),
  });

  function customerProblem(word) {
    part("customer-told").hidden = false;
    part("customer-told-text").textContent = say(word);
    field("customer").setAttribute("aria-invalid", "true");
    tell(say(word));
  }

  root.addEventListener("input", ({ target }) => {
    const name = target.dataset.field;
    if (!name || name === "customer") return;
    here.draft.content[name] = name.endsWith("_id") ? target.value || null : target.value;
    written();
    if (name === "warehouse_id") reprice();
  });

  Object.assign(entry, {
    page: { here, does, part, field, tell, customer, customerProblem, products, customers, openDraft, newDraft, nextDraft, leave, discard, undo, insert, fillUp, written, showAll, reprice },
  });

  const open = stockade.kept.get("entry-open");
  if (here.drafts.length === 0) here.drafts.push(kept.fresh());
  // The parts below add keys and placing; the page opens when all of them are there.
  document.addEventListener("entry:ready", () => {
    openDraft(here.drafts.find((draft) => draft.id === open) ?? here.drafts.at(-1));
    for (const draft of here.drafts) kept.save(draft);
  });
})();
