"""The event stream as it passes, and the whole way of one event."""
