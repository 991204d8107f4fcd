/* The components' own page: shows a toast when asked to. */
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-try-toast]");
  if (button) stockade.toast(button.dataset.tryToast, "Customer Hartley & Sons was saved.", { label: "Undo", run() {} });
});
