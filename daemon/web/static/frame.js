// A frame at full size: raw and cleaned picture with a border between them, infrared, and mask.
// Without this script the page shows the access image.
"use strict";

const STEP_PX = 60; // of a key that moves the view or an area, on the screen

const zoom = {
  viewer: null,
  shown: null, // frame, revision and orientation that the viewer has
  turned: null, // the orientation alone
  opened: 0, // how often pictures were put into the viewer
  layers: {}, // name of a layer: its picture in the viewer
  on: { mask: false, infrared: false },
  border: 0, // percent of the picture, from the left, that shows it raw
  tool: null, // "excluded" or "marked" while an area is being drawn
  draft: null, // the area being drawn: top, left, bottom, right, in pixels of the frame as it is shown
  drawn: [], // areas that were drawn and not sent: { kind, corners }
};

function place() {
  return document.getElementById("viewer");
}

// Show what the page now names: called at the start, and whenever the content was read again.
function showFrame() {
  const element = place();
  if (!element || !element.dataset.revision) return;
  const { frame, revision, turned } = element.dataset;
  if (zoom.shown !== `${frame} ${revision} ${turned}`) {
    const isTurned = zoom.turned !== turned;
    zoom.shown = `${frame} ${revision} ${turned}`;
    zoom.turned = turned;
    if (isTurned) zoom.draft = null;
    openViewer(element, isTurned);
  }
  showState();
}

// The frame is stored as captured, and shown mirrored and then turned clockwise. Places on it, [row, column], are those
// of the captured frame wherever they are kept or sent, and those of the shown one wherever they are drawn.
function howShown() {
  const { rows, cols, turned } = place().dataset;
  const turn = parseInt(turned, 10);
  const isSideways = turn === 90 || turn === 270;
  const [shownRows, shownCols] = isSideways ? [cols, rows] : [rows, cols];
  return { turn, isMirrored: turned.endsWith("m"), rows: Number(shownRows), cols: Number(shownCols) };
}

function toShown([row, col]) {
  const { turn, isMirrored } = howShown();
  const [rows, cols] = [Number(place().dataset.rows), Number(place().dataset.cols)];
  const at = isMirrored ? cols - col : col;
  return { 0: [row, at], 90: [at, rows - row], 180: [rows - row, cols - at], 270: [cols - at, row] }[turn];
}

function toCaptured([row, col]) {
  const { turn, isMirrored } = howShown();
  const [rows, cols] = [Number(place().dataset.rows), Number(place().dataset.cols)];
  const [top, left] = { 0: [row, col], 90: [rows - col, row], 180: [rows - row, cols - col], 270: [col, cols - row] }[turn];
  return [top, isMirrored ? cols - left : left];
}

function source({ frame, revision, turned }, layer) {
  const { rows, cols } = howShown();
  return {
    width: cols,
    height: rows,
    tileSize: 512,
    tileOverlap: 0,
    minLevel: 0,
    maxLevel: Math.ceil(Math.log2(Math.max(cols, rows))),
    getTileUrl: (level, col, row) =>
      `/api/frames/${frame}/tiles/${revision}/${layer}/${level}/${col}_${row}.${layer === "mask" ? "png" : "jpg"}?turned=${turned}`,
  };
}

function openViewer(element, isTurned) {
  const { frame, revision, turned } = element.dataset;
  if (!zoom.viewer) makeViewer(element);
  // Another revision is looked at where the earlier one was; a picture that was turned is looked at whole.
  const view = zoom.viewer.world.getItemCount() && !isTurned ? zoom.viewer.viewport.getBounds() : null;
  // What was asked for before may still come: it is taken out again.
  const opened = (zoom.opened += 1);
  const isLate = (item) => opened !== zoom.opened && (zoom.viewer.world.removeItem(item), true);
  zoom.layers = {};
  zoom.viewer.world.removeAll();
  // The first thing to be seen, and all there is until the tiles are made.
  zoom.viewer.addTiledImage({
    tileSource: { type: "image", url: `/api/frames/${frame}/access?revision=${revision}&turned=${turned}`, buildPyramid: false },
    success: ({ item }) => isLate(item),
  });
  for (const layer of element.dataset.layers.split(" ")) {
    zoom.viewer.addTiledImage({
      tileSource: source(element.dataset, layer),
      opacity: 0,
      success: ({ item }) => {
        if (isLate(item)) return;
        zoom.layers[layer] = item;
        if (layer === "raw" && view) zoom.viewer.viewport.fitBounds(view, true);
        else if (layer === "raw") zoom.viewer.viewport.goHome(true);
        showState();
      },
    });
  }
}

