// The artist's desk: only wires its pieces together.

import { Afterwards } from "./afterwards.js";
import { Air, STAGE_OPEN } from "./air.js";
import { Audience } from "./audience.js";
import { Awake } from "./awake.js";
import { Banner, Ending, Going } from "./banner.js";
import { Checks } from "./checks.js";
import { begin, need } from "./component.js";
import { allowed } from "./devices.js";
import { Looking } from "./looking.js";
import { DeviceChoice, MusicSwitch, SelfView } from "./selfview.js";
import { SoundSheet } from "./soundsheet.js";
import { StaffRoom, setScene } from "./staffroom.js";
import { Studio } from "./studio.js";
import { Talk } from "./talk.js";
import { text } from "./texts.js";

const root = need(document, "#desk", HTMLElement);
const studio = new Studio();
const room = new StaffRoom(root, { onInside: goBackstage });
const air = new Air(room, studio);
const awake = new Awake();

const checks = begin("#list", (element) => new Checks(element, studio));
begin("#self", (element) => new SelfView(element, studio));
begin("#sound", (element) =>
  new SoundSheet(element, studio, {
    onAir: () => air.wants,
    onLevel: (level) => checks?.sound(level),
  }),
);
begin("#music", (element) => new MusicSwitch(element, studio));
begin("#devices", (element) => new DeviceChoice(element, studio));
begin("#go", (element) => new Going(element, air, studio));
begin("#banner", (element) => new Banner(element, air));
begin("#end", (element) => new Ending(element, air));
begin("#house", (element) => new Audience(element, room));
begin("#recording", (element) => new Afterwards(element, room));
begin("#look", (element) => new Looking(element, room));
begin("#talk", (element) => new Talk(element, room, { hides: false }));

air.addEventListener("change", draw);
// A closed tab would end the broadcast: the browser asks first.
window.addEventListener("beforeunload", (event) => {
  if (air.place === "on_air") event.preventDefault();
});
room.subscribe((message) => {
  if (message?.type === "bye" && message.back_ms === null) studio.close();
});
room.start();

async function goBackstage() {
  draw();
  need(document, "#check-heading", HTMLElement).focus();
  if (await allowed()) await studio.open();
}

function draw() {
  if (!room.inside) return;
  const phase = room.state?.phase ?? room.page.show.phase;
  const place = air.place;
  awake.want(air.wants);
  const scene = place === "check" || place === "over" ? place : "stage";
  if (scene !== root.dataset.scene) arrive(scene);
  if (scene === "over") {
    need(document, "#over [data-part=words]", HTMLElement).textContent = text(`desk_phase_${phase}`);
    if (studio.stream) studio.close();
    return;
  }
  checks?.phase(room.lost ? "lost" : STAGE_OPEN.has(phase) || phase === "scheduled" ? phase : "draft");
  const trying = place === "connecting" || place === "healing" || room.lost;
  checks?.line(trying ? "trying" : scene === "check" ? "unknown" : air.line);
}

/** Another scene, and the focus on its heading. @param {string} scene */
function arrive(scene) {
  setScene(root, scene);
  const heading = document.querySelector(`[data-scenes~="${scene}"] h1`);
  if (heading instanceof HTMLElement) heading.focus();
  window.scrollTo({ top: 0 });
}
