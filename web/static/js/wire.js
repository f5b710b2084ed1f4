// Types of the wire, written from rooms/messages.py by `make wire`: change them there.
// Nothing here runs; other modules name these types in their JSDoc.


/** @typedef {"draft"|"scheduled"|"rehearsal"|"doors"|"live"|"interval"|"ended"|"archived"|"cancelled"} Phase */

/** @typedef {"guest"|"companion"|"artist"|"host"} Role */

/**
 * The first message: `after` is the last event number seen, None for a fresh snapshot.
 * @typedef {Object} Hello
 * @property {number} id
 * @property {"hello"} type
 * @property {number|null} [after]
 */

/**
 * The name to write under.
 * @typedef {Object} SetName
 * @property {number} id
 * @property {string} key
 * @property {"name.set"} type
 * @property {string} name
 */

/**
 * A line of conversation.
 * @typedef {Object} WriteLine
 * @property {number} id
 * @property {string} key
 * @property {"line.write"} type
 * @property {string} text
 */

/**
 * Host: hide a line for everybody.
 * @typedef {Object} HideLine
 * @property {number} id
 * @property {string} key
 * @property {"line.hide"} type
 * @property {number} line
 */

/**
 * Clap; gathered, never stored. `claps` since the last one.
 * @typedef {Object} Applaud
 * @property {number} id
 * @property {"applaud"} type
 * @property {number} [claps]
 */

/**
 * Pyydän apua.
 * @typedef {Object} AskHelp
 * @property {number} id
 * @property {string} key
 * @property {"help.ask"} type
 */

/**
 * Host: a request for help has been dealt with.
 * @typedef {Object} HandleHelp
 * @property {number} id
 * @property {string} key
 * @property {"help.handle"} type
 * @property {number} request
 */

/**
 * Host: the next phase.
 * @typedef {Object} SetPhase
 * @property {number} id
 * @property {string} key
 * @property {"phase.set"} type
 * @property {Phase} phase
 */

/**
 * Host: take a participant out; the ticket admits no more.
 * @typedef {Object} RemoveSeat
 * @property {number} id
 * @property {string} key
 * @property {"seat.remove"} type
 * @property {string} seat
 */

/**
 * Artist: I am on air (counts once the show is live).
 * @typedef {Object} TakeAir
 * @property {number} id
 * @property {string} key
 * @property {"air.take"} type
 */

/**
 * Artist: I am off air.
 * @typedef {Object} LeaveAir
 * @property {number} id
 * @property {string} key
 * @property {"air.leave"} type
 */

/**
 * Companion: ask the guest (again, after silence).
 * @typedef {Object} AskCompany
 * @property {number} id
 * @property {string} key
 * @property {"company.ask"} type
 */

/**
 * Guest: yes or not now to the companion who asked.
 * @typedef {Object} AnswerCompany
 * @property {number} id
 * @property {string} key
 * @property {"company.answer"} type
 * @property {string} companion
 * @property {boolean} yes
 */

/**
 * Guest: Jatkan itsekseni. Companion: leave.
 * @typedef {Object} EndCompany
 * @property {number} id
 * @property {string} key
 * @property {"company.end"} type
 * @property {string} companion
 */

/**
 * Ask the server for an offer; the reply is `media.offer`.
 * @typedef {Object} MediaView
 * @property {number} id
 * @property {"media.view"} type
 */

/**
 * The answer to a `media.offer`.
 * @typedef {Object} MediaAnswer
 * @property {number} id
 * @property {"media.answer"} type
 * @property {string} session
 * @property {string} etag
 * @property {string} sdp
 */

/**
 * Artist: an offer to send; the reply is `media.accepted`.
 * @typedef {Object} MediaPublish
 * @property {number} id
 * @property {"media.publish"} type
 * @property {string} sdp
 */

/**
 * End this connection's session (sending or receiving).
 * @typedef {Object} MediaStop
 * @property {number} id
 * @property {"media.stop"} type
 * @property {string} session
 */

