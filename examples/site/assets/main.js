// Loaded only when it is asked for, like a lazy route.
document.querySelector("#more").addEventListener("click", async () => {
  const { tides } = await import("./tides.js");
  document.querySelector("#tides").replaceChildren(
    ...tides.map((tide) => Object.assign(document.createElement("li"), { textContent: tide })),
  );
});
