// Fingers, mouse and keys on a pane.

const gestures = (space) => touched.matches
  ? (space ? "One finger turns, two move and zoom." : "One finger moves, two zoom.")
  : (space ? "Drag to turn, right-drag to move" : "Drag to move") + ", wheel to zoom, Shift-drag for a lasso.";

const TAP = 5; // px that a finger may slip

// `on` tells what came of it: hover(row, event), pick(row, adding), enclose(rows, adding).
function follow(view, on) {
  const {pane} = view, fingers = new Map();
  let moved = 0, doing = "", adding = false, anchor = -1;
  const here = (event) => { const frame = pane.getBoundingClientRect(); return [event.clientX - frame.left, event.clientY - frame.top]; };

  pane.addEventListener("pointerdown", (event) => {
    if (event.target.closest("button") || event.button === 1) return;
    cancelAnimationFrame(view.flight);
    pane.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, here(event));
    adding = event.ctrlKey || event.metaKey;
    if (fingers.size > 1) { doing = "move"; view.lasso = null; return view.drawOver(); }
    moved = 0;
    doing = event.button === 2 ? "move" : event.shiftKey ? "lasso" : seen.mode;
    if (doing === "move" && view.space && event.button !== 2) doing = "turn";
    if (doing === "turn") anchor = view.anchor();
    if (doing === "lasso" || doing === "box") view.lasso = [here(event)];
  });

  pane.addEventListener("pointermove", (event) => {
    const to = here(event), from = fingers.get(event.pointerId);
    if (!from) return event.pointerType === "mouse" && on.hover(event.target.closest("button") ? -1 : view.rowAt(...to, 9), event);
    const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
    const dx = to[0] - from[0], dy = to[1] - from[1];
    moved += Math.hypot(dx, dy);
    fingers.set(event.pointerId, to);
    if (other) {
      const apart = (one) => Math.max(1, Math.hypot(one[0] - other[0], one[1] - other[1]));
      view.move(view.k, view.x + dx / 2, view.y + dy / 2);
      return view.zoomAt(apart(to) / apart(from), (to[0] + other[0]) / 2, (to[1] + other[1]) / 2);
    }
    if (moved <= TAP) return;
    if (doing === "move" || doing === "turn") {
      on.hover(-1);
      pane.classList.add("busy");
      if (doing === "turn") view.turn(dx * 0.008, dy * 0.008, anchor); else view.move(view.k, view.x + dx, view.y + dy);
      return;
    }
    const [start] = view.lasso;
    if (doing === "box") view.lasso = [start, [to[0], start[1]], to, [start[0], to[1]]]; else view.lasso.push(to);
    view.drawOver();
  });

  const lifted = (event) => {
    if (!fingers.delete(event.pointerId) || fingers.size) return;
    const line = view.lasso;
    view.lasso = null;
    pane.classList.remove("busy");
    if (event.type === "pointercancel") return view.drawOver();
    if (moved <= TAP) on.pick(view.rowAt(...here(event), event.pointerType === "mouse" ? 9 : 18), adding, event);
    else if (line?.length > 2) on.enclose(view.rowsWithin(line), adding);
    view.drawOver();
  };
  pane.addEventListener("pointerup", lifted);
  pane.addEventListener("pointercancel", lifted);
  pane.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && on.hover(-1));
  pane.addEventListener("contextmenu", (event) => event.preventDefault());
  pane.addEventListener("wheel", (event) => {
    event.preventDefault();
    view.zoomAt(Math.exp(-Math.max(-150, Math.min(150, event.deltaY * (event.deltaMode ? 30 : 1))) / 300), ...here(event));
    on.hover(-1);
  }, {passive: false});
  pane.addEventListener("dblclick", (event) => event.target.closest("button") || view.zoomAt(2, ...here(event)));

  const atMiddle = () => view.rowAt(view.wide / 2, view.high / 2, 40);
  pane.addEventListener("keydown", (event) => {
    if (event.target !== pane || event.ctrlKey || event.metaKey || event.altKey) return;
    const [dx, dy] = {ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1]}[event.key] || [0, 0];
    if (event.key === "+" || event.key === "=") view.zoomAt(1.4);
    else if (event.key === "-" || event.key === "−") view.zoomAt(1 / 1.4);
    else if (event.key === "0") view.whole();
    else if (event.key === "Enter") return on.pick(atMiddle(), false, event);
    else if (!dx && !dy) return;
    else if (view.space && !event.shiftKey) view.turn(-dx * 0.12, -dy * 0.12, view.anchor());
    else view.move(view.k, view.x + dx * 50, view.y + dy * 50);
    event.preventDefault();
    if (event.key !== "0") { view.draw(); on.hover(atMiddle()); }
  });
  pane.addEventListener("blur", () => on.hover(-1));
}

function zoomButtons(view) {
  const button = (label, text, action) => {
    const found = make("button", {type: "button", "aria-label": label, title: label, textContent: text});
    found.addEventListener("click", action);
    return found;
  };
  view.pane.append(make("div", {className: "zoom"}, button("Zoom in (+)", "+", () => view.zoomAt(1.6)),
    button("Zoom out (−)", "−", () => view.zoomAt(1 / 1.6)), button("Show all (0)", "⤢", () => view.whole())));
}
