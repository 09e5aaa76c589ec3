// Areas that are drawn on a frame, with the mouse or with keys: in which nothing is healed, and in which everything is.
"use strict";

const NAMES = { excluded: "Excluded", marked: "Marked" };

function corners({ top, left, bottom, right }) {
  return [[top, left], [top, right], [bottom, right], [bottom, left]];
}

function drawAreas() {
  const group = document.querySelector("#drawing g");
  if (!group) return;
  const kept = JSON.parse(place().dataset.areas);
  const areas = [
    ...["excluded", "marked"].flatMap((kind) => kept[kind].map((outline) => ({ kind, outline, state: "kept" }))),
    ...zoom.drawn.map(({ kind, corners: outline }) => ({ kind, outline, state: "drawn" })),
  ];
  if (zoom.draft) areas.push({ kind: zoom.tool, outline: corners(zoom.draft).map(toCaptured), state: "draft" });
  group.replaceChildren(
    ...areas.map(({ kind, outline, state }) => {
      const shape = document.createElementNS("http://www.w3.org/2000/svg", "polygon");
      shape.setAttribute("points", outline.map(toShown).map(([row, col]) => `${col},${row}`).join(" "));
      shape.setAttribute("class", `${kind} ${state}`);
      return shape;
    }),
  );
  if (zoom.border > 0 && zoom.border < 100) {
    const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
    const { rows, cols } = howShown();
    const col = (cols * zoom.border) / 100;
    for (const [name, value] of [["x1", col], ["x2", col], ["y1", 0], ["y2", rows]]) {
      line.setAttribute(name, value);
    }
    group.append(line);
  }
  document.getElementById("drawing").classList.toggle("active", zoom.tool !== null);
  placeDrawing();
}

// The place on the frame as it is shown, in pixels, of a place on the screen.
function onFrame(event) {
  const box = place().getBoundingClientRect();
  const at = new OpenSeadragon.Point(event.clientX - box.left, event.clientY - box.top);
  const { x, y } = zoom.layers.raw.viewerElementToImageCoordinates(at);
  const { rows, cols } = howShown();
  return { row: within(y, rows), col: within(x, cols) };
}

function within(value, most) {
  return Math.min(most, Math.max(0, Math.round(value)));
}

function beginArea(event) {
  if (!zoom.tool || event.button !== 0) return;
  event.preventDefault();
  event.stopPropagation();
  const drawing = event.currentTarget;
  const from = onFrame(event);
  drawing.setPointerCapture(event.pointerId);
  const move = (moved) => {
    const to = onFrame(moved);
    zoom.draft = {
      top: Math.min(from.row, to.row),
      left: Math.min(from.col, to.col),
      bottom: Math.max(from.row, to.row),
      right: Math.max(from.col, to.col),
    };
    drawAreas();
  };
  drawing.addEventListener("pointermove", move);
  drawing.addEventListener(
    "pointerup",
    (moved) => {
      drawing.removeEventListener("pointermove", move);
      move(moved);
      setArea();
    },
    { once: true },
  );
}

// Take or leave the tool; for the keyboard an area in the middle of the view is there to be moved.
function useTool(kind) {
  if (place()?.dataset.busy !== "no") return;
  zoom.tool = zoom.tool === kind ? null : kind;
  zoom.draft = null;
  if (zoom.tool) {
    tell(
      `${NAMES[kind]} area: draw it with the mouse. Or with the keys: arrows move it, Shift and arrows change its size, Enter sets it, Escape leaves it.`,
      false,
    );
    place().focus();
  }
  showState();
}

function startDraft() {
  const box = place().getBoundingClientRect();
  const middle = onFrame({ clientX: box.left + box.width / 2, clientY: box.top + box.height / 2 });
  const half = Math.max(2, Math.round(inFrame(STEP_PX)));
  zoom.draft = moved({ top: middle.row, left: middle.col, bottom: middle.row, right: middle.col }, [-half, -half, half, half]);
}

function inFrame(screenPx) {
  const item = zoom.layers.raw;
  return screenPx / item.viewportToImageZoom(zoom.viewer.viewport.getZoom(true));
}

function moved(area, [top, left, bottom, right]) {
  const { rows, cols } = howShown();
  return {
    top: within(area.top + top, rows),
    left: within(area.left + left, cols),
    bottom: within(area.bottom + bottom, rows),
    right: within(area.right + right, cols),
  };
}

const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

function onDrawingKey(event) {
  if (event.key === "Escape") useTool(zoom.tool);
  else if (event.key === "Enter" && zoom.draft) setArea();
  else if (event.key in MOVES) {
    if (!zoom.draft) startDraft();
    else {
      const by = Math.max(1, Math.round(inFrame(STEP_PX / 6)));
      const [down, across] = MOVES[event.key].map((step) => step * by);
      const next = moved(zoom.draft, event.shiftKey ? [0, 0, down, across] : [down, across, down, across]);
      if (next.bottom - next.top >= 2 && next.right - next.left >= 2) zoom.draft = next;
    }
    drawAreas();
  } else return false;
  return true;
}

function setArea() {
  const { draft, tool: kind } = zoom;
  zoom.draft = null;
  if (!draft || draft.bottom - draft.top < 1 || draft.right - draft.left < 1) {
    showState();
    return;
  }
  zoom.drawn.push({ kind, corners: corners(draft).map(toCaptured) });
  zoom.tool = null;
  tell(`${NAMES[kind]} area is set. Clean again (c) uses it; draw more before, if there are more.`, false);
  showState();
}

// The areas that were drawn and not sent, in the form below the picture.
function listAreas() {
  const list = document.getElementById("areas");
  if (!list) return;
  list.replaceChildren(
    ...zoom.drawn.map((area, index) => {
      const [[top, left], , [bottom, right]] = area.corners.map(toShown);
      const entry = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = "Remove";
      button.setAttribute("aria-label", `Remove ${NAMES[area.kind].toLowerCase()} area ${index + 1}`);
      button.addEventListener("click", () => {
        zoom.drawn.splice(index, 1);
        showState();
      });
      entry.append(`${NAMES[area.kind]}: ${Math.abs(right - left)} × ${Math.abs(bottom - top)} pixels `, button);
      return entry;
    }),
  );
}
