// The print button of a sheet; without scripts the browser's own menu prints the same.
document.querySelector("[data-print]")?.addEventListener("click", () => window.print());
