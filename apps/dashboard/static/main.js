// Pages are whole without these scripts; they keep them current.
import { drawCharts } from "./charts.js";
import { element } from "./dom.js";
import { findAsTyped, keepTimes } from "./find.js";
import { sendForms } from "./forms.js";
import { comeAgain, keepCurrent } from "./live.js";
import { followLog } from "./log.js";

const stream = keepCurrent();
if (stream) {
  followLog(stream);
  drawCharts(stream);
}
comeAgain();
sendForms();
findAsTyped();
keepTimes();
// On a small screen the tabs scroll: the page that is open is in sight.
element(".tabs [aria-current]", HTMLElement)?.scrollIntoView({
  inline: "center",
  block: "nearest",
});
