"""ICE, DTLS, SRTP, feeds, relay, WHIP and WHEP. Knows packets; knows no ticket."""
