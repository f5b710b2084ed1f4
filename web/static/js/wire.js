// Types of the wire, written from rooms/{commands,events,messages}.py by `make wire`: change them there.
// Nothing here runs; other modules name these types in their JSDoc.


/** @typedef {"draft"|"scheduled"|"rehearsal"|"doors"|"live"|"interval"|"ended"|"archived"|"cancelled"} Phase */

/** @typedef {"guest"|"companion"|"artist"|"host"} Role */

// The first message: `after` is the last event number seen, None for a fresh snapshot.
/** @typedef {{id: number, type: "hello", after?: number|null}} Hello */

// The name to write under.
/** @typedef {{id: number, key: string, type: "name.set", name: string}} SetName */

// A line of conversation.
/** @typedef {{id: number, key: string, type: "line.write", text: string}} WriteLine */

// Host: hide a line for everybody.
/** @typedef {{id: number, key: string, type: "line.hide", line: number}} HideLine */

// Clap; gathered, never stored. `claps` since the last one.
/** @typedef {{id: number, type: "applaud", claps?: number}} Applaud */

// Pyydän apua.
/** @typedef {{id: number, key: string, type: "help.ask"}} AskHelp */

// Host: a request for help has been dealt with.
/** @typedef {{id: number, key: string, type: "help.handle", request: number}} HandleHelp */

// Host: the next phase.
/** @typedef {{id: number, key: string, type: "phase.set", phase: Phase}} SetPhase */

// Host: take a participant out; the ticket admits no more.
/** @typedef {{id: number, key: string, type: "seat.remove", seat: string}} RemoveSeat */

// Artist: I am on air (counts once the show is live).
/** @typedef {{id: number, key: string, type: "air.take"}} TakeAir */

// Artist: I am off air.
/** @typedef {{id: number, key: string, type: "air.leave"}} LeaveAir */

// Companion: ask the guest (again, after silence).
/** @typedef {{id: number, key: string, type: "company.ask"}} AskCompany */

// Guest: yes or not now to the companion who asked.
/** @typedef {{id: number, key: string, type: "company.answer", companion: string, yes: boolean}} AnswerCompany */

// Guest: Jatkan itsekseni. Companion: leave.
/** @typedef {{id: number, key: string, type: "company.end", companion: string}} EndCompany */

// Ask the server for an offer; the reply is `media.offer`.
/** @typedef {{id: number, type: "media.view"}} MediaView */

// Ask for the show by segments, where the media's own way does not get through; the reply is `media.segments` with the address.
/** @typedef {{id: number, type: "media.segments"}} MediaSegments */

// The answer to a `media.offer`.
/** @typedef {{id: number, type: "media.answer", session: string, etag: string, sdp: string}} MediaAnswer */

// Artist: an offer to send; the reply is `media.accepted`.
/** @typedef {{id: number, type: "media.publish", sdp: string}} MediaPublish */

// The way of a session's media is broken: look for another with new ICE names, the keys stay. Who receives gets a `media.offer` of the same session, to be answered; who sends encloses a new offer of that connection in `sdp` and gets `media.accepted`.
/** @typedef {{id: number, type: "media.restart", session: string, sdp?: string|null}} MediaRestart */

// End this connection's session (sending or receiving).
/** @typedef {{id: number, type: "media.stop", session: string}} MediaStop */

// The picture stands still although packets come: ask for a keyframe.
/** @typedef {{id: number, type: "media.keyframe", session: string}} MediaKeyframe */

// The show entered a phase; `epoch` grows by one with each change.
/** @typedef {{type: "phase.changed", phase: Phase, epoch: number, at: number}} PhaseChanged */

// This artist is what everybody sees (once live).
/** @typedef {{type: "air.taken", seat: string}} AirTaken */

// Nobody is on air.
/** @typedef {{type: "air.left", seat: string}} AirLeft */

// A participant writes under this name.
/** @typedef {{type: "named", seat: string, name: string}} Named */

// A line of conversation; `line` is its number in the room.
/** @typedef {{type: "line.written", line: number, seat: string, role: Role, name: string, text: string, at: number}} LineWritten */

// A line was taken away; clients forget its text.
/** @typedef {{type: "line.hidden", line: number}} LineHidden */

// Host and the asker only.
/** @typedef {{type: "help.asked", request: number, seat: string, name: string, at: number}} HelpAsked */

// Host and the asker only.
/** @typedef {{type: "help.handled", request: number, seat: string}} HelpHandled */

// Hosts only; the removed one is told by the end of the socket (`bye`).
/** @typedef {{type: "seat.removed", seat: string}} SeatRemoved */

// The pair and the hosts only. Silence until `until` is a no.
/** @typedef {{type: "company.asked", companion: string, guest: string, name: string, at: number, until: number}} CompanyAsked */

// The pair and the hosts only.
/** @typedef {{type: "company.answered", companion: string, guest: string, answer: "accepted"|"declined"|"silent"}} CompanyAnswered */

