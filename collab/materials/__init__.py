"""The shapes of study guides, flashcard sets and practice tests."""
