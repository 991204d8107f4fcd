/* An operator's access counts down, and says so where it ends: the server has ended it already, whatever stands here. */
(() => {
  "use strict";

  const banner = document.querySelector("[data-ends]");
  if (!banner) return;
  const left = banner.querySelector("[data-left]");
  const ends = Date.now() + Number(banner.dataset.ends) * 1000;

  function tell() {
    const seconds = Math.max(0, Math.round((ends - Date.now()) / 1000));
    left.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    if (seconds === 0) {
      clearInterval(ticking);
      banner.querySelector("[data-over]").hidden = false;
    }
  }

  const ticking = setInterval(tell, 1000);
  tell();
})();
