/*
 * Order entry, sheets: lines that are pasted from a spreadsheet, a mail or a CSV file. `entry.readSheet(text)` answers
 *
 *   {rows: [{typed, quantity}], headers, columns}
 *
 * headers: how many rows at the top name columns; columns: how many besides product and quantity were not used. Every other
 * row with something in it becomes a line: what cannot be read is kept as it stands, to be mended.
 */
(() => {
  "use strict";

  const PRODUCT = /^(sku|code|item|item (no|code|number)|article|article (no|number)|product|product (code|name)|part( no| number)?|name|description|barcode|ean|gtin|towar|nazwa|produkt|kod|indeks|symbol|artyku[lł])\.?$/i;
  const QUANTITY = /^(q|qty|quantity|pieces|pcs|units|amount|count|order|ilo[sś][cć]|szt|sztuk|liczba)\.?$/i;
  const WHOLE = /^(\d{1,3}([ \u00a0\u202f.,]\d{3})+|\d+)([.,]0+)?\s*(x|×|pcs?|pieces?|units?|szt)?\.?$/i;

  const isQuantity = (cell) => WHOLE.test(cell);

  function digits(cell) {
    const found = WHOLE.exec(cell);
    return found ? found[1].replace(/\D/g, "") : cell;
  }

  /* Cells of a row; a cell in quotes may hold the delimiter and, doubled, quotes. */
  function split(text, delimiter) {
    const rows = [];
    let row = [""];
    let quoted = false;
    for (let place = 0; place < text.length; place += 1) {
      const sign = text[place];
      if (quoted && sign === '"' && text[place + 1] === '"') {
        row[row.length - 1] += '"';
        place += 1;
      } else if (sign === '"' && (quoted || row.at(-1) === "")) quoted = !quoted;
      else if (!quoted && sign === delimiter) row.push("");
      else if (!quoted && sign === "\n") {
        rows.push(row);
        row = [""];
      } else row[row.length - 1] += sign;
    }
    rows.push(row);
    return rows;
  }

  /* "10 x PEN-1" and "PEN-1 10", as people write mails. */
  function spoken(line) {
    const before = /^(\d+)\s*(?:x|×|szt\.?|pcs\.?)\s+(.+)$/i.exec(line);
    if (before) return [before[2], before[1]];
    const after = /^(.*\S)\s+[x×]?\s*(\d{1,7})(?:\s*(?:pcs|szt)\.?)?$/i.exec(line);
    return after ? [after[1], after[2]] : [line];
  }

  function cells(text) {
    const plain = text.replace(/\r\n?/g, "\n");
    const delimiter = ["\t", ";", ","].find((sign) => plain.includes(sign));
    const rows = delimiter ? split(plain, delimiter) : plain.split("\n").map(spoken);
    return rows.map((row) => row.map((cell) => cell.replace(/\s+/g, " ").trim())).filter((row) => row.some(Boolean));
  }

  /* Which columns hold product and quantity: by their names, else by what stands in them. */
  function columnsOf(rows) {
    const width = Math.max(...rows.map((row) => row.length));
    const all = Array.from({ length: width }, (_, place) => place);
    const named = rows[0].some((cell) => PRODUCT.test(cell)) || rows[0].some((cell) => QUANTITY.test(cell));
    const body = named ? rows.slice(1) : rows;
    const counts = all.map((place) => body.filter((row) => isQuantity(row[place] ?? "")).length);
    const byName = (pattern) => (named ? rows[0].findIndex((cell) => pattern.test(cell)) : -1);
    let quantity = byName(QUANTITY);
    if (quantity < 0 && width > 1) {
      const most = Math.max(...counts.slice(1), width > 1 ? counts[0] : 0);
      quantity = most > 0 ? counts.lastIndexOf(most) : 1;
    }
    let product = byName(PRODUCT);
    if (product < 0) product = all.find((place) => place !== quantity && body.some((row) => row[place])) ?? 0;
    return { product, quantity, named, width };
  }

  stockade.entry.readSheet = (text) => {
    const rows = cells(text);
    if (rows.length === 0) return { rows: [], headers: 0, columns: 0 };
    const { product, quantity, named, width } = columnsOf(rows);
    // A row at the top without a number where all others have one names the columns, in whatever language.
    const untold = !named && rows.length > 1 && quantity >= 0 && !/\d/.test(rows[0][quantity] ?? "") && rows.slice(1).every((row) => isQuantity(row[quantity] ?? ""));
    const body = rows.slice(named || untold ? 1 : 0);
    return {
      rows: body.map((row) => {
        const read = { typed: row[product] ?? "", quantity: digits(row[quantity] ?? "") };
        return read.typed || read.quantity ? read : { typed: row.filter(Boolean).join(" "), quantity: "" };
      }),
      headers: rows.length - body.length,
      columns: Math.max(0, width - (quantity >= 0 ? 2 : 1)),
    };
  };
})();