// OpenSeadragon looks for this mark before it adds a style of its own, which the page's policy forbids.
function forbidOwnStyle() {
  // Of no namespace: an element of HTML would be a style, and forbidden even while it is empty.
  const mark = document.createElementNS(null, "style");
  mark.setAttribute("data-openseadragon-mobile-css", "");
  document.head.append(mark);
}

function makeViewer(element) {
  forbidOwnStyle();
  zoom.viewer = OpenSeadragon({
    element,
    drawer: "canvas",
    showNavigationControl: false,
    gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true },
    maxZoomPixelRatio: 8,
    visibilityRatio: 0.5,
    animationTime: 0.3,
    imageLoaderLimit: 6,
    tabIndex: "",
  });
  // Its own keys would take those of the decisions.
  zoom.viewer.innerTracker.keyDownHandler = null;
  zoom.viewer.innerTracker.keyHandler = null;
  const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  drawing.id = "drawing";
  drawing.append(document.createElementNS("http://www.w3.org/2000/svg", "g"));
  element.append(drawing);
  zoom.viewer.addHandler("update-viewport", placeDrawing);
  zoom.viewer.addHandler("resize", placeDrawing);
  drawing.addEventListener("pointerdown", beginArea);
}

// Put everything on the screen as the state says.
function showState() {
  const element = place();
  for (const [name, item] of Object.entries(zoom.layers)) {
    const isOn = { raw: zoom.border > 0, clean: zoom.border < 100, ...zoom.on }[name];
    // What cannot be seen is not asked for.
    item.setOpacity(isOn ? 1 : 0);
  }
  const { rows, cols } = howShown();
  const clean = zoom.layers.clean;
  const from = (cols * zoom.border) / 100;
  clean?.setClip(new OpenSeadragon.Rect(from, 0, cols - from, rows));
  for (const name of ["mask", "infrared"]) {
    document.getElementById(name)?.setAttribute("aria-pressed", String(zoom.on[name]));
  }
  for (const name of ["excluded", "marked"]) {
    document.getElementById(`draw-${name}`)?.setAttribute("aria-pressed", String(zoom.tool === name));
  }
  const border = document.getElementById("border");
  if (border) border.value = zoom.border;
  const before = document.getElementById("before-after");
  before?.setAttribute("aria-pressed", String(zoom.border >= 100));
  drawAreas();
  listAreas();
}

function placeDrawing() {
  const item = zoom.layers.raw;
  const group = document.querySelector("#drawing g");
  if (!item || !group) return;
  const first = item.imageToViewerElementCoordinates(new OpenSeadragon.Point(0, 0));
  const { cols } = howShown();
  const last = item.imageToViewerElementCoordinates(new OpenSeadragon.Point(cols, 0));
  const scale = (last.x - first.x) / cols;
  group.setAttribute("transform", `translate(${first.x} ${first.y}) scale(${scale})`);
}

function toggle(layer) {
  if (!place()?.dataset.layers?.split(" ").includes(layer)) return;
  zoom.on[layer] = !zoom.on[layer];
  showState();
}

function zoomBy(factor) {
  zoom.viewer.viewport.zoomBy(factor);
  zoom.viewer.viewport.applyConstraints();
}

const ZOOMS = {
  "+": () => zoomBy(1.5),
  "-": () => zoomBy(1 / 1.5),
  0: () => zoom.viewer.viewport.goHome(),
  1: () => zoom.viewer.viewport.zoomTo(zoom.layers.raw.imageToViewportZoom(1 / window.devicePixelRatio)),
};

function onZoomKey(event) {
  if (event.key in ZOOMS) ZOOMS[event.key]();
  else if (event.shiftKey && event.key in MOVES) {
    const [down, across] = MOVES[event.key];
    zoom.viewer.viewport.panBy(zoom.viewer.viewport.deltaPointsFromPixels(new OpenSeadragon.Point(across * STEP_PX, down * STEP_PX)));
    zoom.viewer.viewport.applyConstraints();
  } else return false;
  return true;
}

// Before the page's own keys: arrows move an area while one is drawn.
document.addEventListener(
  "keydown",
  (event) => {
    if (!zoom.viewer || !place() || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.target.closest("input, select, textarea") && !zoom.tool) return;
    if ((zoom.tool && onDrawingKey(event)) || onZoomKey(event)) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
  },
  { capture: true },
);
document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.id === "mask" || button?.id === "infrared") toggle(button.id);
  else if (button?.id === "draw-excluded") useTool("excluded");
  else if (button?.id === "draw-marked") useTool("marked");
  else if (button?.id === "before-after") {
    zoom.border = zoom.border >= 100 ? 0 : 100;
    showState();
  } else if (button?.dataset.zoom) ZOOMS[button.dataset.zoom]();
});
document.addEventListener("input", (event) => {
  if (event.target.id !== "border") return;
  zoom.border = Number(event.target.value);
  showState();
});
document.addEventListener("renewed", showFrame);
showFrame();
