"""What was sent, what the other side said, and what to do about letters that nobody took."""
