"""Shows, tickets, room state, conversation, companions. Pure where it can be."""