/**
 * The picture stands still although packets come: ask for a keyframe.
 * @typedef {Object} MediaKeyframe
 * @property {number} id
 * @property {"media.keyframe"} type
 * @property {string} session
 */

/**
 * The show entered a phase; `epoch` grows by one with each change.
 * @typedef {Object} PhaseChanged
 * @property {"phase.changed"} type
 * @property {Phase} phase
 * @property {number} epoch
 * @property {number} at
 */

/**
 * This artist is what everybody sees (once live).
 * @typedef {Object} AirTaken
 * @property {"air.taken"} type
 * @property {string} seat
 */

/**
 * Nobody is on air.
 * @typedef {Object} AirLeft
 * @property {"air.left"} type
 * @property {string} seat
 */

/**
 * A participant writes under this name.
 * @typedef {Object} Named
 * @property {"named"} type
 * @property {string} seat
 * @property {string} name
 */

/**
 * A line of conversation; `line` is its number in the room.
 * @typedef {Object} LineWritten
 * @property {"line.written"} type
 * @property {number} line
 * @property {string} seat
 * @property {Role} role
 * @property {string} name
 * @property {string} text
 * @property {number} at
 */

/**
 * A line was taken away; clients forget its text.
 * @typedef {Object} LineHidden
 * @property {"line.hidden"} type
 * @property {number} line
 */

/**
 * Host and the asker only.
 * @typedef {Object} HelpAsked
 * @property {"help.asked"} type
 * @property {number} request
 * @property {string} seat
 * @property {string} name
 * @property {number} at
 */

/**
 * Host and the asker only.
 * @typedef {Object} HelpHandled
 * @property {"help.handled"} type
 * @property {number} request
 * @property {string} seat
 */

/**
 * Hosts only; the removed one is told by the end of the socket (`bye`).
 * @typedef {Object} SeatRemoved
 * @property {"seat.removed"} type
 * @property {string} seat
 */

/**
 * The pair and the hosts only. Silence until `until` is a no.
 * @typedef {Object} CompanyAsked
 * @property {"company.asked"} type
 * @property {string} companion
 * @property {string} guest
 * @property {string} name
 * @property {number} at
 * @property {number} until
 */

/**
 * The pair and the hosts only.
 * @typedef {Object} CompanyAnswered
 * @property {"company.answered"} type
 * @property {string} companion
 * @property {string} guest
 * @property {"accepted"|"declined"|"silent"} answer
 */

/**
 * The pair and the hosts only.
 * @typedef {Object} CompanyEnded
 * @property {"company.ended"} type
 * @property {string} companion
 * @property {string} guest
 */

/**
 * A line as it stands in the snapshot; a hidden one keeps its number and loses its text.
 * @typedef {Object} Line
 * @property {number} line
 * @property {string} seat
 * @property {Role} role
 * @property {string} name
 * @property {string} text
 * @property {number} at
 * @property {boolean} hidden
 */

/**
 * An open request for help.
 * @typedef {Object} HelpRequest
 * @property {number} request
 * @property {string} seat
 * @property {string} name
 * @property {number} at
 */

/**
 * One companion and their guest; `state` as in the companion's table.
 * @typedef {Object} Company
 * @property {string} companion
 * @property {string} guest
 * @property {string} name
 * @property {"asked"|"accepted"|"declined"|"silent"|"ended"} state
 * @property {number} until
 * @property {number} asks
 */

/**
 * A room as one viewer may see it. The host's is whole; others' leave out what is not theirs.
 * @typedef {Object} Snapshot
 * @property {string} show
 * @property {Phase} phase
 * @property {number} epoch
 * @property {number} phase_at
 * @property {string|null} on_air
 * @property {Record<string, string>} names
 * @property {Line[]} lines
 * @property {HelpRequest[]} help
 * @property {Company[]} company
 * @property {string[]} removed
 */

