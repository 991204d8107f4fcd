/*
 * Order entry, words and numbers: sentences from the page's template, figures as the reader's language writes them, and what a
 * person types as a figure. The parts of order entry share `stockade.entry`.
 */
(() => {
  "use strict";

  const root = document.documentElement;
  const region = { en: "en-GB", pl: "pl-PL" }[root.lang] ?? root.lang;
  const dotted = root.lang === "en";
  const sentences = document.getElementById("entry-words").content;
  const MOST = 1_000_000;

  /* A sentence of the page, with its values. Several forms of a plural stand as word-one, word-few, word-many, word-other. */
  function say(word, values = {}) {
    const plural = "n" in values ? new Intl.PluralRules(region).select(values.n) : "";
    const found = sentences.querySelector(`[data-word="${word}-${plural}"]`) ?? sentences.querySelector(`[data-word="${word}"]`);
    if (!found) throw new Error(`The page has no words for ${word}.`);
    return found.textContent.trim().replace(/\{(\w+)\}/g, (whole, name) => {
      const value = values[name];
      return typeof value === "number" ? quantity(value) : String(value ?? whole);
    });
  }

  const plain = new Intl.NumberFormat(region, { useGrouping: "always" });
  const priced = new Intl.NumberFormat(region, { useGrouping: "always", minimumFractionDigits: 2, maximumFractionDigits: 6 });
  const quantity = (value) => plain.format(value);
  const price = (text) => priced.format(text);

  function money(minor, { digits, currency }) {
    const whole = new Intl.NumberFormat(region, { useGrouping: "always", minimumFractionDigits: digits, maximumFractionDigits: digits });
    return `${whole.format(minor / 10 ** digits)}\u00a0${currency}`;
  }

  const day = (iso) => new Intl.DateTimeFormat(region, { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" }).format(new Date(iso));

  /* A quantity that was typed: 1 to a million, or null. */
  function readQuantity(text) {
    const bare = text.replace(/[\s\u00a0\u202f]/g, "");
    if (!/^\d{1,7}$/.test(bare)) return null;
    const value = Number(bare);
    return value >= 1 && value <= MOST ? value : null;
  }

  /* A decimal that was typed, as the server reads it; null if it is none or can be read two ways. */
  function readDecimal(text) {
    let bare = text.replace(/[\s\u00a0\u202f]/g, "");
    if (dotted && /^\d{1,3}(,\d{3})+(\.\d*)?$/.test(bare)) bare = bare.replaceAll(",", "");
    if (!dotted) bare = bare.includes(".") ? "?" : bare.replace(",", ".");
    return /^(\d+\.?\d*|\.\d+)$/.test(bare) ? bare.replace(/^\./, "0.").replace(/\.$/, "") : null;
  }

  /* What may be sent: no control characters (PostgreSQL refuses them), no half of a character, no more than fits. */
  function clean(text, most) {
    const fine = text.toWellFormed().replace(/[\u0000-\u0008\u000b-\u001f]/g, " ");
    return fine.length <= most ? fine : [...fine].slice(0, most).join("");
  }

  /* A UUIDv7 (RFC 9562): drafts sort by when they were begun. */
  function newId() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    const now = Date.now();
    for (let place = 0; place < 6; place += 1) bytes[place] = Math.floor(now / 2 ** (8 * (5 - place))) % 256;
    bytes[6] = 0x70 | (bytes[6] & 0x0f);
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
  }

  stockade.entry = { say, quantity, price, money, day, readQuantity, readDecimal, clean, newId };
})();
