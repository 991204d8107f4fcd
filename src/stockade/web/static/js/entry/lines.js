/*
 * Order entry, lines: a row of the table for each line of the draft, what is known about it, and what is offered when stock is
 * short. `entry.row(line, does)` makes one; what was typed lives in `line`, what the server said in `row.priced`. It is shown
 * by row.show(place) and asks the page to act by `does` (found, changed, next, choose, remove, address).
 */
(() => {
  "use strict";

  const entry = stockade.entry;
  const { say, quantity: figure, price: priceText, readQuantity, readDecimal } = entry;
  const template = (name) => document.getElementById(`entry-${name}`).content.firstElementChild;
  let count = 0;

  /* What keeps a line from being ordered, in words; "" if nothing does. */
  function problemOf(row) {
    const { line } = row;
    if (row.unclear) return say(row.unclear, { text: line.typed.trim() });
    if (!line.product_id) return row.pending || !line.typed.trim() ? (row.pending ? "" : say("no_product")) : "";
    if (row.priced?.problem) return row.priced.problem;
    if (row.refused) return row.refused;
    if (line.quantity.trim() && readQuantity(line.quantity) === null) return say("bad_quantity");
    if (line.unit_price.trim() && readDecimal(line.unit_price) === null) return say("bad_price");
    if (line.discount_percent.trim() && (readDecimal(line.discount_percent) ?? 101) > 100) return say("bad_discount");
    return "";
  }

  /* How much of the line is missing now; 0 while nothing is known. */
  function missing(row) {
    const wanted = readQuantity(row.line.quantity);
    const { priced } = row;
    if (!priced || priced.problem || priced.available === null || wanted === null || row.pricedQuantity !== wanted) return 0;
    return row.line.whole ? (priced.granted < wanted ? wanted : 0) : wanted - priced.granted;
  }

  /* The next full case, if the quantity is none. */
  function nextCase(row) {
    const pack = row.priced?.case_pack ?? row.found?.case_pack ?? 1;
    const wanted = readQuantity(row.line.quantity);
    return wanted === null || pack < 2 || wanted % pack === 0 ? null : Math.ceil(wanted / pack) * pack;
  }

  function button(text, key, run, pressed) {
    const made = template("choice").cloneNode(true);
    made.querySelector("span").textContent = text;
    const shown = made.querySelector("kbd");
    if (key) shown.textContent = key;
    else shown.remove();
    if (pressed !== undefined) made.setAttribute("aria-pressed", String(pressed));
    made.addEventListener("click", run);
    return made;
  }

  function note(kind, text, ...buttons) {
    const made = template(`note-${kind}`).cloneNode(true);
    made.querySelector("[data-text]").textContent = text;
    made.querySelector("[data-choices]").append(...buttons);
    return made;
  }

  function shortNote(row, does) {
    const { line, priced } = row;
    const wanted = readQuantity(line.quantity);
    const there = Math.min(priced.free, wanted); // What the lines above leave of it.
    const words = [say(there > 0 ? "short" : "none_left", { available: there, wanted })];
    if (priced.elsewhere > 0) words.push(say("elsewhere", { elsewhere: priced.elsewhere }));
    const choices = [
      button(say(there > 0 ? "choice_rest" : "choice_wait", { there, rest: wanted - there }), "b", () => does.choose(row, "rest"), !line.whole),
    ];
    if (there > 0) {
      choices.push(button(say("choice_whole"), "a", () => does.choose(row, "whole"), line.whole));
      choices.push(button(say("choice_reduce", { there }), "r", () => does.choose(row, "reduce")));
    }
    for (const [place, it] of priced.substitutes.entries()) {
      const values = { sku: it.sku, name: it.name, available: it.available ?? wanted, price: it.price === null ? "" : priceText(it.price) };
      choices.push(button(say("choice_substitute", values), place === 0 ? "s" : "", () => does.choose(row, "substitute", it)));
    }
    return note("short", words.join(" "), ...choices);
  }

  function notes(row, does) {
    const made = [];
    const problem = problemOf(row);
    const options = (row.options ?? []).slice(0, 4).map((it) => button(`${it.sku} · ${it.name}`, "", () => does.found(row, it)));
    if (problem) made.push(note("problem", problem, ...options));
    else if (row.pending) made.push(note("plain", say(row.offline ? "waits" : "looking")));
    if (!problem && missing(row) > 0) made.push(shortNote(row, does));
    const next = nextCase(row);
    if (!problem && next !== null) {
      made.push(note("plain", say("case_pack", { pack: row.priced?.case_pack ?? row.found.case_pack }), button(say("choice_case", { next }), "+", () => does.choose(row, "case"))));
    }
    return made;
  }

  function showFigures(row, parts, terms) {
    const { line, priced, found } = row;
    const known = priced && !priced.problem ? priced : null;
    const available = known ? known.available : (found?.available ?? null);
    const unit = known?.unit_price ?? found?.price ?? null;
    parts.label.textContent = line.label;
    parts.stock.textContent = line.product_id && available !== null ? figure(available) : line.product_id && (known || found) ? say("not_stocked") : "";
    parts.stock.classList.toggle("warn", missing(row) > 0);
    const list = unit === null || !line.product_id ? "" : priceText(unit);
    if (parts.price.matches("input")) parts.price.placeholder = list;
    else parts.price.textContent = list;
    const gone = !line.product_id || readQuantity(line.quantity) === null;
    parts.net.textContent = gone || !known || !terms ? "" : entry.money(known.net_minor, terms).replace(/\s?\S+$/, "");
  }

  entry.row = (line, does) => {
    const id = (count += 1);
    const node = template("line").cloneNode(true);
    const parts = Object.fromEntries([...node.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, part]));
    const row = { line, node, parts, priced: null, found: null, pending: false, unclear: "", refused: "" };
    const fields = { product: "typed", quantity: "quantity", price: "unit_price", discount: "discount_percent" };
    const inputs = Object.entries(fields).filter(([part]) => parts[part]?.matches("input"));
    parts.told.id = `entry-told-${id}`;
    parts.label.id = `entry-label-${id}`;
    parts.product.setAttribute("aria-describedby", `${parts.label.id} ${parts.told.id}`);
    parts.quantity.setAttribute("aria-describedby", parts.told.id);
    let shownNotes = "";

    row.show = (place, terms) => {
      row.place = place;
      parts.number.textContent = String(place + 1);
      for (const [part] of inputs) parts[part].setAttribute("aria-label", say(`label_${part}`, { line: place + 1 }));
      parts.remove.setAttribute("aria-label", say("label_remove", { line: place + 1 }));
      showFigures(row, parts, terms);
      const problem = problemOf(row);
      const empty = entry.drafts.isEmpty(line);
      const made = empty ? [] : notes(row, does);
      // Rebuilt only when it says something else, so that a button in it keeps the focus.
      const told = made.map((it) => it.textContent + [...it.querySelectorAll("[aria-pressed]")].map((one) => one.getAttribute("aria-pressed"))).join();
      if (told !== shownNotes) parts.told.replaceChildren(...made);
      shownNotes = told;
      node.classList.toggle("entry-line-told", made.length > 0);
      parts.product.setAttribute("aria-invalid", String(!empty && Boolean(row.unclear || row.priced?.problem || (problem && !line.product_id))));
      parts.quantity.setAttribute("aria-invalid", String(!empty && Boolean(problem && line.product_id && !row.priced?.problem)));
      return problem && !empty;
    };

    /* From what was typed to the fields: after a reload, an undo, a paste. */
    row.fill = () => {
      for (const [part, name] of inputs) if (parts[part].value !== line[name]) parts[part].value = line[name];
      if (line.product_id) parts.product.dataset.taken = line.typed;
      else delete parts.product.dataset.taken;
    };

    for (const [part, name] of inputs) {
      parts[part].addEventListener("input", () => {
        line[name] = parts[part].value;
        row.refused = "";
        if (part === "product") Object.assign(line, { product_id: null, label: "", whole: false });
        if (part === "product") Object.assign(row, { priced: null, found: null, unclear: "", options: null, pending: false });
        does.changed(row, part);
      });
    }
    parts.remove.addEventListener("click", () => does.remove(row));
    row.finder = entry.finder(parts.product, {
      ...does.looking,
      typed() {},
      taken: (it) => does.found(row, it),
      unclear(found) {
        row.pending = found === undefined || found === null;
        row.offline = found === null;
        row.unclear = found ? (found.length > 0 ? "several" : "unknown") : "";
        row.options = found ?? null;
        does.changed(row, "unclear");
      },
    });
    row.fill();
    return row;
  };

  Object.assign(entry, { problemOf, missing, nextCase });
})();
