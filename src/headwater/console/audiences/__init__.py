"""What the pages of audiences need: filters as rules and as text, what a draft would hold, and how audiences grow."""
