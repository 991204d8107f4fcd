/*
 * The list under a combobox (WAI-ARIA 1.2): which option is marked, and how arrows move it. The focus stays in the input.
 *
 * const choices = stockade.choices(input, list): choices.all(), .current(), .mark(option or null), .key(event) which moves by
 * the keys that move and says whether it did.
 */
(() => {
  "use strict";

  let count = 0;

  stockade.choices = (input, list) => {
    const all = () => [...list.querySelectorAll("[role='option']")].filter((option) => option.offsetParent !== null);
    const current = () => list.querySelector("[role='option'][aria-selected='true']");

    function mark(option) {
      for (const other of list.querySelectorAll("[aria-selected='true']")) other.setAttribute("aria-selected", "false");
      if (!option) return input.removeAttribute("aria-activedescendant");
      option.id ||= `option-${(count += 1)}`;
      option.setAttribute("aria-selected", "true");
      input.setAttribute("aria-activedescendant", option.id);
      option.scrollIntoView({ block: "nearest" });
      return undefined;
    }

    function key(event) {
      const options = all();
      if (options.length === 0 || event.altKey || event.ctrlKey || event.metaKey) return false;
      const here = options.indexOf(current());
      const page = 8;
      const next = {
        ArrowDown: here + 1 === options.length ? 0 : here + 1,
        ArrowUp: here <= 0 ? options.length - 1 : here - 1,
        PageDown: Math.min(here + page, options.length - 1),
        PageUp: Math.max(here - page, 0),
      }[event.key];
      if (next === undefined) return false;
      event.preventDefault();
      mark(options[next]);
      return true;
    }

    return { all, current, mark, key };
  };
})();