/**
 * The room now; events follow with numbers above `seq`. `you` is the reader's own seat.
 * @typedef {Object} SnapshotMessage
 * @property {"snapshot"} type
 * @property {number} seq
 * @property {number} now
 * @property {string} you
 * @property {Role} role
 * @property {Snapshot} state
 */

/**
 * One event of the log. Numbers grow; a client sees only events that are for it.
 * @typedef {Object} EventMessage
 * @property {"event"} type
 * @property {number} seq
 * @property {PhaseChanged|AirTaken|AirLeft|Named|LineWritten|LineHidden|HelpAsked|HelpHandled|SeatRemoved|CompanyAsked|CompanyAnswered|CompanyEnded} event
 */

/**
 * The command with this `id` was carried out (and its rows committed).
 * @typedef {Object} Ack
 * @property {"ack"} type
 * @property {number} id
 * @property {number|null} seq
 */

/**
 * The command with this `id` was refused, or (None) the message could not be read.
 * @typedef {Object} ErrorMessage
 * @property {"error"} type
 * @property {number|null} id
 * @property {string} code
 * @property {number} status
 * @property {string} text
 */

/**
 * Companion without a yes: all that is told. `asks_left` counts further asks.
 * @typedef {Object} Waiting
 * @property {"waiting"} type
 * @property {"invited"|"asked"|"declined"|"silent"|"ended"} state
 * @property {number|null} until
 * @property {number} asks_left
 */

/**
 * For the host: one seat of the room.
 * @typedef {Object} Person
 * @property {string} seat
 * @property {Role} role
 * @property {string} name
 * @property {boolean} here
 */

/**
 * How many heads are in the hall; `people` for hosts only.
 * @typedef {Object} PresenceMessage
 * @property {"presence"} type
 * @property {number} heads
 * @property {Person[]|null} people
 */

/**
 * Applause of the last second: claps and from how many seats. At most one a second.
 * @typedef {Object} ApplauseMessage
 * @property {"applause"} type
 * @property {number} claps
 * @property {number} seats
 */

/**
 * Whether the feed on air is coming in: what the hall sees is `live`, `stalled` or `empty`.
 * @typedef {Object} StageMessage
 * @property {"stage"} type
 * @property {"live"|"stalled"|"empty"} state
 * @property {string|null} seat
 */

/**
 * The server's offer to receive (reply to `media.view` with its `id`, or unasked with id None).
 * @typedef {Object} MediaOffer
 * @property {"media.offer"} type
 * @property {number|null} id
 * @property {string} session
 * @property {string} etag
 * @property {string} sdp
 */

/**
 * The answer to `media.publish`.
 * @typedef {Object} MediaAccepted
 * @property {"media.accepted"} type
 * @property {number} id
 * @property {string} session
 * @property {string} sdp
 */

/**
 * One of this seat's sessions is over: `reason` as in the relay's `SessionDown`.
 * @typedef {Object} MediaEnded
 * @property {"media.ended"} type
 * @property {string} session
 * @property {string} reason
 */

/**
 * The last message: why, and after how many ms to come back (the client adds jitter; None: never).
 * @typedef {Object} Bye
 * @property {"bye"} type
 * @property {"removed"|"revoked"|"moved"|"restart"|"slow"|"ended"} reason
 * @property {number|null} back_ms
 */

/** @typedef {Hello|SetName|WriteLine|HideLine|Applaud|AskHelp|HandleHelp|SetPhase|RemoveSeat|TakeAir|LeaveAir|AskCompany|AnswerCompany|EndCompany|MediaView|MediaAnswer|MediaPublish|MediaStop|MediaKeyframe} ClientMessage */

/** @typedef {PhaseChanged|AirTaken|AirLeft|Named|LineWritten|LineHidden|HelpAsked|HelpHandled|SeatRemoved|CompanyAsked|CompanyAnswered|CompanyEnded} Event */

/** @typedef {SnapshotMessage|EventMessage|Ack|ErrorMessage|Waiting|PresenceMessage|ApplauseMessage|StageMessage|MediaOffer|MediaAccepted|MediaEnded|Bye} ServerMessage */

export {};