// The pair and the hosts only.
/** @typedef {{type: "company.ended", companion: string, guest: string}} CompanyEnded */

// A line as it stands in the snapshot; a hidden one keeps its number and loses its text.
/** @typedef {{line: number, seat: string, role: Role, name: string, text: string, at: number, hidden: boolean}} Line */

// An open request for help.
/** @typedef {{request: number, seat: string, name: string, at: number}} HelpRequest */

// One companion and their guest; `state` as in the companion's table.
/** @typedef {{companion: string, guest: string, name: string, state: "asked"|"accepted"|"declined"|"silent"|"ended", until: number, asks: number}} Company */

// A room as one viewer may see it. The host's is whole; others' leave out what is not theirs.
/** @typedef {{show: string, phase: Phase, epoch: number, phase_at: number, on_air: string|null, names: Record<string, string>, lines: Line[], help: HelpRequest[], company: Company[], removed: string[]}} Snapshot */

// The room now; events follow with numbers above `seq`. `you` is the reader's own seat.
/** @typedef {{type: "snapshot", seq: number, now: number, you: string, role: Role, state: Snapshot}} SnapshotMessage */

// One event of the log. Numbers grow; a client sees only events that are for it.
/** @typedef {{type: "event", seq: number, event: PhaseChanged|AirTaken|AirLeft|Named|LineWritten|LineHidden|HelpAsked|HelpHandled|SeatRemoved|CompanyAsked|CompanyAnswered|CompanyEnded}} EventMessage */

// The command with this `id` was carried out (and its rows committed).
/** @typedef {{type: "ack", id: number, seq: number|null}} Ack */

// The command with this `id` was refused, or (None) the message could not be read.
/** @typedef {{type: "error", id: number|null, code: string, status: number, text: string}} ErrorMessage */

// Companion without a yes: all that is told. `asks_left` counts further asks.
/** @typedef {{type: "waiting", state: "invited"|"asked"|"declined"|"silent"|"ended", until: number|null, asks_left: number}} Waiting */

// For the host: one seat of the room.
/** @typedef {{seat: string, role: Role, name: string, here: boolean}} Person */

// How many heads are in the hall; `people` for hosts only.
/** @typedef {{type: "presence", heads: number, people: Person[]|null}} PresenceMessage */

// Applause of the last second: claps and from how many seats. At most one a second.
/** @typedef {{type: "applause", claps: number, seats: number}} ApplauseMessage */

// Whether the feed on air is coming in: what the hall sees is `live`, `stalled` or `empty`.
/** @typedef {{type: "stage", state: "live"|"stalled"|"empty", seat: string|null}} StageMessage */

// To hosts alone: what is wrong with the show's recording just now; null: nothing, or none is made. `disk_full`: what comes now is not kept; `storage_away`: it is kept, but still waits at the server; `disk_low`: there will soon be no room.
/** @typedef {{type: "recording", trouble: "disk_full"|"storage_away"|"disk_low"|null}} RecordingMessage */

// The server's offer to receive (reply to `media.view` or `media.restart` with its `id`, or unasked with id None).
/** @typedef {{type: "media.offer", id: number|null, session: string, etag: string, sdp: string}} MediaOffer */

// The answer to `media.publish`, or to `media.restart` with an `sdp`.
/** @typedef {{type: "media.accepted", id: number, session: string, sdp: string}} MediaAccepted */

// Where the show is by segments, for this seat alone: the address of an HLS playlist.
/** @typedef {{type: "media.segments", id: number, url: string}} MediaSegmentsAt */

// One of this seat's sessions is over: `reason` as in the relay's `SessionDown`.
/** @typedef {{type: "media.ended", session: string, reason: string}} MediaEnded */

// The last message: why, and after how many ms to come back (the client adds jitter; None: never).
/** @typedef {{type: "bye", reason: "removed"|"revoked"|"moved"|"restart"|"slow"|"ended", back_ms: number|null}} Bye */

/** @typedef {Hello|SetName|WriteLine|HideLine|Applaud|AskHelp|HandleHelp|SetPhase|RemoveSeat|TakeAir|LeaveAir|AskCompany|AnswerCompany|EndCompany|MediaView|MediaSegments|MediaAnswer|MediaPublish|MediaRestart|MediaStop|MediaKeyframe} ClientMessage */

/** @typedef {PhaseChanged|AirTaken|AirLeft|Named|LineWritten|LineHidden|HelpAsked|HelpHandled|SeatRemoved|CompanyAsked|CompanyAnswered|CompanyEnded} Event */

/** @typedef {SnapshotMessage|EventMessage|Ack|ErrorMessage|Waiting|PresenceMessage|ApplauseMessage|StageMessage|RecordingMessage|MediaOffer|MediaAccepted|MediaSegmentsAt|MediaEnded|Bye} ServerMessage */

export {};
