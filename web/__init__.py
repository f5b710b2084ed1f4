"""Pages, the HTTP and WebSocket API, and the composition root."""
