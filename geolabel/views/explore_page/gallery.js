// Tiles as pictures side by side; some at a time.

const FIRST = 96, MORE = 240;

function figure(row) {
  const colouring = colourings[seen.colouring], said = valueOf(colouring, row);
  return make("button", {type: "button", className: "tile", "data-row": row},
    ATLAS ? pictureOf(row) : make("span", {className: "bare"}),
    make("span", {className: "words"}, swatch(hex(paint[row])), `${tiles[row]}${said && " · " + said}`));
}

// Fill `box` with the tiles of `rows`, and a button after it for those that are not shown yet.
function fillGallery(box, rows, first = FIRST) {
  let shown = 0;
  box.replaceChildren();
  if (box.nextElementSibling?.matches(".more")) box.nextElementSibling.remove();
  const more = make("button", {type: "button", className: "more"});
  const add = (number) => {
    box.append(...rows.slice(shown, shown + number).map(figure));
    shown = Math.min(rows.length, shown + number);
    more.textContent = `Show more (${count(rows.length - shown)})`;
    if (shown >= rows.length) more.remove();
  };
  if (rows.length > first) box.after(more);
  more.addEventListener("click", () => add(MORE));
  add(first);
}

// Pointing at, and clicking, tiles within an element.
function listen(element, hover, click) {
  const row = (event) => +(event.target.closest(".tile")?.dataset.row ?? -1);
  const beside = (event) => {
    const frame = event.target.closest(".tile")?.getBoundingClientRect();
    hover(row(event), frame && {clientX: frame.right, clientY: frame.top + 30});
  };
  element.addEventListener("pointerover", (event) => event.pointerType === "mouse" && beside(event));
  element.addEventListener("pointerleave", () => hover(-1));
  element.addEventListener("focusin", (event) => event.target.matches(".tile:focus-visible") && beside(event));
  element.addEventListener("focusout", () => hover(-1));
  element.addEventListener("click", (event) => row(event) >= 0 && click(row(event)));
}
