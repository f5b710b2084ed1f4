// The host's desk: only wires its pieces together.

import { Afterwards } from "./afterwards.js";
import { begin, need } from "./component.js";
import { Kept } from "./kept.js";
import { Monitor } from "./monitor.js";
import { HelpList, People, PeopleList } from "./people.js";
import { PhaseBar } from "./phasebar.js";
import { StaffRoom, setScene } from "./staffroom.js";
import { Talk } from "./talk.js";

const root = need(document, "#host", HTMLElement);
const people = new People();
const room = new StaffRoom(root, {
  onInside: () => {
    setScene(root, "room");
    need(document, "#show-heading", HTMLElement).focus();
  },
});
room.subscribe((message) => {
  if (message?.type === "presence" && message.people) people.all = message.people;
});

begin("#phases", (element) => new PhaseBar(element, room));
begin("#help", (element) => new HelpList(element, room, people));
begin("#missing", (element) => new PeopleList(element, room, people, { here: false }));
begin("#here", (element) => new PeopleList(element, room, people, { here: true }));
begin("#stage", (element) => new Monitor(element, room, people));
begin("#recording", (element) => new Afterwards(element, room));
begin("#kept", (element) => new Kept(element, room));
begin("#talk", (element) => new Talk(element, room, { hides: true }));

room.start();
