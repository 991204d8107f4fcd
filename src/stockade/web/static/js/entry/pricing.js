/*
 * Order entry, pricing: one call for all that changed, one under way at a time, the newest answer counts. What is shown beside
 * the lines (credit, totals, addresses) is written here, too.
 */
(() => {
  "use strict";

  const entry = stockade.entry;
  const { say, money, readQuantity, readDecimal } = entry;
  const PAUSE_MS = 90;
  const part = (name) => document.querySelector(`#entry [data-show="${name}"]`);

  /* The lines that can be priced, as the server takes them. */
  function asked(rows) {
    return rows.filter(({ line }) => line.product_id && readQuantity(line.quantity) !== null);
  }

  function bodyOf(line) {
    const body = { product_id: line.product_id, quantity: readQuantity(line.quantity), whole: line.whole };
    for (const name of ["unit_price", "discount_percent"]) {
      const value = readDecimal(line[name]);
      if (line[name].trim() && value !== null && (name === "unit_price" || value <= 100)) body[name] = value;
    }
    return body;
  }

  entry.lineBodies = (rows) => asked(rows).map((row) => [row, bodyOf(row.line)]);

  function showCredit(priced) {
    const { credit } = priced;
    const limited = credit.limit_minor !== null;
    part("credit").hidden = false;
    part("limit").textContent = limited ? money(credit.limit_minor, priced) : say("no_limit");
    part("used").textContent = money(credit.used_minor, priced);
    part("left").textContent = limited ? money(credit.left_minor, priced) : say("no_limit");
    part("left").classList.toggle("bad", limited && credit.left_minor < 0);
    const meter = part("meter");
    meter.hidden = !limited;
    meter.max = Math.max(1, credit.limit_minor ?? 1);
    meter.value = Math.max(0, credit.used_minor + priced.gross_minor);
    meter.className = `meter meter-${limited && credit.left_minor < 0 ? "bad" : limited && credit.left_minor < 0.2 * credit.limit_minor ? "warn" : "good"}`;
    part("over").hidden = !limited || credit.left_minor >= 0;
    if (limited && credit.left_minor < 0) part("over-text").textContent = say("over", { amount: money(-credit.left_minor, priced) });
    part("overdue").hidden = credit.overdue_minor <= 0;
    if (credit.overdue_minor > 0) part("overdue-text").textContent = say("overdue", { amount: money(credit.overdue_minor, priced), day: entry.day(credit.overdue_since) });
    part("terms").textContent = credit.terms_days === 0 ? say("in_advance") : say("terms", { n: credit.terms_days });
  }

  function showTotals(priced, rows) {
    for (const name of ["net", "vat", "gross"]) part(name).textContent = priced ? money(priced[`${name}_minor`], priced) : "–";
    part("gross-bar").textContent = part("gross").textContent;
    const lines = rows.filter(({ line }) => !entry.drafts.isEmpty(line)).length;
    part("count").textContent = say("lines", { n: lines });
    const short = rows.filter((row) => entry.missing(row) > 0);
    part("waiting").hidden = short.length === 0;
    if (short.length > 0) part("waiting-text").textContent = say("waiting", { n: short.length, pieces: short.reduce((sum, row) => sum + entry.missing(row), 0) });
  }

  function showAddresses(priced, chosen) {
    const field = document.querySelector("#entry [data-field='delivery_address_id']");
    const known = JSON.stringify(priced?.addresses ?? []);
    if (field.dataset.known !== known) {
      const options = (priced?.addresses ?? []).map((it) => new Option(`${it.recipient}, ${it.street}, ${it.postcode} ${it.city}`, it.id));
      field.replaceChildren(field.options[0], ...options);
      field.dataset.known = known;
    }
    field.value = chosen ?? "";
    if (field.selectedIndex < 0) field.value = "";
  }

  entry.showSide = (priced, rows, content) => {
    if (priced) showCredit(priced);
    else part("credit").hidden = true;
    showTotals(priced, rows);
    showAddresses(priced, content.delivery_address_id);
  };

  /* pricer(current, show): current() answers {content, rows}; show(priced or null) is called when there is news. */
  entry.pricer = (current, show) => {
    let timer = 0;
    let running = false;
    let wanted = false;

    async function run() {
      if (running) return void (wanted = true);
      const { draft, rows } = current();
      const { content } = draft;
      if (!content.customer_id) return show(draft, null);
      running = true;
      wanted = false;
      const sent = entry.lineBodies(rows);
      const { status, body } = await entry.call("POST", "/orders/entry/price", {
        customer_id: content.customer_id, warehouse_id: content.warehouse_id, lines: sent.map(([, line]) => line),
      });
      running = false;
      if (status === 200) {
        sent.forEach(([row, line], place) => {
          if (row.line.product_id !== line.product_id) return;
          row.priced = body.lines[place];
          row.pricedQuantity = line.quantity;
        });
        show(draft, body);
      } else if (status === 422) show(draft, null, body);
      if (wanted) soon();
      return undefined;
    }

    function soon() {
      clearTimeout(timer);
      timer = setTimeout(run, PAUSE_MS);
    }

    return soon;
  };
})();
