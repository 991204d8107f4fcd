/*
 * Order entry, keys and paste. Enter goes on: customer, product, quantity, next line. The rest is listed at the foot of the page.
 */
(() => {
  "use strict";

  const entry = stockade.entry;
  const { say, drafts: kept, page } = entry;
  const { here, does, field, tell } = page;
  const root = document.getElementById("entry");
  const MATCHED_AT_ONCE = 50;

  const rowOf = (element) => here.rows.find((row) => row.node.contains(element));
  const partOf = (element) => element.dataset.part;

  function go(input) {
    input.focus();
    input.select?.();
  }

  /* Where a finished line leads: to the next one if something is missing there, else to the empty one at the end. */
  function goOn(row) {
    page.fillUp();
    const next = here.rows[row.place + 1];
    if (next && next.line.product_id && !next.line.quantity.trim()) return go(next.parts.quantity);
    return go(here.rows.at(-1).parts.product);
  }

  function enterProduct(row) {
    const empty = !row.line.typed.trim();
    if (empty && row.place === here.rows.length - 1) return tell(say("end_hint"));
    if (empty) return goOn(row);
    row.finder.settle(true);
    return go(row.parts.quantity);
  }

  function enterQuantity(row) {
    if (!row.line.quantity.trim() && row.line.typed.trim()) {
      row.line.quantity = row.parts.quantity.value = "1";
      does.changed(row, "quantity");
    }
    return goOn(row);
  }

  function enter(row, name) {
    if (name === "product") enterProduct(row);
    else if (name === "quantity") enterQuantity(row);
    else if (name === "price") go(row.parts.discount);
    else goOn(row);
  }

  /* In the quantity: letters choose what happens to a short line, plus completes the case. */
  function quantityKey(row, key) {
    if (key === "+" && entry.nextCase(row) !== null) return does.choose(row, "case");
    if (entry.missing(row) === 0) return undefined;
    const there = row.priced.free > 0;
    if (key === "b") does.choose(row, "rest");
    if (key === "a" && there) does.choose(row, "whole");
    if (key === "r" && there) does.choose(row, "reduce");
    if (key === "s" && row.priced.substitutes.length > 0) does.choose(row, "substitute", row.priced.substitutes[0]);
    return undefined;
  }

  function lineKey(event, row) {
    const name = partOf(event.target);
    const { key } = event;
    if (key === "Enter" && event.target.matches("input")) {
      event.preventDefault();
      enter(row, name);
    } else if (["ArrowUp", "ArrowDown"].includes(key) && event.target.matches("input") && !event.altKey) {
      event.preventDefault();
      const other = here.rows[row.place + (key === "ArrowUp" ? -1 : 1)];
      if (other) go(other.parts[name]);
    } else if (name === "quantity" && /^[a-z+]$/i.test(key)) {
      event.preventDefault();
      quantityKey(row, key.toLowerCase());
    }
  }

  /* The next line that wants a decision, after the one where one is. */
  function nextToMend() {
    const at = here.rows.indexOf(rowOf(document.activeElement));
    const order = [...here.rows.slice(at + 1), ...here.rows.slice(0, at + 1)];
    const row = order.find((it) => !kept.isEmpty(it.line) && (entry.problemOf(it) || entry.missing(it) > 0));
    if (!row) return tell(say("nothing_to_mend"));
    go(row.line.product_id && !row.priced?.problem ? row.parts.quantity : row.parts.product);
    return tell(`${say("line", { line: row.place + 1 })}: ${row.parts.told.textContent.trim().replace(/\s+/g, " ")}`);
  }

  const anywhere = {
    F2: () => go(field("customer")), F4: page.nextDraft, F8: page.newDraft, F9: nextToMend,
    "Control+Enter": () => entry.place(root.dataset.confirm === "true"), "Control+s": () => entry.place(false),
    "Alt+z": page.undo, "Alt+Delete": () => rowOf(document.activeElement) && does.remove(rowOf(document.activeElement)),
    "Alt+Shift+Delete": page.discard,
  };

  document.addEventListener("keydown", (event) => {
    if (event.isComposing || stockade.covered()) return;
    const held = [(event.ctrlKey || event.metaKey) && "Control", event.altKey && "Alt", event.shiftKey && event.altKey && "Shift"].filter(Boolean);
    const run = anywhere[[...held, event.key.length === 1 ? event.key.toLowerCase() : event.key].join("+")];
    if (run) {
      event.preventDefault();
      return run();
    }
    if (event.defaultPrevented || held.length > 0 || !root.contains(event.target)) return undefined;
    const row = rowOf(event.target);
    if (row) return lineKey(event, row);
    if (event.key === "Enter" && event.target.matches("input")) {
      event.preventDefault();
      if (event.target === field("customer") && event.target.value.trim()) page.customer.settle(true);
      go((here.rows.find((it) => kept.isEmpty(it.line)) ?? here.rows.at(-1)).parts.product);
    }
    return undefined;
  });

  root.addEventListener("entry:next", ({ target }) => {
    const row = rowOf(target);
    go(row ? row.parts.quantity : here.rows.at(-1).parts.product);
  });

  root.addEventListener("entry:found", ({ detail: count }) => tell(count > 0 ? say("found", { n: count }) : say("found_none")));

  for (const button of root.querySelectorAll("[data-key]")) {
    button.addEventListener("click", () => anywhere[button.dataset.key]());
  }

  /* Paste. Every row becomes a line; what is not found stays as it stands, to be mended. */
  function paste(row, text) {
    const sheet = entry.readSheet(text);
    const room = Number(root.dataset.mostLines) - here.rows.filter(({ line }) => !kept.isEmpty(line)).length;
    const taken = sheet.rows.slice(0, Math.max(0, room));
    let place = kept.isEmpty(row.line) ? row.place : row.place + 1;
    const made = taken.map((it) => {
      const line = kept.newLine({ typed: entry.clean(it.typed, 200), quantity: entry.clean(it.quantity, 20) });
      const pasted = page.insert(place, line);
      pasted.pending = Boolean(line.typed);
      if (!line.typed) pasted.unclear = "unnamed";
      place += 1;
      return pasted;
    });
    page.fillUp();
    page.written();
    page.showAll();
    go(here.rows.at(-1).parts.product);
    const words = [say("pasted", { n: made.length })];
    if (sheet.headers > 0) words.push(say("pasted_header"));
    if (sheet.columns > 0) words.push(say("pasted_columns", { n: sheet.columns }));
    if (taken.length < sheet.rows.length) words.push(say("pasted_over", { n: sheet.rows.length - taken.length, first: sheet.rows[taken.length].typed }));
    match(made, words);
  }

  async function match(made, words) {
    const rows = made.filter((it) => it.line.typed);
    for (let from = 0; from < rows.length; from += MATCHED_AT_ONCE) {
      const chunk = rows.slice(from, from + MATCHED_AT_ONCE);
      const texts = chunk.map(({ line }) => line.typed.replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, " ").trim().slice(0, 200) || "?");
      const { status, body } = await entry.call("POST", "/orders/entry/matches", { texts });
      chunk.forEach((row, place) => matched(row, status === 200 ? body[place] : null));
      page.written();
      page.showAll();
      page.reprice();
    }
    const open = made.filter((row) => !row.line.product_id).length;
    if (open > 0) words.push(say("pasted_open", { n: open }));
    tell(words.join(" "));
    stockade.toast?.(open > 0 || words.length > 3 ? "bad" : "good", words.join(" "));
  }

  function matched(row, answer) {
    const { line } = row;
    if (line.product_id || !row.pending) return;
    row.pending = answer === null;
    row.offline = answer === null;
    if (!answer) return;
    if (answer.product_id) {
      Object.assign(line, { product_id: answer.product_id, typed: answer.sku, label: answer.name.slice(0, 200) });
      row.fill();
    } else row.unclear = answer.several ? "several" : "unknown";
  }

  root.addEventListener("paste", (event) => {
    const row = rowOf(event.target);
    const text = event.clipboardData?.getData("text/plain") ?? "";
    if (!row || !/[\t\n]/.test(text.trim()) || !event.target.matches("input")) return;
    event.preventDefault();
    paste(row, text);
  });
})();
